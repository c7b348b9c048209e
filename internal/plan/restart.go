// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// shortestOverlap is how long the old pair must work after a rotation so that workloads can be restarted meanwhile.
const shortestOverlap = 2 * time.Minute

// RequestRestart requests the restart of the consumers in the status that records a rotated pair. They have no former pair before the
// first rotation. now is a moment after the pair was published.
func RequestRestart(ak *v1alpha1.AccessKey, now time.Time) {
	ak.Status.Restart = nil
	if len(ak.Spec.RolloutRestartTargets) > 0 && ak.Status.Revision > 1 {
		ak.Status.Restart = &v1alpha1.Restart{Revision: ak.Status.Revision, RequestedAt: metav1.NewTime(now.Truncate(time.Second))}
	}
}

// RestartDue reports whether workloads remain to be restarted. The previous keys of a suspended AccessKey are revoked, so its
// consumers need the restart, too.
func RestartDue(ak *v1alpha1.AccessKey) bool {
	restart := ak.Status.Restart
	return restart != nil && restart.CompletedAt.IsZero() && ak.DeletionTimestamp.IsZero()
}

func reportRestart(in Input) (Action, bool) {
	if !RestartDue(in.AccessKey) || in.AccessKey.Status.Restart.Message == "" {
		return none()
	}
	next, _ := wait(in)
	return Action{Verb: Stall, Reason: v1alpha1.ReasonRestartFailed, Detail: in.AccessKey.Status.Restart.Message, Until: next.Until}, true
}

// reportOverlap does not keep the pair from being rotated, because it would expire then.
func reportOverlap(in Input) (Action, bool) {
	overlap := in.overlap()
	if len(in.AccessKey.Spec.RolloutRestartTargets) == 0 || in.Replaces() || overlap >= shortestOverlap {
		return none()
	}
	next, _ := wait(in)
	return Action{
		Verb:   Stall,
		Reason: v1alpha1.ReasonOverlapTooShort,
		Detail: fmt.Sprintf("rolloutRestartTargets is set, but the old pair works for only %s after a rotation, which is too short to restart workloads: "+
			"set renewBefore to at least %s, and ttl to more than that", overlap, shortestOverlap),
		Until: next.Until,
	}, true
}

// overlap is how long the old pair works after a scheduled rotation, without the jitter.
func (in Input) overlap() time.Duration {
	overlap := Overlap(&in.AccessKey.Spec)
	if expires, renewal := in.Schedule(); !expires.IsZero() {
		overlap = min(overlap, expires.Sub(renewal))
	}
	return overlap
}
