// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// effects maps the name of an effect to a function that creates it from its parameter.
var effects = map[string]func(parameter string) (simulator.Effect, error){
	"refuse":      plain(simulator.Refuse),
	"drop":        plain(simulator.Drop),
	"drop-answer": plain(simulator.DropAnswer),
	"cut-answer":  plain(simulator.CutAnswer),
	"hang-answer": plain(simulator.HangAnswer),
	"hang":        plain(func() simulator.Effect { return simulator.Hang(nil) }),
	"delay": func(duration string) (simulator.Effect, error) {
		d, err := time.ParseDuration(duration)
		return simulator.Delay(d), err
	},
	"throttle": func(retryAfter string) (simulator.Effect, error) {
		return simulator.Throttle(cmp.Or(retryAfter, "30")), nil
	},
	"answer": func(text string) (simulator.Effect, error) {
		status, err := strconv.Atoi(text)
		if err != nil || status < 200 || status > 599 {
			return nil, fmt.Errorf("the parameter %q is not an HTTP status from 200 to 599", text)
		}
		return simulator.Answer(status, nil, ""), nil
	},
	"garbage": func(body string) (simulator.Effect, error) {
		return simulator.ReplaceAnswer(cmp.Or(body, "<html>The page you asked for</html>")), nil
	},
}

func effectOf(name, parameter string) (simulator.Effect, error) {
	effect, known := effects[name]
	if !known {
		names := slices.Sorted(maps.Keys(effects))
		return nil, fmt.Errorf("unknown effect %q: use one of %s", name, strings.Join(names, ", "))
	}
	return effect(parameter)
}

// plain returns an effect without a parameter.
func plain(effect func() simulator.Effect) func(string) (simulator.Effect, error) {
	return func(parameter string) (simulator.Effect, error) {
		if parameter != "" {
			return nil, fmt.Errorf("this effect has no parameter: remove %q", parameter)
		}
		return effect(), nil
	}
}
