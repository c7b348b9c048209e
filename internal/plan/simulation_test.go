// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"flag"
	"fmt"
	"testing"
)

// steps of a world before all is well.
const steps = 40

var seeds = flag.Uint64("seeds", 3000, "worlds that TestSimulation runs through")

// TestSimulation runs the planner through random worlds, with crashes between any two steps, and holds it to the design's
// five promises:
//
//  1. The Secret holds a pair that works: no step of the operator takes it away, and what people broke is mended in the end.
//  2. No key leaks: each key that the operator made is recorded or gone, and so are all of a deleted AccessKey.
//  3. A foreign key is never touched.
//  4. No key outlives its ttl while nothing keeps the operator from its work.
//  5. In quiet times nothing is done, and the next moment is in the future.
//
// To replay a seed: go test ./internal/plan -run 'TestSimulation/seed=123$'
func TestSimulation(t *testing.T) {
	count := *seeds
	if testing.Short() {
		count = min(count, 500)
	}
	for seed := range count {
		kind := kinds[seed%uint64(len(kinds))]
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			if simulate(kind, seed, realPlanner(), false).violation != nil {
				w := simulate(kind, seed, realPlanner(), true)
				t.Fatalf("%s: %s\n%s", kind.name, w.violation, w.story())
			}
		})
	}
}

func simulate(kind serviceKind, seed uint64, p planner, tracing bool) *world {
	w := newWorld(kind, seed, p, tracing)
	w.run(steps)
	return w
}
