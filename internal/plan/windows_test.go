// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// margin is when K1 is rotated at the latest: half of its overlap before it expires. 2026-03-26 is a Thursday.
var margin = time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)

// opens adds a window in UTC to the spec.
func opens(cron string, length time.Duration) change { return opensIn("UTC", cron, length) }

func opensIn(zone, cron string, length time.Duration) change {
	return func(in *Input) {
		spec := &in.AccessKey.Spec
		if spec.Rotation == nil {
			spec.Rotation = &v1alpha1.Rotation{}
		}
		spec.Rotation.Windows = append(spec.Rotation.Windows, v1alpha1.RotationWindow{Cron: cron, Duration: &metav1.Duration{Duration: length}, Timezone: zone})
	}
}

func march(day, hour, minute, second int) time.Time {
	return time.Date(2026, 3, day, hour, minute, second, 0, time.UTC)
}

// TestScheduleInWindows: K1 can be rotated from March 20, 03:10:28, to March 26, 12:00. The UID is spread to 68.387 % of the first
// half of a window.
func TestScheduleInWindows(t *testing.T) {
	for _, c := range []struct {
		name    string
		in      Input
		want    time.Time
		outside bool
	}{
		{"without windows", quiet(), renewal, false},
		{"a window that opens later", quiet(opens("0 2 * * 6", 4*time.Hour)), march(21, 3, 22, 3), false},
		{"in its time zone", quiet(opensIn("Europe/Berlin", "0 2 * * 6", 4*time.Hour)), march(21, 2, 22, 3), false},
		{"a window that is open already", quiet(opens("0 0 * * 5", day)), renewal, false},
		{"a window that is always open", quiet(opens("0 0 * * *", 3*day)), renewal, false},
		{"a window that closed just before", quiet(opens("0 3 20 * *", 10*time.Minute)), margin, true},
		{"the first of several windows", quiet(opens("0 2 * * 1", time.Hour), opens("0 2 * * 6", 4*time.Hour), opens("0 2 * * 0", time.Hour)), march(21, 3, 22, 3), false},
		{"a window that opens shortly before the margin is cut off there", quiet(opens("0 11 26 3 *", 4*time.Hour)), march(26, 11, 20, 30), false},
		{"a window that opens at the margin comes too late", quiet(opens("0 12 26 3 *", 4*time.Hour)), margin, true},
		{"a window that opens at the renewal time", quiet(opens("10 3 20 3 *", time.Hour)), renewal, false},
		{"no window in time", quiet(opens("0 2 1 * *", 4*time.Hour)), margin, true},
		{"a window that never opens", quiet(opens("0 0 31 2 *", time.Hour)), margin, true},
		{"a window that cannot be read is left out", quiet(opens("0 2 * * 7", time.Hour), opens("0 2 * * 6", 4*time.Hour)), march(21, 3, 22, 3), false},
		{"a time zone that does not exist is left out", quiet(opensIn("Europe/Atlantis", "0 2 * * 6", time.Hour)), margin, true},
		{"02:30 that does not exist", quiet(renewsBefore(4*day), opensIn("Europe/Berlin", "30 2 29 3 *", 2*time.Hour)), march(29, 2, 11, 1), false},

		{"a rotation that is under way in its window", quiet(opens("0 2 * * *", 4*time.Hour), at(march(21, 5, 59, 59))), march(21, 3, 22, 3), false},
		{"after a window that was missed, the next one counts", quiet(opens("0 2 * * *", 4*time.Hour), at(march(21, 6, 0, 0))), march(22, 3, 22, 3), false},
		{"after the last window in time, the margin counts", quiet(opens("0 2 * * 6", 4*time.Hour), at(march(21, 6, 0, 0))), margin, true},
		{"after the margin", quiet(opens("0 2 * * *", 4*time.Hour), at(margin)), margin, true},
		{"an operation that was started in a window is of that window", quiet(opens("0 2 * * *", 4*time.Hour), at(march(21, 6, 0, 0)), intends(2, 0), startedAt(march(21, 5, 59, 0))),
			march(21, 3, 22, 3), false},

		{"a pair that the service ends earlier", quiet(endsAt("K1", issued.Add(15*day)), opens("0 2 * * *", time.Hour)), march(11, 2, 20, 30), false},
		{"room in the quota is awaited before a window", quiet(opens("0 2 * * *", 4*time.Hour), previous("K0", march(22, 12, 0, 0), youngerThan(ttl))), march(23, 3, 22, 3), false},
		{"room in the quota that comes after the margin", quiet(opens("0 2 * * *", 4*time.Hour), previous("K0", margin.Add(time.Hour), youngerThan(ttl))), margin.Add(time.Hour), false},
		{"a rotation in place", quiet(replaces, opens("0 2 * * 6", 4*time.Hour)), march(21, 3, 22, 3), false},
		{"ten minutes of a short overlap are kept", quiet(lives(time.Hour), renewsBefore(12*time.Minute), opens("30 12 * * *", time.Minute)), issued.Add(50 * time.Minute), true},
		{"a whole overlap of less than ten minutes is kept", quiet(lives(time.Hour), renewsBefore(5*time.Minute), opens("30 12 * * *", time.Minute)), issued.Add(55 * time.Minute), true},
		{"a life of a year", quiet(lives(365*day), opens("0 4 24 12 *", 6*time.Hour)), time.Date(2026, 12, 24, 6, 3, 5, 0, time.UTC), false},
		{"without a ttl", quiet(endless, opens("0 2 * * *", time.Hour)), time.Time{}, false},
	} {
		if _, got := c.in.Schedule(); !got.Equal(c.want) || c.in.OutsideWindows() != c.outside {
			t.Errorf("%s: the rotation is at %s (outside: %t), want %s (%t)", c.name, got, c.in.OutsideWindows(), c.want, c.outside)
		}
	}
}

func startedAt(at time.Time) change {
	return func(in *Input) { in.AccessKey.Status.Intent.StartedAt = metav1.NewTime(at) }
}

// windowCases are about what waits for a window, and what does not.
var windowCases = []decision{
	{"a scheduled rotation waits for its window", quiet(opens("0 2 * * 6", 4*time.Hour), at(march(21, 3, 22, 2))), rests(march(21, 3, 22, 3))},
	{"it starts in the window", quiet(opens("0 2 * * 6", 4*time.Hour), at(march(21, 3, 22, 3))), byRotate(Create)},
	{"a window that was missed is not made up for outside of it", quiet(opens("0 2 * * *", 4*time.Hour), at(march(21, 12, 0, 0))), rests(march(22, 3, 22, 3))},
	{"at the margin, the pair is rotated without a window", quiet(opens("0 2 1 * *", time.Hour), at(margin)), byRotate(Create)},
	{"a requested rotation does not wait", quiet(opens("0 2 * * 6", time.Hour), asksFor("today")), byRenewNow(Create)},
	{"a lost Secret does not wait", quiet(opens("0 2 * * 6", time.Hour), secret(SecretAbsent)), byRestore(Create)},
	{"a lost key does not wait", quiet(opens("0 2 * * 6", time.Hour), keys()), byReplace(Create)},
	{"a pair that the service has ended does not wait", quiet(opens("0 2 * * 6", time.Hour), endsAt("K1", noon)), byReplace(Create)},
	{"the first pair does not wait", unissued(opens("0 2 * * 6", time.Hour)), byIssue(Create)},

	{"a time without a window is reported as soon as it is known", quiet(opens("0 2 1 * *", time.Hour)),
		stalled(ruleReportWindows, v1alpha1.ReasonWindowUnsatisfiable, "no window of rotation.windows opens from 2026-03-20T03:10:28Z to 2026-03-26T12:00:00Z, "+
			"so the pair will be rotated outside of them, at 2026-03-26T12:00:00Z; add a window, or increase renewBefore", margin)},
	{"a window that never opens is reported", quiet(opens("0 0 31 2 *", time.Hour)), stalled(ruleReportWindows, v1alpha1.ReasonWindowUnsatisfiable, "no window", margin)},
	{"a window that cannot be read is reported beside a good one", quiet(opens("0 2 * * 6", 4*time.Hour), opens("0 5-2 * * *", time.Hour)),
		stalled(ruleReportWindows, v1alpha1.ReasonWindowUnsatisfiable, `rotation.windows[1] cannot be used: cron "0 5-2 * * *"`, march(21, 3, 22, 3))},
	{"an unknown time zone is reported", quiet(opensIn("Europe/Atlantis", "0 2 * * 6", time.Hour)),
		stalled(ruleReportWindows, v1alpha1.ReasonWindowUnsatisfiable, "rotation.windows[0] cannot be used: timezone: unknown time zone Europe/Atlantis; correct it", margin)},
	{"windows that were missed are not reported, because they can be used", quiet(opens("0 2 * * 6", 4*time.Hour), at(march(21, 6, 0, 0))), rests(margin)},
	{"windows do not matter without a ttl", quiet(endless, opens("0 2 * * 6", time.Hour)), rests(time.Time{})},
	{"a denial is reported before the windows", quiet(notGranted, opens("0 2 1 * *", time.Hour)), stalled(ruleReportDenial, v1alpha1.ReasonNotGranted, "grant", margin)},
	{"bad windows do not hold up a rotation", quiet(opensIn("Europe/Atlantis", "0 2 * * 6", time.Hour), at(margin)), byRotate(Create)},
}

// TestAKeyThatIsRotatedInAWindowWorksUntilItExpires: also if the operation ends after the window.
func TestAKeyThatIsRotatedInAWindowWorksUntilItExpires(t *testing.T) {
	for _, ended := range []time.Time{march(21, 3, 22, 3), march(21, 6, 0, 0), march(25, 0, 0, 0)} {
		in := quiet(opens("0 2 * * *", 4*time.Hour), at(ended), intends(2, 0), startedAt(march(21, 3, 22, 3)))
		record := NextRecord(in, in.AccessKey.Status.Intent, keyservice.Key{ID: "K2", AccessKeyID: "AKIAK2"})
		if got := record.PreviousKeys[0].RevokeAt; !got.Equal(&metav1.Time{Time: issued.Add(ttl)}) {
			t.Errorf("an operation that ended at %s: the old key is revoked at %s, want %s", ended, got, issued.Add(ttl))
		}
	}
}

// TestEveryScheduleKeepsToItsWindows checks random lives, windows and moments.
func TestEveryScheduleKeepsToItsWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	outside := 0
	for n := range 20_000 {
		in := anyWindows(r)
		s := in.schedule()
		if s.outside {
			outside++
		}
		later := in
		later.Now = in.Now.Add(time.Duration(r.Int64N(max(int64(s.renewal.Sub(in.Now)), 1))))
		for _, broken := range []string{in.breaksWindows(s), in.breaksMargin(s), in.breaksAnnouncement(s, later)} {
			if broken != "" {
				t.Fatalf("%d: %s: %+v at %s of %+v", n, broken, s, in.Now, in.AccessKey.Spec)
			}
		}
	}
	if outside < 2000 || outside > 18_000 {
		t.Errorf("%d of 20000 rotations are outside of windows", outside)
	}
}

// breaksWindows says how a rotation is not in a window although one is open in time, or the other way round.
func (in Input) breaksWindows(s schedule) string {
	possible := in.windowComes(s)
	switch {
	case s.outside == possible && s.earliest.Before(s.latest):
		return fmt.Sprintf("a window is possible: %t", possible)
	case s.outside && !s.earliest.Before(s.latest):
		return "windows count although there is no time for them"
	case !s.outside && s.earliest.Before(s.latest) && !in.inSomeWindow(s.renewal):
		return "the rotation is in no window"
	}
	return ""
}

// windowComes reports whether a window is open or opens before the latest time of a rotation.
func (in Input) windowComes(s schedule) bool {
	from := latest(s.earliest, in.Now)
	for _, each := range in.AccessKey.Spec.Rotation.Windows {
		w, _ := parse(each)
		if span, ok := w.Next(from); ok && span.Opens.Before(s.latest) && from.Before(s.latest) {
			return true
		}
	}
	return false
}

func (in Input) breaksMargin(s schedule) string {
	switch {
	case s.renewal.Before(s.earliest) || s.renewal.After(latest(s.latest, s.earliest)):
		return "the rotation is not from earliest to latest"
	case s.expires.Sub(s.latest) < min(Overlap(&in.AccessKey.Spec), max(Overlap(&in.AccessKey.Spec)/2, leastMargin)):
		return "the margin is too small"
	}
	return ""
}

// breaksAnnouncement says how a rotation that is still to come is announced for another time later.
func (in Input) breaksAnnouncement(s schedule, later Input) string {
	if again := later.schedule(); in.Now.Before(s.renewal) && !again.renewal.Equal(s.renewal) {
		return fmt.Sprintf("at %s the rotation is announced for %s", later.Now, again.renewal)
	}
	return ""
}

func (in Input) inSomeWindow(at time.Time) bool {
	for _, each := range in.AccessKey.Spec.Rotation.Windows {
		w, _ := parse(each)
		if span, ok := w.Next(at); ok && !at.Before(span.Opens) {
			return true
		}
	}
	return false
}

// anyWindows returns an AccessKey with some life and some windows, at some moment of it.
func anyWindows(r *rand.Rand) Input {
	length := oneOf(r, time.Minute, time.Hour, day, 7*day, 30*day, 90*day, 365*day)
	in := quiet(lives(length))
	in.AccessKey.UID = types.UID(fmt.Sprint(r.Uint64()))
	in.AccessKey.Spec.RenewBeforePercentage = oneOf[int32](r, 0, 1, 10, 50, 99)
	in.AccessKey.Status.IssuedAt = metav1.NewTime(issued.Add(time.Duration(r.Int64N(int64(365 * day)))).Truncate(time.Second))
	for range 1 + r.IntN(2) {
		cron := oneOf(r, "* * * * *", "*/7 * * * *", "0 * * * *", "30 2 * * *", "0 2 * * 6", "0 0 1 * *", "0 12 29 2 *", "0 1,13 * * mon-fri", "0 0 31 2 *")
		opensIn(oneOf(r, "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"), cron, oneOf(r, time.Minute, 10*time.Minute, 4*time.Hour, 3*day))(&in)
	}
	in.Now = in.AccessKey.Status.IssuedAt.Add(time.Duration(r.Int64N(int64(length) * 11 / 10)))
	return in
}

// TestAFleetIsSpreadOverAWindow: a thousand AccessKeys that were issued together do not start in the first seconds of the window.
func TestAFleetIsSpreadOverAWindow(t *testing.T) {
	opened, minutes := march(21, 2, 0, 0), map[int]int{}
	for n := range 1000 {
		in := quiet(opens("0 2 * * 6", 4*time.Hour), renewsBefore(10*day))
		in.AccessKey.UID = types.UID(fmt.Sprint("uid-", n))
		_, renewal := in.Schedule()
		after := renewal.Sub(opened)
		if after < 0 || after >= 2*time.Hour {
			continue // its renewal time is spread to before the window of the week before
		}
		minutes[int(after.Minutes())]++
	}
	for minute, count := range minutes {
		if count > 40 {
			t.Errorf("%d AccessKeys start in minute %d", count, minute)
		}
	}
	if len(minutes) < 90 {
		t.Errorf("the AccessKeys start in %d different minutes of 120", len(minutes))
	}
}
