// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// effects are what a fault can do, by the name that a request gives it, each with its parameter.
var effects = map[string]func(parameter string) (simulator.Effect, error){
	"refuse":      plain(simulator.Refuse),
	"drop":        plain(simulator.Drop),
	"drop-answer": plain(simulator.DropAnswer),
	"cut-answer":  plain(simulator.CutAnswer),
	"hang-answer": plain(simulator.HangAnswer),
	"hang":        plain(func() simulator.Effect { return simulator.Hang(nil) }),
	"delay":       delay,
	"throttle":    throttle,
	"answer":      answer,
	"garbage":     garbage,
}

func effectOf(name, parameter string) (simulator.Effect, error) {
	effect, known := effects[name]
	if !known {
		names := slices.Sorted(maps.Keys(effects))
		return nil, fmt.Errorf("there is no effect %q; there are %s", name, strings.Join(names, ", "))
	}
	return effect(parameter)
}

// plain is an effect without a parameter.
func plain(effect func() simulator.Effect) func(string) (simulator.Effect, error) {
	return func(parameter string) (simulator.Effect, error) {
		if parameter != "" {
			return nil, fmt.Errorf("this effect takes no parameter, not %q", parameter)
		}
		return effect(), nil
	}
}

// delay takes a duration, such as 3s.
func delay(parameter string) (simulator.Effect, error) {
	d, err := time.ParseDuration(parameter)
	return simulator.Delay(d), err
}

// throttle takes a Retry-After: seconds, or a date as HTTP writes it. Default 30.
func throttle(parameter string) (simulator.Effect, error) {
	return simulator.Throttle(cmp.Or(parameter, "30")), nil
}

// answer takes a status. Nothing is done, and the body is empty.
func answer(parameter string) (simulator.Effect, error) {
	status, err := strconv.Atoi(parameter)
	if err != nil || status < 200 || status > 599 {
		return nil, fmt.Errorf("the parameter is an HTTP status from 200 to 599, not %q", parameter)
	}
	return simulator.Answer(status, http.Header{}, ""), nil
}

// garbage takes the body that replaces the answer's. The request is carried out. Default: a proxy's page.
func garbage(parameter string) (simulator.Effect, error) {
	return simulator.ReplaceAnswer(cmp.Or(parameter, "<html>The page you asked for</html>")), nil
}
