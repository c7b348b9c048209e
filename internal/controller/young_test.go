// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

func TestAKeyIsNotMissedInItsFirstMinute(t *testing.T) {
	ak := restingAccessKey()
	for name, test := range map[string]struct {
		listed []keyservice.Key
		age    time.Duration
		want   int
	}{
		"young and not listed yet": {nil, youth - time.Second, 1},
		"young and listed":         {[]keyservice.Key{{ID: "K1"}}, time.Second, 1},
		"old and not listed":       {nil, youth, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := withYoung(test.listed, plainKeys(recordedKeys(ak)), ak.Status.IssuedAt.Add(test.age)); len(got) != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
