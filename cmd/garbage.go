// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is how much garbage may pile up before it is collected, bytes. In proportion to what is in use, as Go has it, a
// manager of thousands of AccessKeys takes twice the memory that it needs.
const headroom = 20 << 20

// gcPercent leaves the headroom over what is in use, bytes; but no more than Go would, and no less than a quarter of it,
// from where on collecting takes more time than the memory is worth.
func gcPercent(live uint64) int { return int(min(max(100*headroom/max(live, 1), 25), 100)) }

// collection is unreachable at once, so that its cleanup comes after each collection of the garbage.
type collection struct{ _ *int }

// tuneGarbageCollection sets gcPercent anew after each collection.
func tuneGarbageCollection(current int) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if wanted := gcPercent(live[0].Value.Uint64()); wanted != current {
		debug.SetGCPercent(wanted)
		current = wanted
	}
	runtime.AddCleanup(&collection{}, tuneGarbageCollection, current)
}
