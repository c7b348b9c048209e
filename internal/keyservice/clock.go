// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"net/http"
	"sync"
	"time"
)

// ServiceClock knows how far a service's clock is from the operator's, by the Date of its last answer, to a second. Safe
// for concurrent use; nil knows nothing.
type ServiceClock struct {
	// Now is the operator's clock.
	Now func() time.Time

	mu         sync.Mutex
	ours, date time.Time
}

// told is how exactly a service tells a moment: a pair has not ended before that has passed, too.
const told = time.Second

// saw notes the Date of an answer. A service without a clock sends none.
func (c *ServiceClock) saw(header http.Header) {
	date, err := http.ParseTime(header.Get("Date"))
	if c == nil || err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ours, c.date = c.Now(), date
}

// Behind is how far the service's clock is behind the operator's; false if the service has not told its time.
func (c *ServiceClock) Behind() (time.Duration, bool) {
	if c == nil {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ours.Round(0).Sub(c.date), !c.date.IsZero()
}

// Ends translates the end of a pair into the operator's time, with its monotonic reading, so that it does not jump with the
// operator's clock. It stays as it is if the service has not told its time.
func (c *ServiceClock) Ends(at time.Time) time.Time {
	if c == nil || at.IsZero() {
		return at
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.date.IsZero() {
		return at
	}
	return c.ours.Add(at.Sub(c.date)).Add(told)
}
