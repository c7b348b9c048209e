// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math"
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
	if expires, rotates := Schedule(quiet(endless).AccessKey, issued, time.Time{}); !expires.IsZero() || !rotates.IsZero() {
		t.Errorf("without a ttl, Schedule = %s, %s, want never", expires, rotates)
	}
	// The jitter of a UID is the same in every version of the operator.
	if expires, rotates := Schedule(quiet().AccessKey, issued, time.Time{}); !expires.Equal(issued.Add(ttl)) || !rotates.Equal(renewal) {
		t.Errorf("Schedule = %s, %s, want %s, %s", expires, rotates, issued.Add(ttl), renewal)
	}
	short := quiet(lives(time.Minute))
	short.AccessKey.Spec.RenewBeforePercentage = 99
	if _, rotates := Schedule(short.AccessKey, issued, time.Time{}); rotates.Before(issued) {
		t.Errorf("a pair with a short life is rotated at %s, before its issue at %s", rotates, issued)
	}
}

// TestScheduleAtAServiceThatEndsPairs: such a service uses the ttl of the time when the pair was created.
func TestScheduleAtAServiceThatEndsPairs(t *testing.T) {
	announced := func(at time.Time) change {
		return func(in *Input) { in.AccessKey.Status.ExpiresAt = metav1.NewTime(at) }
	}
	for _, c := range []struct {
		name             string
		in               Input
		expires, rotates time.Time
	}{
		{"with the ttl of the pair", quiet(endsAt("K1", issued.Add(ttl))), issued.Add(ttl), renewal},
		{"a pair that ends a minute early is rotated a minute early", quiet(endsAt("K1", issued.Add(ttl-time.Minute))), issued.Add(ttl - time.Minute), renewal.Add(-37 * time.Second)},
		{"a ttl that was increased by less than clocks can differ", quiet(lives(ttl+50*time.Second), announced(issued.Add(ttl)), endsAt("K1", issued.Add(ttl+time.Second))),
			issued.Add(ttl), renewal},
		{"renewBefore is kept where the shorter life has room for it", quiet(lives(90*day), renewsBefore(4*day), endsAt("K1", issued.Add(ttl))), issued.Add(ttl), issued.Add(26*day - 153624*time.Second)},
		{"a renewBefore that is longer than the life keeps its share of it", quiet(lives(90*day), renewsBefore(60*day), endsAt("K1", issued.Add(ttl))), issued.Add(ttl), issued.Add(10*day - 59086*time.Second)},
		{"a ttl that was increased", quiet(lives(60*day), endsAt("K1", issued.Add(ttl))), issued.Add(ttl), renewal},
		{"a ttl that was removed", quiet(endless, endsAt("K1", issued.Add(2*day))), issued.Add(2 * day), issued.Add(2*day - 16*time.Hour - 7878*time.Second)},
		{"a ttl that was decreased", quiet(lives(3*day), endsAt("K1", issued.Add(ttl))), issued.Add(3 * day), issued.Add(2*day - 11817*time.Second)},
		{"a fraction of a second is left out, as the API server stores it", quiet(lives(60*day), endsAt("K1", issued.Add(ttl+time.Millisecond))), issued.Add(ttl), renewal},
		{"the announced end stays while the clock of the service varies",
			quiet(lives(60*day), announced(issued.Add(ttl)), endsAt("K1", issued.Add(ttl+59*time.Second))), issued.Add(ttl), renewal},
		{"an end that was changed at the service", quiet(announced(issued.Add(ttl)), endsAt("K1", issued.Add(6*day))), issued.Add(6 * day), issued.Add(4*day - 23634*time.Second)},
		{"a pair that has ended before its issue", quiet(endsAt("K1", issued.Add(-day))), issued.Add(-day), issued.Add(-day)},
	} {
		if expires, rotates := c.in.Schedule(); !expires.Equal(c.expires) || !rotates.Equal(c.rotates) {
			t.Errorf("%s: Schedule = %s, %s, want %s, %s", c.name, expires, rotates, c.expires, c.rotates)
		}
	}
}

// TestARotationWaitsForTheRoomOfAPreviousKey: nothing is revoked before the time that was announced for it.
func TestARotationWaitsForTheRoomOfAPreviousKey(t *testing.T) {
	later, expired := renewal.Add(time.Hour), issued.Add(ttl)
	for _, c := range []struct {
		name string
		in   Input
		want time.Time
	}{
		{"that is revoked later", quiet(previous("K0", later, youngerThan(ttl))), later},
		{"that is revoked earlier", quiet(previous("K0", noon.Add(day), youngerThan(ttl))), renewal},
		{"that a shortened ttl ends earlier", quiet(previous("K0", expired.Add(-time.Hour))), issued.Add(20 * day)},
		{"where there is no room for a third one", quiet(quota(3), previous("K0", later, youngerThan(ttl)), previous("K9", later.Add(time.Hour), youngerThan(ttl))), later},
		{"not where there is room for a third one", quiet(quota(3), previous("K0", later, youngerThan(ttl))), renewal},
		{"nor where there is no quota", quiet(unlimited, previous("K0", later, youngerThan(ttl))), renewal},
		{"nor where the current key is replaced in place", quiet(replaces, previous("K0", later, youngerThan(ttl))), renewal},
		{"nor until the current pair expires", quiet(lives(ttl), previous("K0", expired, youngerThan(ttl))), renewal},
		{"nor without a ttl", quiet(endless, previous("K0", later)), time.Time{}},
	} {
		if _, got := c.in.Schedule(); !got.Equal(c.want) {
			t.Errorf("a previous key %s: the rotation is at %s, want %s", c.name, got, c.want)
		}
	}
}

// youngerThan makes a previous key so new that only its revokeAt counts.
func youngerThan(age time.Duration) func(*v1alpha1.PreviousKey) {
	return func(p *v1alpha1.PreviousKey) { p.IssuedAt = metav1.NewTime(p.RevokeAt.Add(time.Second - age)) }
}

// TestExpiry: what Ready reports changes when the pair expires and when the service ends it.
func TestExpiry(t *testing.T) {
	later := issued.Add(ttl + time.Hour)
	for _, c := range []struct {
		name string
		in   Input
		want time.Time
	}{
		{"a pair expires at the end of its ttl", quiet(), issued.Add(ttl)},
		{"the service ends it later", quiet(endsAt("K1", later), at(issued.Add(ttl))), later},
		{"nothing changes after both", quiet(endsAt("K1", later), at(later)), time.Time{}},
		{"a pair without a ttl does not expire", quiet(endless), time.Time{}},
		{"a pair without a ttl can be ended by the service", quiet(endless, endsAt("K1", later)), later},
	} {
		if got := c.in.Expiry(); !got.Equal(c.want) {
			t.Errorf("%s: Expiry = %s, want %s", c.name, got, c.want)
		}
	}
}

// TestJitter expects up to a tenth of the time from issue to rotation, evenly spread, that depends only on the UID.
func TestJitter(t *testing.T) {
	const life = 20 * day // of the quiet AccessKey, from issue to rotation
	var low, high int
	for i := range 2000 {
		in := quiet()
		in.AccessKey.UID = types.UID(fmt.Sprintf("uid-%d", i))
		_, rotates := Schedule(in.AccessKey, issued, time.Time{})
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
		in.AccessKey.Name, in.AccessKey.Generation, in.AccessKey.CreationTimestamp = "other", 7, metav1.NewTime(issued)
		if _, again := Schedule(in.AccessKey, issued, time.Time{}); !again.Equal(rotates) {
			t.Fatalf("UID %s is rotated at %s and, with other metadata, at %s", in.AccessKey.UID, rotates, again)
		}
	}
	if low < 100 || high < 100 {
		t.Errorf("of 2000 UIDs %d lie in the first tenth and %d in the last, want about 200 each", low, high)
	}
}

func TestNextRevision(t *testing.T) {
	says := func(revision int64) change { return recordSays(func(r *Record) { r.Revision = revision }) }
	for _, c := range []struct {
		name string
		in   Input
		want int64
	}{
		{"the first pair is revision 1", unissued(), 1},
		{"each pair increases it by one", quiet(), 2},
		{"after a lost status it continues from the Secret", quiet(wiped, holds("K7", 7)), 8},
		{"after a lost Secret it continues from the status", quiet(secret(SecretAbsent)), 2},
		{"what the Secret says does not count while the status is there", quiet(says(7)), 2},
		{"nobody can have counted that far", restored(says(math.MaxInt64)), 1},
		{"nobody counts backwards", restored(says(-7)), 1},
	} {
		if got := NextRevision(c.in); got != c.want {
			t.Errorf("%s: NextRevision = %d, want %d", c.name, got, c.want)
		}
		if adopted := c.in.Adopted().Revision; adopted < 0 || adopted == math.MaxInt64 {
			t.Errorf("%s: adopted is revision %d", c.name, adopted)
		}
	}
}
