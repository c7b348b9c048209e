// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
)

func TestOverlap(t *testing.T) {
	hours := func(n time.Duration) *metav1.Duration { return &metav1.Duration{Duration: n * time.Hour} }
	for _, c := range []struct {
		name string
		spec v1alpha1.AccessKeySpec
		want time.Duration
	}{
		{"without a ttl it is a day", v1alpha1.AccessKeySpec{}, day},
		{"with a ttl it is a third of it", v1alpha1.AccessKeySpec{TTL: hours(720)}, 240 * time.Hour},
		{"renewBefore says it", v1alpha1.AccessKeySpec{TTL: hours(720), RenewBefore: hours(5)}, 5 * time.Hour},
		{"renewBefore says it without a ttl too", v1alpha1.AccessKeySpec{RenewBefore: hours(5)}, 5 * time.Hour},
		{"renewBeforePercentage is a share of the ttl", v1alpha1.AccessKeySpec{TTL: hours(200), RenewBeforePercentage: 25}, 50 * time.Hour},
		{"a percentage of a long ttl does not overflow", v1alpha1.AccessKeySpec{TTL: hours(2400000), RenewBeforePercentage: 99}, 2376000 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Overlap(&c.spec); got != c.want {
				t.Errorf("Overlap = %s, want %s", got, c.want)
			}
		})
	}
}

func TestSchedule(t *testing.T) {
	t.Run("without a ttl a pair neither ends nor is replaced", func(t *testing.T) {
		expires, renews := Schedule(quiet(endless).AccessKey, issued)
		if !expires.IsZero() || !renews.IsZero() {
			t.Errorf("Schedule = %s, %s, want never", expires, renews)
		}
	})
	t.Run("a pair ends a ttl after it was asked for", func(t *testing.T) {
		expires, _ := Schedule(quiet().AccessKey, issued)
		if want := issued.Add(ttl); !expires.Equal(want) {
			t.Errorf("expires = %s, want %s", expires, want)
		}
	})
	t.Run("the jitter of a UID is the same in every version of the operator", func(t *testing.T) {
		if _, got := Schedule(quiet().AccessKey, issued); !got.Equal(renewal) {
			t.Errorf("renewal = %s, want %s", got, renewal)
		}
	})
	t.Run("a pair is never replaced before it was made, however short its life", func(t *testing.T) {
		in := quiet(lives(time.Minute))
		in.AccessKey.Spec.RenewBeforePercentage = 99
		if _, got := Schedule(in.AccessKey, issued); got.Before(issued) {
			t.Errorf("renewal = %s, before its issue at %s", got, issued)
		}
	})
}

// TestJitter: between nothing and a tenth of the time from issue to renewal, spread out, and a matter of the UID only.
func TestJitter(t *testing.T) {
	const life = 20 * day // of the quiet AccessKey, from issue to renewal
	latest := issued.Add(life)
	var low, high int
	for i := range 2000 {
		in := quiet()
		in.AccessKey.UID = types.UID(fmt.Sprintf("uid-%d", i))
		_, renews := Schedule(in.AccessKey, issued)
		early := latest.Sub(renews)
		if early < 0 || early >= life/10 {
			t.Fatalf("UID %s is early by %s, want 0 to %s", in.AccessKey.UID, early, life/10)
		}
		if early < life/100 {
			low++
		}
		if early > life*9/100 {
			high++
		}
		in.AccessKey.Name, in.AccessKey.Namespace, in.AccessKey.Generation = "other", "other", 7
		in.AccessKey.CreationTimestamp = metav1.NewTime(issued.Add(-day))
		if _, again := Schedule(in.AccessKey, issued); !again.Equal(renews) {
			t.Fatalf("UID %s is renewed at %s and, with other metadata, at %s", in.AccessKey.UID, renews, again)
		}
	}
	if low < 100 || high < 100 {
		t.Errorf("of 2000 UIDs %d lie in the first tenth and %d in the last, want about 200 each", low, high)
	}
}

func TestNextRevision(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want int64
	}{
		{"the first pair is revision 1", unissued(), 1},
		{"each pair is one more", quiet(), 2},
		{"a lost status counts on from the Secret", quiet(wiped, holds("K7", 7)), 8},
		{"a lost Secret counts on from the status", quiet(secret(SecretAbsent)), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := NextRevision(c.in); got != c.want {
				t.Errorf("NextRevision = %d, want %d", got, c.want)
			}
		})
	}
}
