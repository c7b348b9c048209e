// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"strings"

	"accesskey.dev/operator/test/crash/kube"
)

// failure is what hits a call of the operator.
type failure int

const (
	none failure = iota
	// dieBefore ends the process before the call is carried out. dieAfter ends it between the call and the response.
	dieBefore
	dieAfter
	// dieLate ends the process during the call, which is carried out long after another process has started: a paused leader
	// resumes, or a request was delayed on its way.
	dieLate
	// refuse lets the call fail without an effect, but the error does not say so.
	refuse
	// meddled changes the AccessKey or Secret between the operator's last read and the call.
	meddled
	// loseAnswer carries the call out and loses the response.
	loseAnswer
	// cutOff is loseAnswer, and the API server is down for a minute.
	cutOff
	// late carries a call to the service out after the operator's timeout.
	late
	// failed and throttled are 503 and 429 from the service.
	failed
	throttled
)

var failureNames = [...]string{"none", "dies before", "dies after", "dies and lands late", "breaks before", "changed before", "response lost", "cut off", "lands late", "503", "429"}

func (f failure) String() string { return failureNames[f] }

// failuresOf returns the failures that can hit a call. A read has no effect, so it can only fail or not return.
func failuresOf(c call) []failure {
	if strings.HasPrefix(c.name, "dry run ") { // a write follows, before which the operator dies
		return []failure{refuse}
	}
	if !c.write {
		return []failure{dieBefore, refuse}
	}
	if c.service() {
		return []failure{dieBefore, dieAfter, dieLate, refuse, loseAnswer, late}
	}
	failures := []failure{dieBefore, dieAfter, dieLate, refuse, loseAnswer, cutOff}
	if c.about(kube.AccessKey) || c.about(kube.Secret) {
		failures = append(failures, meddled)
	}
	return failures
}

// about reports whether it is a call to the API server about an object of a kind.
func (c call) about(kind string) bool {
	return !c.service() && strings.Contains(c.name, " "+kind+" ")
}

// service reports whether it is a call to the key service, which starts with an HTTP method.
func (c call) service() bool { return c.name[0] >= 'A' && c.name[0] <= 'Z' }

// fateOf numbers a call and returns its failure.
func (w *world) fateOf(name string, write bool) failure {
	w.calls = append(w.calls, call{name, write})
	if met, ok := w.failures[len(w.calls)]; ok {
		return met
	}
	if service := w.calls[len(w.calls)-1].service(); w.nextLandsLate && write && service {
		w.nextLandsLate, w.late = false, true
		return late
	}
	if w.odds != nil {
		return w.odds(write, w.calls[len(w.calls)-1].service())
	}
	return none
}
