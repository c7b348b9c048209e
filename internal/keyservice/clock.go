// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"net/http"
	"sync"
	"time"
)

// ServiceClock knows the offset between a service's clock and the operator's, from the Date of the service's last answer.
// Safe for concurrent use. A nil clock knows nothing.
type ServiceClock struct {
	// Now is the operator's clock.
	Now func() time.Time

	mu     sync.Mutex
	offset time.Duration
	known  bool
}

// dateResolution is how exact a Date is. A pair has not ended before that much more has passed.
const dateResolution = time.Second

// Observe notes the Date of an answer that has just come in.
func (c *ServiceClock) Observe(header http.Header) {
	date, err := http.ParseTime(header.Get("Date"))
	if c == nil || err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.known = date.Sub(c.Now()), true
}

// Offset returns how far the service's clock is ahead of the operator's, to a second. known is false if the service has not
// sent its time.
func (c *ServiceClock) Offset() (offset time.Duration, known bool) {
	if c == nil {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.known
}

// Ends translates the end of a pair from the service's time to the operator's. It returns the time as it is if the service
// has not sent its time.
func (c *ServiceClock) Ends(at time.Time) time.Time {
	offset, known := c.Offset()
	if at.IsZero() || !known {
		return at
	}
	return at.Add(dateResolution - offset)
}
