// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

// failure is what a call of the operator meets.
type failure int

const (
	none failure = iota
	// dieBefore ends the process before the call is carried out; dieAfter when it was, before the answer.
	dieBefore
	dieAfter
	// refuse lets the call fail without an effect, in a way that does not say so.
	refuse
	// loseAnswer carries the call out and loses the answer.
	loseAnswer
	// late carries a service's call out after its sender has given it up.
	late
	// failed and throttled are a service's 503 and 429.
	failed
	throttled
)

var failureNames = [...]string{"none", "dies before", "dies after", "breaks before", "answer lost", "lands late", "503", "429"}

func (f failure) String() string { return failureNames[f] }

// failuresOf are the failures that a call can meet. A read has no effect, so that it is all the same what becomes of it.
func failuresOf(c call) []failure {
	if !c.write {
		return []failure{dieBefore, refuse}
	}
	if c.service() {
		return []failure{dieBefore, dieAfter, refuse, loseAnswer, late}
	}
	return []failure{dieBefore, dieAfter, refuse, loseAnswer}
}

// service: the call is one to the key service, which starts with the method in capitals.
func (c call) service() bool { return c.name[0] >= 'A' && c.name[0] <= 'Z' }

// fateOf numbers a call, and tells what it meets.
func (w *world) fateOf(name string, write bool) failure {
	w.calls = append(w.calls, call{name, write})
	if w.beforeCall != nil {
		w.beforeCall()
	}
	if met, ok := w.failures[len(w.calls)]; ok {
		return met
	}
	if w.odds != nil {
		return w.odds(write, w.calls[len(w.calls)-1].service())
	}
	return none
}
