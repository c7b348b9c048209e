// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// handOverLimit is what a leader that dies may cost (docs/install.md); released, one that ends in order.
const (
	handOverLimit = 20 * time.Second
	released      = 5 * time.Second
)

// TestALeaderIsFollowedSoonAndNothingIsDoneTwice: what is asked for around the hand-over is done once.
func TestALeaderIsFollowedSoonAndNothingIsDoneTwice(t *testing.T) {
	w := newWorld(t, "../../config/default", 0)
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("user-%02d", i))
		w.addAccessKey(names[i], "qumulo")
	}
	first := w.start("first", "--leader-elect")
	w.until(time.Minute, "the first leader", func() bool { return w.holder(defaultLease) != "" })
	second := w.start("second", "--leader-elect")
	w.until(time.Minute, "the keys", func() bool { return w.issued("") == len(names) })

	killed := w.handOver("killed", handOverLimit, func() {
		first.Kill()
		w.renew(names, "while nobody leads")
	})
	w.until(time.Minute, "the renewals", func() bool { return w.issued("while nobody leads") == len(names) })
	w.expectMade(2 * len(names))

	third := w.start("third", "--leader-elect")
	w.until(time.Minute, "the third to wait for the lease", func() bool { return w.said(third, attempting, defaultLease) })
	stopped := w.handOver("told to stop", released, func() {
		w.renew(names, "as it stops")
		if err := second.Stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	w.until(time.Minute, "the renewals", func() bool { return w.issued("as it stops") == len(names) })
	w.expectMade(3 * len(names))
	t.Logf("Another one led %s after the leader was killed, %s after it was told to stop", killed, stopped)
}

const (
	defaultLease = "accesskey-operator"
	// What client-go says of a lease, in small letters.
	acquired, attempting = "successfully acquired lease", "attempting to acquire leader lease"
)

// holder of a lease, empty if nobody holds it.
func (w *world) holder(name string) string {
	w.Helper()
	lease := &coordinationv1.Lease{}
	err := w.kube.Get(context.Background(), client.ObjectKey{Namespace: "accesskey-system", Name: name}, lease)
	w.must(client.IgnoreNotFound(err))
	return ptr.Deref(lease.Spec.HolderIdentity, "")
}

// handOver ends a leader, and tells how long it took until another one led.
func (w *world) handOver(how string, limit time.Duration, end func()) time.Duration {
	w.Helper()
	former, began := w.holder(defaultLease), time.Now()
	end()
	w.until(time.Minute, "another leader", func() bool { holder := w.holder(defaultLease); return holder != "" && holder != former })
	took := time.Since(began).Round(100 * time.Millisecond)
	if took > limit {
		w.Errorf("after the leader was %s, %s passed until another one led", how, took)
	}
	return took
}

// expectMade expects so many keys ever, and as many for each user.
func (w *world) expectMade(want int) {
	w.Helper()
	made := map[string]int{}
	for _, pair := range w.service.History() {
		made[pair.Owner]++
	}
	total := 0
	for owner, count := range made {
		total += count
		if count*len(made) != want {
			w.Errorf("%s had %d keys", owner, count)
		}
	}
	if total != want {
		w.Errorf("%d keys were made, and %d asked for", total, want)
	}
}
