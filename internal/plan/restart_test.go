// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// restarting adds a restart target.
func restarting(in *Input) {
	in.AccessKey.Spec.RolloutRestartTargets = []v1alpha1.RolloutRestartTarget{{Kind: v1alpha1.WorkloadDeployment, Name: "web"}}
}

// restartFails says that the target could not be restarted yet, and why; empty if that need not be reported.
func restartFails(message string) change {
	return func(in *Input) {
		in.AccessKey.Status.Restart = &v1alpha1.Restart{Revision: 1, RequestedAt: metav1.NewTime(noon), Message: message}
	}
}

func restartCompleted(in *Input) { in.AccessKey.Status.Restart.CompletedAt = metav1.NewTime(noon) }

// restartCases are about consumers that are restarted after a rotation.
var restartCases = []decision{
	{"restart targets change nothing about an AccessKey at rest", quiet(restarting, cached), rests(renewal)},
	{"a failed restart is reported", quiet(restarting, restartFails("Deployment web: forbidden"), cached),
		stalled(ruleReportRestart, v1alpha1.ReasonRestartFailed, "Deployment web: forbidden", renewal)},
	{"a restart that is tried again is not reported", quiet(restarting, restartFails(""), cached), rests(renewal)},
	{"a completed restart is not reported", quiet(restarting, restartFails("old"), restartCompleted, cached), rests(renewal)},
	{"a failed restart does not delay a rotation", quiet(restarting, restartFails("forbidden"), at(renewal)), byRotate(Create)},
	{"a failed restart does not keep the old key", quiet(restarting, restartFails("forbidden"), keys("K0", "K1"), previous("K0", noon)), byRevokePrevious(Revoke, "K0")},

	{"an overlap of less than two minutes is reported before the first rotation", quiet(restarting, renewsBefore(119*time.Second), cached, endless),
		stalled(ruleReportOverlap, v1alpha1.ReasonOverlapTooShort, "works for only 1m59s after a rotation")},
	{"an overlap of two minutes is enough", quiet(restarting, renewsBefore(2*time.Minute), cached, endless), rests(time.Time{})},
	{"a third of a ttl of five minutes is too short", quiet(restarting, lives(5*time.Minute), at(issued), cached),
		stalled(ruleReportOverlap, v1alpha1.ReasonOverlapTooShort, "set renewBefore to at least 2m0s", issued.Add(5*time.Minute-100*time.Second-13*time.Second))},
	{"a short overlap is not reported without restart targets", quiet(renewsBefore(time.Second), cached, endless), rests(time.Time{})},
	{"a short overlap is not reported where pairs are replaced in place, without any", quiet(restarting, renewsBefore(time.Second), replaces, cached, endless), rests(time.Time{})},
	{"a short overlap does not delay a rotation", quiet(restarting, renewsBefore(time.Second), at(issued.Add(ttl))), byRotate(Create)},
}

func TestARestartIsRequestedForRotatedPairs(t *testing.T) {
	now := noon.Add(time.Second / 2)
	old := &v1alpha1.Restart{Revision: 1, Message: "of an earlier pair"}
	for _, c := range []struct {
		name string
		in   Input
		want *v1alpha1.Restart
	}{
		{"the first pair restarts nothing", quiet(restarting), nil},
		{"a rotated pair restarts the targets", quiet(restarting, revision(2)), &v1alpha1.Restart{Revision: 2, RequestedAt: metav1.NewTime(noon)}},
		{"without targets there is nothing to restart", quiet(revision(2)), nil},
	} {
		ak := c.in.AccessKey.DeepCopy()
		ak.Status.Restart = old.DeepCopy()
		RequestRestart(ak, now)
		if got := ak.Status.Restart; (got == nil) != (c.want == nil) || got != nil && (got.Revision != c.want.Revision || !got.RequestedAt.Equal(&c.want.RequestedAt) || got.Message != "") {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if got, want := RestartDue(ak), c.want != nil; got != want {
			t.Errorf("%s: due is %t, want %t", c.name, got, want)
		}
	}
}

func TestARestartIsDueUntilItIsCompleted(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want bool
	}{
		{"after a failure", quiet(restarting, restartFails("forbidden")), true},
		{"while the AccessKey is suspended", quiet(restarting, restartFails(""), suspending), true},
		{"not when it is completed", quiet(restarting, restartFails(""), restartCompleted), false},
		{"not while the AccessKey is being deleted", quiet(restarting, restartFails(""), deleting), false},
		{"not before a rotation", quiet(restarting), false},
	} {
		if got := RestartDue(c.in.AccessKey); got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
}
