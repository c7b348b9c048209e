// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/window"
)

// RenewalRequested reports whether the annotation asks for a rotation that was not made yet.
func RenewalRequested(ak *v1alpha1.AccessKey) bool { return Input{AccessKey: ak}.renewalRequested() }

// EndOfPrevious returns when a previous key is revoked, or deleted after its quarantine, as far as its AccessKey tells that. A
// compromised key is due: the time has passed.
func EndOfPrevious(ak *v1alpha1.AccessKey, previous *v1alpha1.PreviousKey) time.Time {
	return Input{AccessKey: ak}.endOfPrevious(previous)
}

// WindowAt returns the span of rotation.windows that is open at a moment; false if there is none.
func WindowAt(ak *v1alpha1.AccessKey, at time.Time) (window.Span, bool) {
	for _, each := range windowsOf(&ak.Spec) {
		parsed, err := parse(each)
		if err != nil {
			continue
		}
		if span, ok := parsed.Next(at); ok && !at.Before(span.Opens) {
			return span, true
		}
	}
	return window.Span{}, false
}
