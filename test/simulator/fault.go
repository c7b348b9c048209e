// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Rule selects the requests that meet a fault. The zero Rule selects every request until the fault is lifted.
type Rule struct {
	// Method is the HTTP method. If it is empty, every method matches.
	Method string
	// Path is a prefix of the request's path.
	Path string
	// Query is a substring of the raw query.
	Query string
	// Times is the number of requests that meet the fault. If it is 0, the fault stays until it is lifted.
	Times int
}

// Once returns the rule, limited to the next matching request.
func (r Rule) Once() Rule {
	r.Times = 1
	return r
}

func (r Rule) matches(request *http.Request) bool {
	return (r.Method == "" || r.Method == request.Method) &&
		strings.HasPrefix(request.URL.Path, r.Path) &&
		strings.Contains(request.URL.RawQuery, r.Query)
}

// Effect handles a request that meets a fault. It may call next, which is the service.
type Effect func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Faults is the list of active faults. A request meets the first one that matches, in the order of injection.
type Faults struct {
	mu     sync.Mutex
	faults []*fault
}

type fault struct {
	rule   Rule
	left   int
	effect Effect
}

// Inject adds a fault and returns a function that lifts it. Lifting a fault that is already gone does nothing.
func (f *Faults) Inject(rule Rule, effect Effect) (lift func()) {
	injected := &fault{rule: rule, left: rule.Times, effect: effect}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, injected)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.remove(injected)
	}
}

// LiftAll lifts every fault.
func (f *Faults) LiftAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

func (f *Faults) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if effect := f.take(r); effect != nil {
		effect(w, r, next)
		return
	}
	next.ServeHTTP(w, r)
}

// take returns the effect of the first matching fault, or nil, and counts the request against that fault.
func (f *Faults) take(r *http.Request) Effect {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, candidate := range f.faults {
		if !candidate.rule.matches(r) {
			continue
		}
		if candidate.left--; candidate.left == 0 {
			f.remove(candidate)
		}
		return candidate.effect
	}
	return nil
}

func (f *Faults) remove(gone *fault) {
	f.faults = slices.DeleteFunc(f.faults, func(candidate *fault) bool { return candidate == gone })
}
