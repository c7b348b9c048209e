// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// That a clock that jumps moves none of this is tested in test/crash, whose clock can.
func TestAMomentIsRemembered(t *testing.T) {
	for name, test := range map[string]struct {
		recorded, want time.Time
	}{
		"of the past":   {noon.Add(-time.Hour), noon.Add(-time.Hour)},
		"of now":        {noon, noon},
		"of the future": {noon.Add(time.Hour), noon},
		"none":          {time.Time{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			const it = 1
			var known moments
			name := client.ObjectKeyFromObject(restingAccessKey())
			for range 2 {
				if got := known.of(name, it, test.recorded, noon); !got.Equal(test.want) {
					t.Errorf("seen for the first time, it was at %s", got)
				}
				if got := known.of(name, it, test.recorded, noon.Add(time.Minute)); !got.Equal(test.want) {
					t.Errorf("a minute later it was at %s", got)
				}
				known.keep(name, it, it+1)
			}
			known.keep(name)
			if len(known.seen) != 0 {
				t.Errorf("forgotten, there is %v", known.seen)
			}
		})
	}
}

func TestAPairIsIssuedWhenItsOperationBegan(t *testing.T) {
	var known moments
	ak := restingAccessKey()
	atWork(ak)
	later := noon.Add(-time.Hour) // by a clock that was set back
	begun := known.begun(ak, later)
	if !begun.Equal(later) {
		t.Errorf("begun at %s", begun)
	}
	ak.Status.Intent = nil
	ak.Status.IssuedAt = metav1.NewTime(noon)
	known.issued(ak, begun)
	known.keep(client.ObjectKeyFromObject(ak), recordedMoments(ak)...)
	now := later.Add(5 * time.Minute)
	keys := known.dated(ak, now)
	if len(keys) != 1 || !keys[0].CreatedAt.Equal(later) {
		t.Errorf("dated %v", keys)
	}
	if issued := issuedBy(now, keys); len(issued) != 1 || !issued[ak.Status.KeyID].Equal(later) {
		t.Errorf("issued %v", issued)
	}
}
