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
		{"renewBefore sets it", v1alpha1.AccessKeySpec{TTL: hours(720), RenewBefore: hours(5)}, 5 * time.Hour},
		{"renewBefore sets it without a ttl, too", v1alpha1.AccessKeySpec{RenewBefore: hours(5)}, 5 * time.Hour},
		{"renewBeforePercentage is a share of the ttl", v1alpha1.AccessKeySpec{TTL: hours(200), RenewBeforePercentage: 25}, 50 * time.Hour},
		{"a percentage of a long ttl does not overflow", v1alpha1.AccessKeySpec{TTL: hours(2400000), RenewBeforePercentage: 99}, 2376000 * time.Hour},
	} {
		if got := Overlap(&c.spec); got != c.want {
			t.Errorf("%s: Overlap = %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSchedule(t *testing.T) {
	if expires, rotates := Schedule(quiet(endless).AccessKey, issued); !expires.IsZero() || !rotates.IsZero() {
		t.Errorf("without a ttl, Schedule = %s, %s, want never", expires, rotates)
	}
	// The jitter of a UID is the same in every version of the operator.
	if expires, rotates := Schedule(quiet().AccessKey, issued); !expires.Equal(issued.Add(ttl)) || !rotates.Equal(renewal) {
		t.Errorf("Schedule = %s, %s, want %s, %s", expires, rotates, issued.Add(ttl), renewal)
	}
	short := quiet(lives(time.Minute))
	short.AccessKey.Spec.RenewBeforePercentage = 99
	if _, rotates := Schedule(short.AccessKey, issued); rotates.Before(issued) {
		t.Errorf("a pair with a short life is rotated at %s, before its issue at %s", rotates, issued)
	}
}

// TestJitter expects up to a tenth of the time from issue to rotation, evenly spread, that depends only on the UID.
func TestJitter(t *testing.T) {
	const life = 20 * day // of the quiet AccessKey, from issue to rotation
	var low, high int
	for i := range 2000 {
		in := quiet()
		in.AccessKey.UID = types.UID(fmt.Sprintf("uid-%d", i))
		_, rotates := Schedule(in.AccessKey, issued)
		early := issued.Add(life).Sub(rotates)
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
		if _, again := Schedule(in.AccessKey, issued); !again.Equal(rotates) {
			t.Fatalf("UID %s is rotated at %s and, with other metadata, at %s", in.AccessKey.UID, rotates, again)
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
		{"each pair increases it by one", quiet(), 2},
		{"after a lost status it continues from the Secret", quiet(wiped, holds("K7", 7)), 8},
		{"after a lost Secret it continues from the status", quiet(secret(SecretAbsent)), 2},
	} {
		if got := NextRevision(c.in); got != c.want {
			t.Errorf("%s: NextRevision = %d, want %d", c.name, got, c.want)
		}
	}
}
