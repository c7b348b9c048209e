// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	texttemplate "text/template"
)

// sealed is the secret access key in a template, or a text that was made of it. A template can write it and pass it to the
// functions of this file, whose result is sealed again. It cannot compare it, take it apart or decide by it. Otherwise someone who
// may write AccessKeys, and may not read Secrets, could ask for the secret bit by bit: by templates that fail or not.
type sealed struct{ text []byte } // a slice cannot be compared

// Format implements fmt.Formatter. Templates cannot call it, as they could call String.
func (s sealed) Format(state fmt.State, verb rune) {
	text := string(s.text)
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(state, text) // the state keeps the error
}

// opened returns the value of an argument, and whether it was sealed.
func opened(argument any) (value any, secret bool, err error) {
	switch argument := argument.(type) {
	case sealed:
		return string(argument.text), true, nil
	case *endpoint:
		return argument.String(), false, nil
	case nil:
		return "", false, nil
	case string, bool, byte, int, int64, float64:
		return argument, false, nil
	default: // the whole of the values
		return nil, false, errors.New("only texts, numbers and truth values can be made into a text")
	}
}

// textFunction makes a function of templates from one that makes a text of its arguments.
func textFunction(write func(...any) (string, error)) func(...any) (any, error) {
	return func(arguments ...any) (any, error) {
		values, secret := []any{}, false
		for _, argument := range arguments {
			value, isSecret, err := opened(argument)
			if err != nil {
				return nil, err
			}
			values, secret = append(values, value), secret || isSecret
		}
		text, err := write(values...)
		if err != nil {
			return nil, err
		}
		if secret {
			return sealed{[]byte(text)}, nil
		}
		return text, nil
	}
}

// ofOne is a textFunction of one value.
func ofOne(write func(any) (string, error)) func(...any) (any, error) {
	return textFunction(func(values ...any) (string, error) {
		if len(values) != 1 {
			return "", fmt.Errorf("takes one value, got %d", len(values))
		}
		return write(values[0])
	})
}

// ofText is a textFunction of one text.
func ofText(write func(string) (string, error)) func(...any) (any, error) {
	return ofOne(func(value any) (string, error) { return write(fmt.Sprint(value)) })
}

func always(write func(string) string) func(string) (string, error) {
	return func(text string) (string, error) { return write(text), nil }
}

// textFunctions of templates: those of Go and sprig that make one text of others, and what files need.
var textFunctions = texttemplate.FuncMap{
	"print":      textFunction(func(values ...any) (string, error) { return fmt.Sprint(values...), nil }),
	"println":    textFunction(func(values ...any) (string, error) { return fmt.Sprintln(values...), nil }),
	"printf":     textFunction(printf),
	"html":       ofText(always(texttemplate.HTMLEscapeString)),
	"js":         ofText(always(texttemplate.JSEscapeString)),
	"urlquery":   ofText(always(func(text string) string { return texttemplate.URLQueryEscaper(text) })),
	"b64enc":     ofText(always(func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) })),
	"quote":      ofText(always(strconv.Quote)),
	"squote":     ofText(always(func(text string) string { return "'" + text + "'" })),
	"toJson":     ofOne(func(value any) (string, error) { return encoded(value, true) }),
	"toRawJson":  ofOne(func(value any) (string, error) { return encoded(value, false) }),
	"iniValue":   ofText(iniValue),
	"shellValue": ofText(shellValue),
	"sha256sum": ofText(always(func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	})),
}

// encoded returns a value in JSON.
func encoded(value any, escapeHTML bool) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(escapeHTML)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// plainVerbs are formats without widths and without arguments that are used several times.
var plainVerbs = regexp.MustCompile(`^(?:[^%]|%[%dqstvx])*$`)

func printf(values ...any) (string, error) {
	if len(values) == 0 {
		return "", errors.New("takes a format")
	}
	format, ok := values[0].(string)
	if !ok || !plainVerbs.MatchString(format) {
		return "", errors.New("printf takes only %s, %q, %v, %d, %t, %x and %%")
	}
	return fmt.Sprintf(format, values[1:]...), nil
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
