// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package window

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const (
	berlin  = "Europe/Berlin"
	newYork = "America/New_York"
)

func mustParse(t *testing.T, expression string, length time.Duration, zone string) Window {
	t.Helper()
	w, err := Parse(expression, length, zone)
	if err != nil {
		t.Fatalf("%s in %s: %v", expression, zone, err)
	}
	return w
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		name, cron   string
		length       time.Duration
		zone, after  string
		opens, until string
	}{
		{"the next Saturday", "0 2 * * 6", 4 * time.Hour, berlin, "2026-05-13T12:00:00Z", "2026-05-16T02:00:00+02:00", "2026-05-16T06:00:00+02:00"},
		{"in winter", "0 2 * * 6", 4 * time.Hour, berlin, "2026-01-13T12:00:00Z", "2026-01-17T02:00:00+01:00", "2026-01-17T06:00:00+01:00"},
		{"one that is open", "0 2 * * 6", 4 * time.Hour, berlin, "2026-05-16T05:59:59+02:00", "2026-05-16T02:00:00+02:00", "2026-05-16T06:00:00+02:00"},
		{"not one that has just closed", "0 2 * * 6", 4 * time.Hour, berlin, "2026-05-16T06:00:00+02:00", "2026-05-23T02:00:00+02:00", "2026-05-23T06:00:00+02:00"},
		{"one that opens now", "0 2 * * 6", 4 * time.Hour, berlin, "2026-05-16T02:00:00+02:00", "2026-05-16T02:00:00+02:00", "2026-05-16T06:00:00+02:00"},
		{"a name", "@weekly", time.Hour, "UTC", "2026-05-13T12:00:00Z", "2026-05-17T00:00:00Z", "2026-05-17T01:00:00Z"},
		{"a leap day", "0 0 29 2 *", time.Hour, "UTC", "2026-05-13T12:00:00Z", "2028-02-29T00:00:00Z", "2028-02-29T01:00:00Z"},
		{"the last day of a short month is left out", "0 0 31 * *", time.Hour, "UTC", "2026-04-01T00:00:00Z", "2026-05-31T00:00:00Z", "2026-05-31T01:00:00Z"},
		{"a duration that is longer than the period", "0 0 * * *", 48 * time.Hour, "UTC", "2026-05-13T12:00:00Z", "2026-05-12T00:00:00Z", "2026-05-14T00:00:00Z"},
		{"a duration of years", "* * * * *", 100 * 365 * day, "UTC", "2026-05-13T12:00:00Z", "1926-06-07T12:01:00Z", "2026-05-13T12:01:00Z"},
		{"once a year", "0 3 1 1 *", 6 * time.Hour, newYork, "2026-01-01T09:00:00-05:00", "2027-01-01T03:00:00-05:00", "2027-01-01T09:00:00-05:00"},
		{"a fraction of a second", "0 2 * * *", time.Hour, "UTC", "2026-05-13T02:59:59.999Z", "2026-05-13T02:00:00Z", "2026-05-13T03:00:00Z"},

		// Berlin: 2026-03-29 02:00 +01:00 becomes 03:00 +02:00; 2026-10-25 03:00 +02:00 becomes 02:00 +01:00.
		{"02:30 that does not exist", "30 2 * * *", time.Hour, berlin, "2026-03-29T00:00:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"},
		{"02:30 that does not exist, just after the change", "30 2 * * *", time.Hour, berlin, "2026-03-29T03:10:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"},
		{"a short one, just after the change", "30 2 * * *", 5 * time.Minute, berlin, "2026-03-29T03:10:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-29T03:35:00+02:00"},
		{"the day after", "30 2 * * *", time.Hour, berlin, "2026-03-29T04:30:00+02:00", "2026-03-30T02:30:00+02:00", "2026-03-30T03:30:00+02:00"},
		{"an hour that does not exist, on its Sunday", "0 2 * * 0", 4 * time.Hour, berlin, "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00", "2026-03-29T07:00:00+02:00"},
		{"midnight to four in the short night", "0 0 * * *", 4 * time.Hour, berlin, "2026-03-29T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-29T05:00:00+02:00"},
		{"02:30 that exists twice is the first", "30 2 * * *", time.Hour, berlin, "2026-10-25T00:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
		{"between the two", "30 2 * * *", time.Hour, berlin, "2026-10-25T02:15:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
		{"it does not open a second time", "30 2 * * *", time.Hour, berlin, "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00", "2026-10-26T03:30:00+01:00"},
		{"midnight to four in the long night", "0 0 * * *", 4 * time.Hour, berlin, "2026-10-25T00:00:00+02:00", "2026-10-25T00:00:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"an hour that exists twice, on its Sunday", "0 2 * * 0", 4 * time.Hour, berlin, "2026-10-24T12:00:00Z", "2026-10-25T02:00:00+02:00", "2026-10-25T05:00:00+01:00"},
		// New York, west of Greenwich: 2026-03-08 02:00 -05:00 becomes 03:00 -04:00; 2026-11-01 02:00 -04:00 becomes 01:00 -05:00.
		{"02:30 that does not exist in New York", "30 2 * * *", time.Hour, newYork, "2026-03-08T00:00:00-05:00", "2026-03-08T03:30:00-04:00", "2026-03-08T04:30:00-04:00"},
		{"01:30 that exists twice in New York", "30 1 * * *", time.Hour, newYork, "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00"},
		// Lord Howe Island: half an hour. 2026-10-04 02:00 +10:30 becomes 02:30 +11:00.
		{"02:15 that does not exist on Lord Howe Island", "15 2 * * *", time.Hour, "Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", "2026-10-04T02:45:00+11:00", "2026-10-04T03:45:00+11:00"},
		// Santiago puts the clocks forward at midnight: 2026-09-06 00:00 -04:00 becomes 01:00 -03:00.
		{"a midnight that does not exist", "0 0 * * *", time.Hour, "America/Santiago", "2026-09-05T12:00:00-04:00", "2026-09-06T01:00:00-03:00", "2026-09-06T02:00:00-03:00"},
	} {
		span, ok := mustParse(t, c.cron, c.length, c.zone).Next(instant(t, c.after))
		if !ok || !span.Opens.Equal(instant(t, c.opens)) || !span.Closes.Equal(instant(t, c.until)) {
			t.Errorf("%s: %s to %s (%t), want %s to %s", c.name, span.Opens.Format(time.RFC3339), span.Closes.Format(time.RFC3339), ok, c.opens, c.until)
		}
	}
	if span, ok := mustParse(t, "0 0 31 2 *", time.Hour, "UTC").Next(time.Unix(0, 0)); ok {
		t.Errorf("February 31 is %v", span)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		cron   string
		length time.Duration
		zone   string
		want   string
	}{
		{"0 2 * *", time.Hour, "UTC", "expected exactly 5 fields"},
		{"0 2 * * 7", time.Hour, "UTC", "above maximum"},
		{"0 5-2 * * *", time.Hour, "UTC", "beyond end of range"},
		{"", time.Hour, "UTC", "empty"},
		{"@every 1h", time.Hour, "UTC", "five-field"},
		{"@sometimes", time.Hour, "UTC", "unrecognized descriptor"},
		{"TZ=", time.Hour, "UTC", "five-field"}, // the library panics
		{"CRON_TZ=Europe/Berlin 0 2 * * *", time.Hour, "UTC", "five-field"},
		{"0 2 * * *", 0, "UTC", "duration"},
		{"0 2 * * *", time.Hour, "Europe/Atlantis", "unknown time zone Europe/Atlantis"},
		{"0 2 * * *", time.Hour, "Local", "Local"},
		{"0 2 * * *", time.Hour, "../../etc/passwd", "timezone"},
	} {
		if _, err := Parse(c.cron, c.length, c.zone); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %s in %q: %v, want %q", c.cron, c.length, c.zone, err, c.want)
		}
	}
}

// TestNextIsTheFirstSpan compares Next with a walk from minute to minute on the clock of the zone, around each change of it.
func TestNextIsTheFirstSpan(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, zone := range []string{berlin, newYork, "Australia/Lord_Howe", "America/Santiago", "Pacific/Auckland", "UTC"} {
		for _, expression := range []string{"0 2 * * *", "30 1 * * 0", "*/20 0-3 * * *", "59 23 * * 6"} {
			w := mustParse(t, expression, time.Duration(1+r.IntN(90))*time.Minute, zone)
			for _, change := range changes(w) {
				for range 8 {
					after := change.Add(time.Duration(r.IntN(3*24*60)-2*24*60) * time.Minute)
					span, ok := w.Next(after)
					if !ok || !span.Closes.After(after) || span.Closes.Sub(span.Opens) != w.length {
						t.Fatalf("%s in %s after %s: %v", expression, zone, after, span)
					}
					for at := after.Add(-w.length + time.Minute); at.Before(span.Opens); at = at.Add(time.Minute) {
						if w.opensOnTheWall(at) {
							t.Fatalf("%s in %s after %s opens at %s, not only at %s", expression, zone, after, at, span.Opens)
						}
					}
				}
			}
		}
	}
}

// changes are the moments of two years at which the clocks of the zone are changed; any moment where they never are.
func changes(w Window) (moments []time.Time) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for hour := range 2 * 365 * 24 {
		if at := first.Add(time.Duration(hour) * time.Hour); w.offset(at) != w.offset(at.Add(-time.Hour)) {
			moments = append(moments, at)
		}
	}
	if len(moments) == 0 {
		return []time.Time{first}
	}
	return moments
}

// opensOnTheWall reports whether the clock of the zone shows a time of the expression, and has not shown it before.
func (w Window) opensOnTheWall(at time.Time) bool {
	wall := at.Add(w.offset(at))
	for _, ago := range []time.Duration{30 * time.Minute, time.Hour} {
		if earlier := at.Add(-ago); earlier.Add(w.offset(earlier)).Equal(wall) {
			return false
		}
	}
	return w.schedule.Next(wall.Add(-time.Second)).Equal(wall)
}

func BenchmarkNext(b *testing.B) {
	after := time.Date(2026, 5, 13, 12, 0, 0, 0, time.UTC)
	for b.Loop() {
		w, err := Parse("0 2 * * 6", 4*time.Hour, berlin)
		if err != nil {
			b.Fatal(err)
		}
		w.Next(after)
	}
}
