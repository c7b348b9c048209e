// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"
)

// pace is how fast a batch became Ready.
type pace struct {
	Keys          int     `json:"keys"`
	Seconds       float64 `json:"seconds"`
	KeysPerSecond float64 `json:"keysPerSecond"`
	// P50 and P99 of the time from apply to Ready of one key, seconds.
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// newPace takes how long each key took, and how long it was from the first apply to the last Ready.
func newPace(took []time.Duration, whole time.Duration) pace {
	slices.Sort(took)
	return pace{
		Keys: len(took), Seconds: whole.Seconds(), KeysPerSecond: float64(len(took)) / whole.Seconds(),
		P50: quantile(took, 50).Seconds(), P99: quantile(took, 99).Seconds(),
	}
}

// quantile of sorted values: the smallest that percent of them are not above.
func quantile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max((len(sorted)*percent+99)/100-1, 0)]
}
