// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
)

func TestALeaderThatWasPausedGivesUp(t *testing.T) {
	for name, test := range map[string]struct {
		steps []time.Duration
		want  string
	}{
		"it is awake":                              {steps: []time.Duration{time.Second, time.Second, time.Second}},
		"pauses in which nobody else can lead":     {steps: []time.Duration{4 * time.Second, time.Second, 5 * time.Second}},
		"a pause in which the lease could run out": {steps: []time.Duration{time.Second, 6 * time.Second}, want: "paused for 6s"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			clock := testclock.NewFakeClock(time.Now())
			looked := make(chan struct{})
			ended := make(chan error, 1)
			go func() { ended <- watchPauses(ctx, &lookedAt{clock, looked}) }()
			<-looked
			for i, step := range test.steps {
				clock.Step(step)
				<-looked
				if i == len(test.steps)-1 && test.want != "" {
					break
				}
			}
			if test.want == "" {
				cancel()
			}
			err := <-ended
			cancel()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// lookedAt is a clock that tells when it is looked at.
type lookedAt struct {
	*testclock.FakeClock
	looked chan struct{}
}

func (c *lookedAt) Now() time.Time {
	now := c.FakeClock.Now()
	c.looked <- struct{}{}
	return now
}
