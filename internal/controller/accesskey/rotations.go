// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"github.com/prometheus/client_golang/prometheus"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// Values of the label result.
const (
	rotationSucceeded = "succeeded"
	rotationFailed    = "failed"
)

// rotations has all its series from the start: a rate or an increase does not see the first failure of a series that begins with it.
var rotations = func() *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "accesskey_rotations_total",
		Help: "Pairs that were issued or taken over (succeeded), and attempts that failed. cause is the issueReason in the status of the AccessKey.",
	}, []string{"cause", "result"})
	for _, cause := range []v1alpha1.IssueReason{
		v1alpha1.IssuedNew, v1alpha1.IssuedScheduled, v1alpha1.IssuedRequested, v1alpha1.IssuedCompromised,
		v1alpha1.IssuedRestored, v1alpha1.IssuedRenamed, v1alpha1.IssuedAdopted, v1alpha1.IssuedImported,
	} {
		vec.WithLabelValues(string(cause), rotationSucceeded)
		vec.WithLabelValues(string(cause), rotationFailed)
	}
	return vec
}()

// countRotation counts the pair that a reconciliation has recorded, or its failed attempt to issue one. recorded is the revision that
// the status had before.
func (s *scope) countRotation(recorded int64, action plan.Action, err error) {
	if s.ak.Status.Revision != recorded {
		rotations.WithLabelValues(string(s.ak.Status.IssueReason), rotationSucceeded).Inc()
	}
	if err == nil || !Classify(err).Failure {
		return
	}
	if cause := s.in.RotationCause(action); cause != "" {
		rotations.WithLabelValues(string(cause), rotationFailed).Inc()
	}
}
