// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"strings"

	"accesskey.dev/operator/test/crash/kube"
)

// failure is what a call of the operator meets.
type failure int

const (
	none failure = iota
	// dieBefore ends the process before the call is carried out; dieAfter when it was, before the answer.
	dieBefore
	dieAfter
	// dieLate ends the process in the middle of the call, which is carried out when another process has long begun: a leader
	// that was paused and wakes up, or a request that waits somewhere on its way.
	dieLate
	// refuse lets the call fail without an effect, in a way that does not say so.
	refuse
	// meddled lets somebody change the AccessKey between the operator's last look at it and the call.
	meddled
	// loseAnswer carries the call out and loses the answer.
	loseAnswer
	// cutOff is loseAnswer, and the API server is away for a minute.
	cutOff
	// late carries a service's call out after its sender has given it up.
	late
	// failed and throttled are a service's 503 and 429.
	failed
	throttled
)

var failureNames = [...]string{"none", "dies before", "dies after", "dies and lands late", "breaks before", "changed before", "answer lost", "cut off", "lands late", "503", "429"}

func (f failure) String() string { return failureNames[f] }

// failuresOf are the failures that a call can meet. A read has no effect, so that it is all the same what becomes of it.
func failuresOf(c call) []failure {
	if !c.write {
		return []failure{dieBefore, refuse}
	}
	if c.service() {
		return []failure{dieBefore, dieAfter, dieLate, refuse, loseAnswer, late}
	}
	failures := []failure{dieBefore, dieAfter, dieLate, refuse, loseAnswer, cutOff}
	if c.accessKey() {
		failures = append(failures, meddled)
	}
	return failures
}

// accessKey: the call is one to the API server about an AccessKey.
func (c call) accessKey() bool {
	return !c.service() && strings.Contains(c.name, " "+kube.AccessKey+" ")
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
