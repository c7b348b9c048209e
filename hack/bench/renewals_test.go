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

// renewal of one key: when it is due, and by when it has to be done.
type renewal struct{ due, end time.Time }

// TestTenThousandRenewalsAreSpread has ten thousand keys of one TTL that were made within a minute, in front of a service with
// the default rateLimit. When each is due is the planner's; the limiter is the one that the operator uses.
func TestTenThousandRenewalsAreSpread(t *testing.T) {
	const (
		keys        = 10000
		callsOfEach = 2 // the list and the create
		qps, burst  = 20, 40
		parts       = 10 // of the time in which they are due
	)
	for _, ttl := range []time.Duration{time.Hour, 24 * time.Hour, 720 * time.Hour} {
		t.Run(ttl.String(), func(t *testing.T) {
			due := renewals(keys, ttl)
			spread := (ttl - ttl/3) / 10
			first, last := due[0].due, due[keys-1].due
			if got := last.Sub(first); got < spread*9/10 || got > spread+time.Minute {
				t.Errorf("they are due within %s, want about %s", got, spread)
			}
			most := int(1.2 * keys * last.Sub(first).Seconds() / parts / spread.Seconds())
			in := map[int]int{}
			for _, one := range due {
				in[int(one.due.Sub(first)*parts/(last.Sub(first)+1))]++
			}
			for part, n := range in {
				if n > most {
					t.Errorf("%d are due in tenth %d of that time, want at most %d", n, part, most)
				}
			}
			limiter := rate.NewLimiter(qps, burst)
			var longest time.Duration
			late := 0
			for _, one := range due {
				waits := limiter.ReserveN(one.due, callsOfEach).DelayFrom(one.due)
				longest = max(longest, waits)
				if one.due.Add(waits).After(one.end) {
					late++
				}
			}
			if late > 0 {
				t.Errorf("%d come after the old pair has ended", late)
			}
			t.Logf("ttl %s: %d renewals within %s, %.2f a second on average; the rateLimit of %d calls a second holds none up for longer than %s; late: %d",
				ttl, keys, last.Sub(first).Round(time.Second), keys/last.Sub(first).Seconds(), qps, longest.Round(time.Second), late)
		})
	}
}

// renewals in the order in which they are due.
func renewals(keys int, ttl time.Duration) []renewal {
	made := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	all := make([]renewal, keys)
	for i := range all {
		ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{UID: uuid.NewUUID()}, Spec: v1alpha1.AccessKeySpec{TTL: &metav1.Duration{Duration: ttl}}}
		all[i].end, all[i].due = plan.Schedule(ak, made.Add(time.Minute*time.Duration(i)/time.Duration(keys)))
	}
	slices.SortFunc(all, func(a, b renewal) int { return a.due.Compare(b.due) })
	return all
}
