// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"fmt"
	"sync"
	"time"
)

// maxSkew is how far the clocks may be apart before a refused signature is blamed on them. The services allow 15 minutes.
const maxSkew = 5 * time.Minute

// Skew is how far the operator's clock is ahead of the clock of a service that checks the time of signatures. Safe for concurrent use.
type Skew struct {
	// Now is the operator's clock.
	Now func() time.Time

	mu   sync.Mutex
	last time.Duration
}

// Describe says what to do about a clock that is wrong by the service's time of an answer; empty for a difference that does not
// matter, and if the service did not say its time.
func (s *Skew) Describe(date time.Time) string {
	ahead := s.measure(date)
	if ahead == 0 {
		return ""
	}
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the operator's clock is %d minutes %s the service's, which allows 15: set the operator's clock right",
		int(ahead.Abs().Minutes()), direction)
}

// measure returns how far the operator's clock is ahead of the service's, in whole minutes; 0 if the service did not say, and
// for a difference that does not matter. It keeps what it last returned while that is about right, so that a message does
// not change from one try to the next.
func (s *Skew) measure(date time.Time) time.Duration {
	if date.IsZero() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ahead := s.Now().Sub(date)
	switch {
	case ahead.Abs() <= maxSkew:
		s.last = 0
	case (ahead - s.last).Abs() > time.Minute:
		s.last = ahead.Round(time.Minute)
	}
	return s.last
}
