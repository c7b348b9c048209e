// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestTheHeadroomIsBounded(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 5 << 20: 100, 20 << 20: 100, 40 << 20: 50, 80 << 20: 25, 1 << 30: 25} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MiB in use: %d %%, want %d %%", live>>20, got, want)
		}
	}
}

// TestGarbageIsCollectedByWhatIsInUse in a process of its own, since it changes all of it.
func TestGarbageIsCollectedByWhatIsInUse(t *testing.T) {
	if os.Getenv("TUNES_GARBAGE_COLLECTION") == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", t.Name())
		again.Env = append(os.Environ(), "TUNES_GARBAGE_COLLECTION=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	debug.SetGCPercent(100)
	tuneGarbageCollection(100)
	expect := func(want int) {
		t.Helper()
		var got int
		for range 200 { // the cleanup comes some time after the collection
			runtime.GC()
			if got = debug.SetGCPercent(want); got == want {
				return
			}
			debug.SetGCPercent(got)
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("%d %%, want %d %%", got, want)
	}
	inUse := make([]byte, 2<<30)
	expect(25)
	runtime.KeepAlive(inUse)
	inUse = nil
	expect(100)
	_ = inUse
}
