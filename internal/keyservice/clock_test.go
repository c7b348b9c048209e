// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

func TestAServiceClockKnowsTheOffset(t *testing.T) {
	ours := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	theirs := ours.Add(-time.Hour)
	for name, test := range map[string]struct {
		date   string
		known  bool
		offset time.Duration
		ends   time.Time
	}{
		"from a Date":             {theirs.Format(http.TimeFormat), true, -time.Hour, ours.Add(10*time.Minute + time.Second)},
		"not without one":         {"", false, 0, theirs.Add(10 * time.Minute)},
		"not from another text":   {"yesterday", false, 0, theirs.Add(10 * time.Minute)},
		"from a Date ahead of it": {ours.Add(time.Hour).Format(http.TimeFormat), true, time.Hour, ours.Add(-110*time.Minute + time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &keyservice.ServiceClock{Now: func() time.Time { return ours }}
			clock.Observe(http.Header{"Date": {test.date}})
			if offset, known := clock.Offset(); known != test.known || offset != test.offset {
				t.Errorf("offset %s, known: %t", offset, known)
			}
			if ends := clock.Ends(theirs.Add(10 * time.Minute)); !ends.Equal(test.ends) {
				t.Errorf("ends at %s, want %s", ends, test.ends)
			}
			if ends := clock.Ends(time.Time{}); !ends.IsZero() {
				t.Errorf("a key without an end ends at %s", ends)
			}
		})
	}
}

func TestNoClockKnowsNothing(t *testing.T) {
	var none *keyservice.ServiceClock
	at := time.Unix(1, 0)
	none.Observe(http.Header{"Date": {at.Format(http.TimeFormat)}})
	if _, known := none.Offset(); known || !none.Ends(at).Equal(at) {
		t.Error("it knows something")
	}
}
