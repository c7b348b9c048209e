// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

var secretsResource = schema.GroupResource{Resource: "secrets"}

func TestJudge(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want verdict
	}{
		"no answer":                       {failing(keyservice.Unavailable), verdict{synced: v1alpha1.ReasonUnavailable, failure: true}},
		"come back later":                 {failing(keyservice.Throttled), verdict{synced: v1alpha1.ReasonThrottled, failure: true}},
		"a lost answer":                   {failing(keyservice.Ambiguous), verdict{synced: v1alpha1.ReasonAmbiguous, failure: true}},
		"refused credentials":             {failing(keyservice.Unauthorized), verdict{synced: v1alpha1.ReasonUnauthorized, stalled: v1alpha1.ReasonUnauthorized, failure: true}},
		"no such user":                    {failing(keyservice.NotFound), verdict{stalled: v1alpha1.ReasonUserNotFound, failure: true}},
		"a full quota":                    {failing(keyservice.QuotaExceeded), verdict{stalled: v1alpha1.ReasonQuotaExceeded, failure: true}},
		"a request that is not accepted":  {failing(keyservice.Invalid), verdict{stalled: v1alpha1.ReasonInvalid, failure: true}},
		"another AccessKey at work":       {errUserBusy, verdict{}},
		"an error that is wrapped":        {fmt.Errorf("outer: %w", failing(keyservice.Throttled)), verdict{synced: v1alpha1.ReasonThrottled, failure: true}},
		"an error without a kind":         {errors.New("odd"), verdict{synced: v1alpha1.ReasonUnavailable, failure: true}},
		"no KeyService":                   {connectError(v1alpha1.ReasonKeyServiceNotFound), verdict{stalled: v1alpha1.ReasonKeyServiceNotFound}},
		"a KeyService that can't be used": {connectError(v1alpha1.ReasonKeyServiceInvalid), verdict{stalled: v1alpha1.ReasonKeyServiceInvalid}},
		"no credentials, wrapped":         {fmt.Errorf("outer: %w", connectError(v1alpha1.ReasonCredentialsNotFound)), verdict{stalled: v1alpha1.ReasonCredentialsNotFound}},
		"a Secret that is refused":        {&publishError{apierrors.NewForbidden(secretsResource, "backup", nil)}, verdict{stalled: v1alpha1.ReasonSecretRefused, failure: true}},
		"a Secret that can't be written":  {&publishError{apierrors.NewInternalError(errors.New("away"))}, verdict{failure: true}},
		"a Secret that became another's":  {&publishError{fmt.Errorf("writing: %w", errForeignSecret)}, verdict{stalled: v1alpha1.ReasonSecretConflict, failure: true}},
		"a new key that can't be taken back": {
			&publishError{fmt.Errorf("%w (and the key stays: %w)", errors.New("forbidden"), failing(keyservice.Unauthorized))}, verdict{failure: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judge(test.err); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestOnlyTroubleWithTheAPIServerIsLeftToTheQueue(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no trouble":                      {nil, false},
		"a conflict":                      {apierrors.NewConflict(secretsResource, "backup", errors.New("stale")), true},
		"the API server is away":          {errors.New("dial tcp: connection refused"), true},
		"the service is away":             {failing(keyservice.Unavailable), false},
		"the service is away, wrapped":    {fmt.Errorf("outer: %w", failing(keyservice.Unavailable)), false},
		"a KeyService that can't be used": {connectError(v1alpha1.ReasonKeyServiceInvalid), false},
		"another AccessKey at work":       {errUserBusy, false},
		"a key that was made, and whose Secret met a conflict to the last": {
			&publishError{apierrors.NewConflict(secretsResource, "backup", errors.New("stale"))}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isKubeError(test.err); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestTheWaitDoublesWithEachFailureAndHeedsTheService(t *testing.T) {
	for name, test := range map[string]struct {
		before     int32
		retryAfter time.Duration
		want       time.Duration
	}{
		"the first failure":                     {0, 0, 5 * time.Second},
		"the second":                            {1, 0, 10 * time.Second},
		"the third":                             {2, 0, 20 * time.Second},
		"the sixth":                             {5, 0, 160 * time.Second},
		"the seventh reaches the longest wait":  {6, 0, 5 * time.Minute},
		"the hundredth waits no longer":         {99, 0, 5 * time.Minute},
		"more failures than can be counted":     {math.MaxInt32, 0, 5 * time.Minute},
		"a service that asks for more patience": {0, time.Minute, time.Minute},
		"a service that asks for an hour":       {99, time.Hour, time.Hour},
		"a service that asks for less patience": {2, time.Second, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var last *v1alpha1.Failures
			if test.before > 0 {
				last = &v1alpha1.Failures{Count: test.before}
			}
			next := nextFailure(last, noon.Add(500*time.Millisecond), test.retryAfter)
			if !next.LastTime.Time.Equal(noon) || next.NextAttempt.Sub(noon) != test.want {
				t.Errorf("%s after %s, want %s", next.NextAttempt.Sub(noon), next.LastTime, test.want)
			}
			if next.Count <= 0 || next.Count <= min(test.before, 99) {
				t.Errorf("counted %d after %d", next.Count, test.before)
			}
		})
	}
}

func TestTheNextLookIsAtTheFirstMomentThatMatters(t *testing.T) {
	const resync = 10 * time.Minute
	failedBefore := func(next time.Duration) func(*pass) {
		return func(p *pass) {
			p.ak.Status.Failures = &v1alpha1.Failures{Count: 1, NextAttempt: metav1.NewTime(noon.Add(next))}
		}
	}
	for name, test := range map[string]struct {
		change []func(*pass)
		action plan.Action
		err    error
		want   time.Duration
	}{
		"nothing is due":                         {action: plan.Action{Verb: plan.Wait}, want: resync},
		"something is due after the resync":      {action: plan.Action{Verb: plan.Wait, Until: noon.Add(time.Hour)}, want: resync},
		"something is due before the resync":     {action: plan.Action{Verb: plan.Wait, Until: noon.Add(time.Minute)}, want: time.Minute},
		"something was due already":              {action: plan.Action{Verb: plan.Block, Until: noon.Add(-time.Minute)}, want: time.Millisecond},
		"a failure":                              {change: []func(*pass){failedBefore(20 * time.Second)}, err: failing(keyservice.Unavailable), want: 20 * time.Second},
		"a service that asks for more than that": {change: []func(*pass){failedBefore(time.Hour)}, err: failing(keyservice.Throttled), want: resync},
		"another AccessKey is at work":           {err: errUserBusy, want: time.Second},
		"another AccessKey is at work, and a former failure waited long enough": {change: []func(*pass){failedBefore(-time.Second)}, err: errUserBusy, want: time.Second},
		"the resync failed": {change: []func(*pass){func(p *pass) { p.syncErr = failing(keyservice.Unavailable) }}, want: time.Minute},
		"the KeyService can't be used": {
			change: []func(*pass){func(p *pass) { p.connectErr = connectError(v1alpha1.ReasonKeyServiceInvalid) }},
			err:    connectError(v1alpha1.ReasonKeyServiceInvalid), want: time.Minute,
		},
		"the back-off of a former failure does not hurry what is not a failure": {
			change: []func(*pass){failedBefore(time.Second)}, action: plan.Action{Verb: plan.Wait}, want: resync,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &AccessKeyReconciler{ResyncPeriod: resync}
			if got := r.next(passOf(test.change...), test.action, test.err); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCleanMakesTextFitForACondition(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"plain text stays":                        {`user "a": größer`, `user "a": größer`},
		"control characters and line breaks go":   {"a\nb\tc\x1b[31md", "a b c [31md"},
		"bytes that are no UTF-8 are marked":      {"a\xffb", "a?b"},
		"text of just the limit stays":            {strings.Repeat("x", 20), strings.Repeat("x", 20)},
		"longer text is cut":                      {strings.Repeat("x", 21), strings.Repeat("x", 17) + "…"},
		"no character is cut in two":              {strings.Repeat("x", 16) + "äöü", strings.Repeat("x", 16) + "…"},
		"a text that is too long by its bytes is": {strings.Repeat("ä", 11), strings.Repeat("ä", 8) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			got := clean(test.text, 20)
			if got != test.want || !utf8.ValidString(got) || len(got) > 20 {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
