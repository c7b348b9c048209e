// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// These are the longest times until another replica leads, on a slow machine: after the leader was killed, and after it was stopped. A
// leader that is stopped releases the lease, which otherwise ends after 15 seconds. docs/install.md has the times of a quick machine.
const (
	killedLimit  = 40 * time.Second
	stoppedLimit = 12 * time.Second
)

// TestStandbyTakesOver asks for rotations while no replica leads, and while the leader stops. Each must happen exactly once.
func TestStandbyTakesOver(t *testing.T) {
	w := newWorld(t)
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("user-%02d", i))
		w.addAccessKey(names[i])
	}
	first := w.start("first")
	w.until("the first leader", func() bool { return w.leader() != "" })
	second := w.start("second")
	w.until("the keys", func() bool { return w.issued("") == len(names) })

	killed := w.handOver("killed", killedLimit, func() {
		first.Kill()
		w.rotate(names, "without a leader")
	})
	w.until("the rotations", func() bool { return w.issued("without a leader") == len(names) })
	w.expectCreated(2 * len(names))

	third := w.start("third")
	w.until("the third replica to wait for the lease", func() bool {
		return strings.Contains(strings.ToLower(third.readLog(w)), "attempting to acquire leader lease") // the message of client-go
	})
	stopped := w.handOver("stopped", stoppedLimit, func() {
		w.rotate(names, "while the leader stops")
		if err := second.Stop(); err != nil {
			t.Errorf("the leader ended with %v", err)
		}
	})
	w.until("the rotations", func() bool { return w.issued("while the leader stops") == len(names) })
	w.expectCreated(3 * len(names))
	t.Logf("Another replica led %s after the leader was killed, and %s after it was stopped", killed, stopped)
}

// leader returns the holder of the lease. It is empty if no replica holds it.
func (w *world) leader() string {
	w.Helper()
	lease := &coordinationv1.Lease{}
	err := w.kube.Get(context.Background(), client.ObjectKey{Namespace: "accesskey-system", Name: "accesskey-operator"}, lease)
	w.must(client.IgnoreNotFound(err))
	return ptr.Deref(lease.Spec.HolderIdentity, "")
}

// handOver ends a leader and returns the time until another replica leads.
func (w *world) handOver(how string, limit time.Duration, end func()) time.Duration {
	w.Helper()
	former, began := w.leader(), time.Now()
	end()
	w.until("another leader", func() bool { leader := w.leader(); return leader != "" && leader != former })
	took := time.Since(began).Round(100 * time.Millisecond)
	if took > limit {
		w.Errorf("after the leader was %s, it took %s until another replica led", how, took)
	}
	return took
}

// expectCreated checks the total number of keys that were ever created, and that each user had the same number.
func (w *world) expectCreated(want int) {
	w.Helper()
	created := map[string]int{}
	for _, pair := range w.service.History() {
		created[pair.Owner]++
	}
	total := 0
	for owner, count := range created {
		total += count
		if count*len(created) != want {
			w.Errorf("%s had %d keys", owner, count)
		}
	}
	if total != want {
		w.Errorf("%d keys were created, want %d", total, want)
	}
}
