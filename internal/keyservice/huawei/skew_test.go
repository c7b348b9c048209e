// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestAClockThatIsWrongIsReportedWithTheDifference(t *testing.T) {
	for name, test := range map[string]struct {
		ahead   time.Duration
		options account.Options
		text    string
	}{
		"ahead":                    {20 * time.Minute, account.Options{}, "is 20 minutes ahead of the service's, which allows 15: set the operator's clock right"},
		"behind":                   {-26 * time.Hour, account.Options{}, "is 1560 minutes behind the service's"},
		"with the other code":      {20 * time.Minute, account.Options{SkewCode: "APIGW.0303"}, "APIGW.0303: Incorrect IAM authentication information: calc ak sk signature fail:signature expired, signature time, server time; the operator's clock is 20 minutes"},
		"where less is allowed":    {6 * time.Minute, account.Options{Skew: time.Minute}, "is 6 minutes ahead"},
		"too little to be blamed":  {4*time.Minute + 58*time.Second, account.Options{Skew: time.Minute}, "check the access key"},
		"where the answer is dull": {20 * time.Minute, account.Options{NoDate: true}, "check the access key"},
		"where skew does not lock": {20 * time.Minute, account.Options{SkewUncounted: true}, "is 20 minutes ahead"},
		"where errors are empty":   {20 * time.Minute, account.Options{Shape: account.ShapeBare}, "is 20 minutes ahead"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options)
			b.own.SetTime(start.Add(test.ahead))
			_, err := b.List(t.Context(), b.alice)
			expectKind(t, err, keyservice.Unauthorized, test.text)
			b.pass(5*time.Minute + 20*time.Second) // a drift that would change the rounded minutes now and then
			_, again := b.List(t.Context(), b.alice)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the text changes:\n%v\n%v", err, again)
			}
			b.calls(t, getKeys, 2)
		})
	}
}

func TestADriftingClockIsReportedWithTheSameText(t *testing.T) {
	b := newBed(t, account.Options{})
	texts := map[string]bool{}
	for _, ahead := range []time.Duration{20*time.Minute + 29*time.Second, 20*time.Minute + 31*time.Second, 20 * time.Minute, 19*time.Minute + 10*time.Second} {
		b.own.SetTime(b.clock.Now().Add(ahead))
		_, err := b.List(t.Context(), b.alice)
		expectKind(t, err, keyservice.Unauthorized)
		texts[err.Error()] = true
		b.pass(6 * time.Minute)
	}
	if len(texts) != 1 {
		t.Errorf("got %v", texts)
	}
}

func TestAClockThatIsSetRightIsEnough(t *testing.T) {
	for name, test := range map[string]struct {
		ahead, wait time.Duration
	}{
		"one that was ahead, at once":               {time.Hour, 0},
		"one that was behind, at once":              {-time.Hour, 0},
		"one that was ahead, after five minutes":    {20 * time.Minute, 5 * time.Minute},
		"one that was a little ahead of its answer": {16 * time.Minute, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.own.SetTime(start.Add(test.ahead))
			_, err := b.List(t.Context(), b.alice)
			expectKind(t, err, keyservice.Unauthorized, "set the operator's clock right")
			b.clock.SetTime(start.Add(test.wait))
			b.own.SetTime(start.Add(test.wait))
			b.create(t, b.alice)
		})
	}
}
