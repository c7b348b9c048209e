// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator/huawei"
)

// TestDeletionsEndWithinAMinuteAtAServiceThatThrottles deletes AccessKeys at a service that accepts three requests a second and
// does not say when to come again, while the other AccessKeys rotate.
func TestDeletionsEndWithinAMinuteAtAServiceThatThrottles(t *testing.T) {
	const count = 8
	for _, deleted := range []int{1, count / 2, count} {
		t.Run(fmt.Sprint(deleted, " of ", count), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { deleteThrottled(t, count, deleted) })
		})
	}
}

func deleteThrottled(t *testing.T, count, deleted int) {
	w := newWorld(newSite(services.OpenHuawei(huawei.Options{RateLimit: 3, Shape: huawei.ShapeBare})))
	server := w.site.Server.(*huawei.Simulator)
	w.workers, w.tracing = 4, true
	w.furnish()
	w.start()
	defer w.end()
	for i := range count {
		server.AddUser(fmt.Sprint("user-", i))
		w.applyFor(fmt.Sprint("user-", i), fmt.Sprint("key-", i), v1alpha1.StrategyAuto)
	}
	w.runUntil(time.Minute, func() bool { return len(w.ownPairs()) == count })
	if made := len(w.ownPairs()); made < count {
		t.Errorf("%d keys were created in the first minute\n%s", made, w.story())
		return
	}
	for i := range count {
		w.renewNow(fmt.Sprint("key-", i), "now")
	}
	for i := range deleted {
		w.delete(fmt.Sprint("key-", i))
	}
	w.runUntil(time.Minute, func() bool { return len(w.accessKeys()) == count-deleted })
	if left := len(w.accessKeys()) - (count - deleted); left > 0 || w.violation != "" {
		t.Errorf("%d deletions have not ended after a minute; %s\n%s", left, w.violation, w.story())
	}
	for i := range deleted {
		if keys := server.Keys(fmt.Sprint("user-", i)); len(keys) != 0 {
			t.Errorf("keys %v are left", keys)
		}
	}
}
