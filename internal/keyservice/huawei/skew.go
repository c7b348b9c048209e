// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"fmt"
	"sync"
	"time"
)

// maxSkew is how far the clocks may be apart before a 401 is blamed on them. The gateway allows 15 minutes.
const maxSkew = 5 * time.Minute

// skew is how far the operator's clock is ahead of the service's.
type skew struct {
	now func() time.Time

	mu   sync.Mutex
	last time.Duration
}

// measure returns how far the operator's clock is ahead of the service's, in whole minutes; 0 if the service did not say, and
// for a difference that does not matter. It keeps what it last returned while that is about right, so that a message does
// not change from one try to the next.
func (s *skew) measure(date time.Time) time.Duration {
	if date.IsZero() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ahead := s.now().Sub(date)
	switch {
	case ahead.Abs() <= maxSkew:
		s.last = 0
	case (ahead - s.last).Abs() > time.Minute:
		s.last = ahead.Round(time.Minute)
	}
	return s.last
}

// describeSkew puts a skew into words.
func describeSkew(ahead time.Duration) string {
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the operator's clock is %d minutes %s the service's, which allows 15: set the operator's clock right",
		int(ahead.Abs().Minutes()), direction)
}
