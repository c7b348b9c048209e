// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"errors"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/secret"
)

// errUserBusy says that another AccessKey of the user started an operation after the input was read.
var errUserBusy = errors.New("another AccessKey of the same user has an open operation")

// Classification is what an error means for the conditions and for the next attempt.
type Classification struct {
	// Synced is the reason of Synced=False; empty if the service is not the cause.
	Synced string
	// Stalled is the reason of Stalled; empty if no person has to act.
	Stalled string
	// Failure reports whether the operation was attempted, so that it is retried after its back-off.
	Failure bool
}

// Classify classifies an error.
func Classify(err error) Classification {
	if errors.Is(err, errUserBusy) {
		return Classification{}
	}
	if e, ok := errors.AsType[*connect.Error](err); ok {
		return Classification{Stalled: e.Reason}
	}
	if _, ok := errors.AsType[*publishError](err); ok {
		return classifyWrite(err)
	}
	if e, ok := errors.AsType[*keyservice.Error](err); ok && e.Reason != "" {
		return Classification{Stalled: e.Reason, Failure: true}
	}
	return classifications[keyservice.KindOf(err)]
}

// classifications of the errors of a service.
var classifications = map[keyservice.Kind]Classification{
	keyservice.Unavailable:   {Synced: v1alpha1.ReasonUnavailable, Failure: true},
	keyservice.Throttled:     {Synced: v1alpha1.ReasonThrottled, Failure: true},
	keyservice.Ambiguous:     {Synced: v1alpha1.ReasonAmbiguous, Failure: true},
	keyservice.Unauthorized:  {Synced: v1alpha1.ReasonUnauthorized, Stalled: v1alpha1.ReasonUnauthorized, Failure: true},
	keyservice.NotFound:      {Stalled: v1alpha1.ReasonUserNotFound, Failure: true},
	keyservice.QuotaExceeded: {Stalled: v1alpha1.ReasonQuotaExceeded, Failure: true},
	keyservice.Invalid:       {Stalled: v1alpha1.ReasonInvalid, Failure: true},
}

// classifyWrite classifies an error of writing the Secret.
func classifyWrite(err error) Classification {
	switch {
	case errors.Is(err, secret.ErrForeign):
		return Classification{Stalled: v1alpha1.ReasonSecretConflict, Failure: true}
	case errors.Is(err, secret.ErrTemplate):
		return Classification{Stalled: v1alpha1.ReasonInvalidTemplate, Failure: true}
	case secret.Refused(err):
		return Classification{Stalled: v1alpha1.ReasonSecretRefused, Failure: true}
	default:
		return Classification{Failure: true}
	}
}

// IsKubeError reports whether an error is between the operator and the API server. controller-runtime retries those.
func IsKubeError(err error) bool {
	if err == nil || errors.Is(err, errUserBusy) || errors.Is(err, errNoSlot) {
		return false
	}
	if _, ok := errors.AsType[*keyservice.Error](err); ok {
		return false
	}
	if _, ok := errors.AsType[*connect.Error](err); ok {
		return false
	}
	_, ok := errors.AsType[*publishError](err)
	return !ok
}
