// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// TestTenThousandRotationsAreSpread has ten thousand keys of one TTL that were issued within a minute, at a service with the
// default rateLimit. The planner schedules them, and the limiter is the operator's.
func TestTenThousandRotationsAreSpread(t *testing.T) {
	const (
		keys        = 10000
		callsOfEach = 2 // the list and the create
		qps, burst  = 20, 40
		parts       = 10 // of the time in which they are due
	)
	for _, ttl := range []time.Duration{time.Hour, 24 * time.Hour, 720 * time.Hour} {
		t.Run(ttl.String(), func(t *testing.T) {
			due := rotations(keys, ttl)
			spread := (ttl - ttl/3) / 10
			first, last := due[0].due, due[keys-1].due
			if got := last.Sub(first); got < spread*9/10 || got > spread+time.Minute {
				t.Errorf("they are due within %s, want about %s", got, spread)
			}
			most, in := int(1.2*keys*last.Sub(first).Seconds()/parts/spread.Seconds()), [parts]int{}
			limiter := rate.NewLimiter(qps, burst)
			var longest time.Duration
			for _, one := range due {
				in[int(one.due.Sub(first)*parts/(last.Sub(first)+1))]++
				waits := limiter.ReserveN(one.due, callsOfEach).DelayFrom(one.due)
				if longest = max(longest, waits); one.due.Add(waits).After(one.end) {
					t.Fatal("a rotation comes after the old pair has ended")
				}
			}
			if slices.Max(in[:]) > most {
				t.Errorf("in each tenth of that time %v are due, want at most %d", in, most)
			}
			t.Logf("ttl %s: %d rotations within %s, %.2f a second on average; the rateLimit of %d calls a second delays none by more than %s",
				ttl, keys, last.Sub(first).Round(time.Second), keys/last.Sub(first).Seconds(), qps, longest.Round(time.Second))
		})
	}
}

// rotation of one key: when it is due, and when the old pair ends.
type rotation struct{ due, end time.Time }

// rotations in the order in which they are due.
func rotations(keys int, ttl time.Duration) []rotation {
	issued := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	all := make([]rotation, keys)
	for i := range all {
		ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{UID: uuid.NewUUID()}, Spec: v1alpha1.AccessKeySpec{TTL: &metav1.Duration{Duration: ttl}}}
		all[i].end, all[i].due = plan.Schedule(ak, issued.Add(time.Minute*time.Duration(i)/time.Duration(keys)), time.Time{})
	}
	slices.SortFunc(all, func(a, b rotation) int { return a.due.Compare(b.due) })
	return all
}
