// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneAtATimeChangesAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var locks userLocks
		inside, most := 0, 0
		var mu sync.Mutex
		begin := time.Now()
		for _, name := range []string{"a", "A", "a", "a"} {
			go func() {
				unlock, ok := locks.lock(t.Context(), name)
				if !ok {
					t.Error("no turn")
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Second) // of the bubble's clock
				mu.Lock()
				inside--
				mu.Unlock()
				unlock()
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		held := 0
		locks.held.Range(func(any, any) bool { held++; return true })
		if most != 1 || inside != 0 || held != 0 {
			t.Errorf("%d at once, %d left, %d held", most, inside, held)
		}
		unlock, ok := locks.lock(t.Context(), "a")
		other, okToo := locks.lock(t.Context(), "b")
		if !ok || !okToo || time.Since(begin) != time.Minute {
			t.Error("another user has to wait")
		}
		defer unlock()
		defer other()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok := locks.lock(ctx, "a"); ok || time.Since(begin) != time.Minute+time.Second {
			t.Error("the turn came, or whoever left had to wait")
		}
	})
}
