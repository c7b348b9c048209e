// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	texttemplate "text/template"

	sprig "github.com/go-task/slim-sprig/v3"
)

// maxWork is how many bytes the functions in the templates of one Secret may read and write.
const maxWork = 4 << 20

// fromSprig are the functions of sprig that templates may use. Their result depends only on their arguments, and is a text that
// is at most a few times as long, or a truth value: a list of lists can be endless.
var fromSprig = []string{
	"b64enc", "coalesce", "contains", "default", "empty", "hasPrefix", "hasSuffix", "lower", "quote", "sha256sum", "squote", "ternary",
	"toJson", "toRawJson", "trim", "trimAll", "trimPrefix", "trimSuffix", "trunc", "upper",
}

// functions of templates beside those of sprig. Those of Go's templates are here because what they make has no bounds there.
var functions = withSprig(texttemplate.FuncMap{
	"html": texttemplate.HTMLEscaper, "js": texttemplate.JSEscaper, "urlquery": texttemplate.URLQueryEscaper,
	"print": fmt.Sprint, "println": fmt.Sprintln, "printf": printf,
	"replace": replace, "iniValue": iniValue, "shellValue": shellValue,
})

func withSprig(functions texttemplate.FuncMap) texttemplate.FuncMap {
	all := sprig.GenericFuncMap()
	for _, name := range fromSprig {
		functions[name] = all[name]
	}
	return functions
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

// plainVerbs are formats without widths and without arguments that are used several times.
var plainVerbs = regexp.MustCompile(`^(?:[^%]|%[%dqstvx])*$`)

func printf(format string, arguments ...any) (string, error) {
	if !plainVerbs.MatchString(format) {
		return "", errors.New("printf takes only %s, %q, %v, %d, %t, %x and %%")
	}
	return fmt.Sprintf(format, arguments...), nil
}

// replace is that of sprig, with an end.
func replace(old, fresh, text string) (string, error) {
	if strings.Count(text, old)*len(fresh) > maxWork {
		return "", errTooMuch
	}
	return strings.ReplaceAll(text, old, fresh), nil
}

// iniValue returns a value for a file of the form "key = value". These files have no common way to quote, so a value is refused
// that one of their readers would change: white space, quotes around it, and what is replaced ($name, %(name)s).
func iniValue(value string) (string, error) {
	unsafe := strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' })
	if unsafe || value != "" && strings.ContainsRune("\"'`$", rune(value[0])) || strings.Contains(value, "%(") {
		return "", errors.New("the value has characters that this format cannot express")
	}
	return value, nil
}

// shellSafe are the characters that need no quotes in a shell.
var shellSafe = regexp.MustCompile(`^[-+=/.,:@%_a-zA-Z0-9]*$`)

// shellValue returns a value for a file of variables that a shell reads, in quotes only where it needs them, because not all
// other readers remove them.
func shellValue(value string) (string, error) {
	switch {
	case shellSafe.MatchString(value):
		return value, nil
	case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' }):
		return "", errors.New("the value has characters that this format cannot express")
	default:
		return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'", nil
	}
}
