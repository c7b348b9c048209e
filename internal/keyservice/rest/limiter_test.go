// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"math"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestThePaceAfterAnAnswer(t *testing.T) {
	const most = 20
	for name, test := range map[string]struct {
		rate      float64
		passed    time.Duration // since the last change
		throttled bool
		want      float64
		changes   bool
	}{
		"a throttled request halves it":                        {20, time.Hour, true, 10, true},
		"and another one a second later":                       {10, time.Second, true, 5, true},
		"but not one of the same burst":                        {10, 999 * time.Millisecond, true, 10, false},
		"down to a request in two seconds":                     {0.7, time.Minute, true, 0.5, true},
		"and no further":                                       {0.5, time.Minute, true, 0.5, true},
		"an answer lets it grow with the time":                 {1, 6 * time.Second, false, 1.1, true},
		"to what it was before after a minute":                 {5, time.Minute, false, 10, true},
		"but no more than double, however long it was quiet":   {5, time.Hour, false, 10, true},
		"up to that of the KeyService":                         {19, time.Minute, false, 20, true},
		"where it stays":                                       {20, time.Hour, false, 20, false},
		"an answer from before the last change changes little": {5, -time.Second, false, 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := pace{rate: test.rate, cut: noon, changed: noon}
			got := before.after(test.throttled, noon.Add(test.passed), most)
			if math.Abs(got.rate-test.want) > 1e-9 || (got != before) != test.changes {
				t.Errorf("got %+v, want %v", got, test.want)
			}
		})
	}
	if got := (pace{rate: 0.1}).after(true, noon, 0.1); got.rate != 0.1 {
		t.Errorf("a KeyService whose rate is below the slowest pace is asked at %v", got.rate)
	}
}

// TestAThrottledServiceIsAskedAtThePaceThatItBears lets a client send as fast as it may to a service that bears three requests
// a second, for ten minutes.
func TestAThrottledServiceIsAskedAtThePaceThatItBears(t *testing.T) {
	l := newLimiter(20, 40)
	now, refused, served := noon, 0, 0
	second, inSecond := time.Time{}, 0
	for now.Before(noon.Add(10 * time.Minute)) {
		now = now.Add(l.tokens.ReserveN(now, 1).DelayFrom(now))
		if at := now.Truncate(time.Second); !at.Equal(second) {
			second, inSecond = at, 0
		}
		inSecond++
		if inSecond > 3 {
			refused++
		} else {
			served++
		}
		l.answered(inSecond > 3, now)
	}
	if served < 900 || refused > 60 { // of 1,800 that the service bears
		t.Errorf("%d requests were served, and %d refused", served, refused)
	}
	for range 6 { // the service bears more again
		now = now.Add(time.Minute)
		l.answered(false, now)
	}
	if l.tokens.Limit() != 20 || l.tokens.Burst() != 40 {
		t.Errorf("the pace is %v with bursts of %d", l.tokens.Limit(), l.tokens.Burst())
	}
}
