// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	texttemplate "text/template"

	sprig "github.com/go-task/slim-sprig/v3"
)

// maxWork is how many bytes the functions in the templates of one Secret may read and write.
const maxWork = 4 << 20

// fromSprig are the functions of sprig that templates may use beside the textFunctions. Their result depends only on their
// arguments, and is a text that is not longer, or a truth value: a list of lists can be endless.
var fromSprig = []string{
	"coalesce", "contains", "default", "empty", "hasPrefix", "hasSuffix", "lower", "ternary", "trim", "trimAll", "trimPrefix", "trimSuffix", "trunc", "upper",
}

// functions of templates. Those of Go's templates that make texts are among them, because what they make has no bounds there.
var functions = allFunctions()

func allFunctions() texttemplate.FuncMap {
	all, fromAll := texttemplate.FuncMap{"replace": replace}, sprig.GenericFuncMap()
	maps.Copy(all, textFunctions)
	for _, name := range fromSprig {
		all[name] = fromAll[name]
	}
	return all
}

// meter counts down what the templates of one Secret may still do.
type meter struct{ left int }

var errTooMuch = errors.New("the templates of a Secret may process at most 4 MiB")

// take counts a value. The panic ends the template: text/template returns it as the error of the function.
func (m *meter) take(value reflect.Value) {
	if value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	m.left--
	switch value.Kind() {
	case reflect.String:
		m.left -= value.Len()
	case reflect.Struct:
		if secret, ok := value.Interface().(sealed); ok {
			m.left -= len(secret.text)
		}
	case reflect.Slice: // the variadic arguments
		for i := range value.Len() {
			m.take(value.Index(i))
		}
	default:
	}
	if m.left < 0 {
		panic(errTooMuch)
	}
}

// boundedFunctions returns the functions of templates, which stop when they have done too much.
func boundedFunctions(left *meter) texttemplate.FuncMap {
	bounded := texttemplate.FuncMap{}
	for name, function := range functions {
		bounded[name] = left.bound(reflect.ValueOf(function))
	}
	return bounded
}

func (m *meter) bound(function reflect.Value) any {
	call := function.Call
	if function.Type().IsVariadic() {
		call = function.CallSlice
	}
	return reflect.MakeFunc(function.Type(), func(arguments []reflect.Value) []reflect.Value {
		for _, argument := range arguments {
			m.take(argument)
		}
		results := call(arguments)
		m.take(results[0])
		return results
	}).Interface()
}

// replace is that of sprig, with an end.
func replace(old, fresh, text string) (string, error) {
	if strings.Count(text, old)*len(fresh) > maxWork {
		return "", errTooMuch
	}
	return strings.ReplaceAll(text, old, fresh), nil
}
