// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/window"
)

const (
	// marginShare is how much of the overlap a rotation leaves that waits for a window: at least half of it.
	marginShare = 2
	// leastMargin is how much it leaves of a short overlap, so that consumers have time to load the new pair.
	leastMargin = 10 * time.Minute
	// spreadShare is the part of a window in which rotations start: its first half, so that they also end in it.
	spreadShare = 2
)

// schedule is when the current pair is rotated.
type schedule struct {
	// expires is when the pair expires. The other times lie before it. All are zero if it does not expire.
	expires time.Time
	// earliest is when the pair can be rotated, and latest when it is rotated without a window.
	earliest, latest time.Time
	// renewal is when it is rotated. outside reports whether that is in no window of the spec, although it has some.
	renewal time.Time
	outside bool
}

// schedule decides when the current pair is rotated: in the first window that opens, or is open, between the time when it can be
// rotated and the safety margin before it expires, and otherwise at that margin. After a window in which the rotation failed, or the
// operator did not run, the next one counts.
func (in Input) schedule() schedule {
	spec, status := &in.AccessKey.Spec, &in.AccessKey.Status
	s := schedule{earliest: in.renewable()}
	var overlap time.Duration
	s.expires, overlap = life(spec, status.IssuedAt.Time, in.Ends())
	s.renewal, s.latest = s.earliest, s.expires.Add(-min(overlap, max(overlap/marginShare, leastMargin)))
	if len(windowsOf(spec)) == 0 || !s.earliest.Before(s.latest) { // also without a ttl
		return s
	}
	now := in.Now
	if status.Intent != nil { // a rotation that started in a window is one of that window, whenever it ends
		now = status.Intent.StartedAt.Time
	}
	s.renewal = s.inWindow(in.AccessKey, now)
	if s.outside = s.renewal.IsZero(); s.outside {
		s.renewal = s.latest
	}
	return s
}

// inWindow returns when a rotation starts in the first window that is not closed yet; zero if there is none.
func (s schedule) inWindow(ak *v1alpha1.AccessKey, now time.Time) (start time.Time) {
	for _, each := range windowsOf(&ak.Spec) {
		parsed, err := parse(each)
		if err != nil {
			continue
		}
		if span, ok := parsed.Next(latest(s.earliest, now)); ok && span.Opens.Before(s.latest) && now.Before(s.latest) {
			start = earliest(start, s.startIn(span, ak.UID))
		}
	}
	return start
}

// startIn spreads the rotations over the window, so that those of many AccessKeys do not start together when it opens.
func (s schedule) startIn(span window.Span, uid types.UID) time.Time {
	if !s.earliest.Before(span.Opens) { // it is open already, and the renewal times are spread
		return s.earliest
	}
	length := earliest(span.Closes, s.latest).Sub(span.Opens)
	return span.Opens.Add(time.Duration(fraction(uid) * float64(length) / spreadShare).Truncate(time.Second))
}

// OutsideWindows reports whether the rotation of the current pair is in no window of the spec, although it has some.
func (in Input) OutsideWindows() bool { return in.schedule().outside }

// reportWindows reports windows that cannot be used, as soon as that is known. The pair is rotated all the same.
func reportWindows(in Input) (Action, bool) {
	problem := in.windowProblem()
	if problem == "" {
		return none()
	}
	next, _ := wait(in)
	return Action{Verb: Stall, Reason: v1alpha1.ReasonWindowUnsatisfiable, Detail: problem, Until: next.Until}, true
}

func (in Input) windowProblem() string {
	windows := windowsOf(&in.AccessKey.Spec)
	for i, each := range windows {
		if _, err := parse(each); err != nil {
			return fmt.Sprintf("rotation.windows[%d] cannot be used: %v; correct it", i, err)
		}
	}
	s := in.schedule()
	if len(windows) == 0 || !s.earliest.Before(s.latest) || !s.inWindow(in.AccessKey, s.earliest).IsZero() {
		return ""
	}
	return fmt.Sprintf("no window of rotation.windows opens from %s to %s, so the pair will be rotated outside of them, at %s; add a window, or increase renewBefore, "+
		"of which the first half is the time in which a window can be used", rfc3339(s.earliest), rfc3339(s.latest), rfc3339(s.latest))
}

func windowsOf(spec *v1alpha1.AccessKeySpec) []v1alpha1.RotationWindow {
	if spec.Rotation == nil {
		return nil
	}
	return spec.Rotation.Windows
}

func parse(w v1alpha1.RotationWindow) (window.Window, error) {
	var length time.Duration
	if w.Duration != nil {
		length = w.Duration.Duration
	}
	return window.Parse(w.Cron, length, w.Timezone)
}
