// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import "time"

// Rate counts the requests of a second. It is not safe for concurrent use.
type Rate struct {
	second   time.Time
	requests int
}

// Exceeds counts a request and reports whether the current second has more than limit. A limit of 0 is none.
func (r *Rate) Exceeds(limit int, now time.Time) bool {
	if second := now.Truncate(time.Second); !second.Equal(r.second) {
		r.second, r.requests = second, 0
	}
	r.requests++
	return limit > 0 && r.requests > limit
}
