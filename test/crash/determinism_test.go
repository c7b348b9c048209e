// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// randomParts are IDs and secrets that the services generate.
var randomParts = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[0-9A-Za-z+/_-]{20,}|[0-9A-Za-z+/_-]{12}…[0-9A-Za-z+/_-]{12}`)

// TestASeedIsOneHistory expects the same history from the same seed, so that failures can be replayed. Worlds with several workers
// are left out: reconciles that waited for one shared answer go on in an order that is up to the scheduler.
func TestASeedIsOneHistory(t *testing.T) {
	for seed := range uint64(18) {
		if newWild(seed, false).workers > 1 {
			continue
		}
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			first, second := runWild(t, seed, true).history, runWild(t, seed, true).history
			for i := range first {
				one, other := first[i], "the end"
				if i < len(second) {
					other = second[i]
				}
				if randomParts.ReplaceAllString(one, "…") != randomParts.ReplaceAllString(other, "…") {
					t.Fatalf("line %d differs:\n%s\n%s\nafter\n%s", i, one, other, strings.Join(first[max(0, i-10):i], "\n"))
				}
			}
		})
	}
}
