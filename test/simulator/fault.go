// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Rule says which requests meet a fault. The zero Rule is: every request, until lifted.
type Rule struct {
	// Method is any when empty.
	Method string
	// Path is a prefix of the request's path.
	Path string
	// Query must be part of the raw query.
	Query string
	// Times is how many requests meet the fault before it is gone; 0: until it is lifted.
	Times int
}

// Once limits the rule to the next matching request.
func (r Rule) Once() Rule {
	r.Times = 1
	return r
}

func (r Rule) matches(request *http.Request) bool {
	return (r.Method == "" || r.Method == request.Method) &&
		strings.HasPrefix(request.URL.Path, r.Path) &&
		strings.Contains(request.URL.RawQuery, r.Query)
}

// Effect is what happens to a request instead of, or around, its handling by next.
type Effect func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Faults are the faults in effect. A request meets the first one that matches, in the order of injection.
type Faults struct {
	mu     sync.Mutex
	faults []*fault
}

type fault struct {
	rule   Rule
	left   int
	effect Effect
}

// Inject adds a fault and returns what lifts it; lifting one that is gone does nothing.
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

// LiftAll ends every fault.
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

// take returns the effect that the request meets, nil for none, and counts it.
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
