// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

const (
	asksVersion = "GET /v1/version"
	asksWhoAmI  = "GET /v1/session/who-am-i"
	listsKeys   = "GET /v1/s3/access-keys/"
)

// checks of the bench's KeyService, by a reconciler that remembers the last one.
type checks struct {
	*bench

	service v1alpha1.KeyService
	r       *KeyServiceReconciler
}

func newChecks(t *testing.T) *checks {
	t.Helper()
	c := &checks{bench: newBench(t)}
	if err := c.kube.Get(t.Context(), client.ObjectKey{Namespace: here.Namespace, Name: "qumulo"}, &c.service); err != nil {
		t.Fatal(err)
	}
	c.r = &KeyServiceReconciler{Client: c.kube, Pool: c.bench.r.Pool, Clock: c.clock, ResyncPeriod: c.bench.r.ResyncPeriod}
	c.expect(metav1.ConditionTrue, map[string]int{asksVersion: 1, asksWhoAmI: 1})
	return c
}

// expect of a check that it finds this, by these calls and no others.
func (c *checks) expect(ready metav1.ConditionStatus, calls map[string]int) checked {
	c.t.Helper()
	c.bench.service.ResetCalls()
	found := c.r.check(c.t.Context(), &c.service)
	if found.ready != ready || !maps.Equal(c.bench.service.Calls(), calls) {
		c.t.Errorf("%s %s: %s, by %v; want %s by %v", found.ready, found.reason, found.message, c.bench.service.Calls(), ready, calls)
	}
	return found
}

func TestTheResyncStandsForACheck(t *testing.T) {
	c := newChecks(t)
	first := c.expect(metav1.ConditionTrue, map[string]int{})
	c.rest() // an AccessKey has its key, and had it listed
	const periods = 6
	for period := 1; period < periods; period++ {
		c.clock.Step(c.r.ResyncPeriod)
		found := c.expect(metav1.ConditionTrue, map[string]int{listsKeys: 1})
		if found.version != first.version || found.limits == nil || !found.due.Equal(c.clock.Now().Add(c.r.ResyncPeriod)) {
			t.Errorf("found %+v", found)
		}
		c.bench.service.ResetCalls()
		c.mustPass()
		if calls := c.bench.service.Calls(); len(calls) > 0 {
			t.Errorf("the AccessKey's pass listed again: %v", calls)
		}
	}
	c.clock.Step(c.r.ResyncPeriod)
	c.expect(metav1.ConditionTrue, map[string]int{asksVersion: 1, asksWhoAmI: 1}) // an hour has passed
}

func TestAServiceThatNoAccessKeyAskedIsAskedByItsCheck(t *testing.T) {
	c := newChecks(t)
	for range 3 {
		c.clock.Step(c.r.ResyncPeriod)
		c.expect(metav1.ConditionTrue, map[string]int{asksVersion: 1, asksWhoAmI: 1})
	}
}

func TestAResyncThatFailsIsFollowedByACheck(t *testing.T) {
	c := newChecks(t)
	c.rest()
	c.clock.Step(c.r.ResyncPeriod)
	c.bench.service.RevokeTokens()
	if found := c.expect(metav1.ConditionFalse, map[string]int{listsKeys: 1, asksVersion: 1, asksWhoAmI: 1}); found.reason != v1alpha1.ReasonUnauthorized {
		t.Errorf("found %+v", found)
	}
	// While it is not Ready nothing but the check asks.
	c.clock.Step(recheck)
	c.expect(metav1.ConditionFalse, map[string]int{asksVersion: 1, asksWhoAmI: 1})
}

func TestAnUnansweredResyncIsNotACheck(t *testing.T) {
	c := newChecks(t)
	c.rest()
	c.server.Down(true)
	c.clock.Step(c.r.ResyncPeriod)
	if found := c.expect(metav1.ConditionFalse, map[string]int{}); found.reason != v1alpha1.ReasonUnavailable {
		t.Errorf("found %+v", found)
	}
	c.server.Down(false)
	c.clock.Step(recheck - time.Second)
	c.expect(metav1.ConditionFalse, map[string]int{})
	c.clock.Step(time.Second)
	c.expect(metav1.ConditionTrue, map[string]int{asksVersion: 1, asksWhoAmI: 1})
}
