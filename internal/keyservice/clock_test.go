// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

func TestAServiceTellsItsTime(t *testing.T) {
	ours := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	theirs := ours.Add(-time.Hour)
	for name, test := range map[string]struct {
		date   string
		known  bool
		behind time.Duration
		ends   time.Time
	}{
		"by the Date of its answer":  {theirs.Format(http.TimeFormat), true, time.Hour, ours.Add(10*time.Minute + time.Second)},
		"not":                        {"", false, 0, theirs.Add(10 * time.Minute)},
		"in words that mean nothing": {"yesterday", false, 0, theirs.Add(10 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = nil
				if test.date != "" {
					w.Header().Set("Date", test.date)
				}
			}))
			defer server.Close()
			clock := &keyservice.ServiceClock{Now: func() time.Time { return ours }}
			client, err := keyservice.NewHTTPClient(keyservice.TransportConfig{QPS: 1, Burst: 1, InsecureSkipVerify: true, Clock: clock})
			if err != nil {
				t.Fatal(err)
			}
			request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close() //nolint:errcheck // a test
			if behind, known := clock.Behind(); known != test.known || known && behind != test.behind {
				t.Errorf("behind by %s, known: %t", behind, known)
			}
			if ends := clock.Ends(theirs.Add(10 * time.Minute)); !ends.Equal(test.ends) {
				t.Errorf("ends at %s, want %s", ends, test.ends)
			}
			if ends := clock.Ends(time.Time{}); !ends.IsZero() {
				t.Errorf("what does not end does at %s", ends)
			}
		})
	}
}

func TestNoClockTellsNothing(t *testing.T) {
	var none *keyservice.ServiceClock
	at := time.Unix(1, 0)
	if _, known := none.Behind(); known || !none.Ends(at).Equal(at) {
		t.Error("it tells something")
	}
}
