// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
)

const stamp = "AKIAK2 (revision 2)"

func TestTargetsAreRestartedOnce(t *testing.T) {
	b := newBed(t, deployment("web"), labelled("jobs"), deployment("one"))
	b.deploy("web", "web")
	b.deploy("jobs", "one", "two")
	b.deploy("other", "other")
	calls, err := b.reconcile()
	b.must(err)
	want := map[string]string{"web": stamp, "one": stamp, "two": stamp, "other": ""}
	if got := b.stamps(); !maps.Equal(got, want) {
		t.Errorf("stamps %q", got)
	}
	if len(calls) != 3+3+1 {
		t.Errorf("three reads, three writes and the status, but %q", calls)
	}
	restart := b.accessKey().Status.Restart
	if restart.CompletedAt.IsZero() || restart.Pending != nil || restart.Message != "" {
		t.Errorf("got %+v", restart)
	}
	b.expectEvents("Normal Restarted Restarted Deployment web, Deployment one, Deployment two, so that access key AKIAK2 is used")
	if calls, err := b.reconcile(); err != nil || len(calls) > 0 {
		t.Errorf("after that, %q, %v", calls, err)
	}
}

func TestOnlyWhatFailedIsRestartedAgain(t *testing.T) {
	b := newBed(t, deployment("web"), deployment("db"), deployment("absent"))
	b.deploy("", "web", "db")
	b.fails = refuse("apply Deployment team-a/db", errAway)
	if _, err := b.reconcile(); !errors.Is(err, errAway) {
		t.Errorf("got %v, so the queue does not retry", err)
	}
	restart := b.accessKey().Status.Restart
	if want := []v1alpha1.Workload{{Kind: v1alpha1.WorkloadDeployment, Name: "db"}}; !slices.Equal(restart.Pending, want) || !restart.CompletedAt.IsZero() {
		t.Errorf("got %+v", restart)
	}
	if restart.Message != "" {
		t.Errorf("an error that may go away is reported at once: %s", restart.Message)
	}
	b.expectEvents("Restarted Deployment web,", "Warning RestartTargetNotFound Found no Deployment absent to restart")

	b.clock.Step(reportAfter)
	if _, err := b.reconcile(); err == nil || !strings.Contains(b.accessKey().Status.Restart.Message, "restarting Deployment db: Internal error occurred: the webhook is away") {
		t.Errorf("after a minute: %v, %+v", err, b.accessKey().Status.Restart)
	}
	written := b.accessKey().ResourceVersion
	if _, err := b.reconcile(); err == nil || b.accessKey().ResourceVersion != written {
		t.Error("the same failure is written again")
	}
	b.fails = refuse("apply Deployment team-a/web", errors.New("web is restarted again"))
	_, err := b.reconcile()
	b.must(err)
	if restart := b.accessKey().Status.Restart; restart.CompletedAt.IsZero() || restart.Pending != nil || restart.Message != "" {
		t.Errorf("in the end %+v", restart)
	}
	b.expectEvents("Restarted Deployment db,")
}

func TestAMissingPermissionIsReportedAtOnce(t *testing.T) {
	b := newBed(t, deployment("web"), labelled("jobs"))
	b.deploy("", "web")
	b.fails = refuse("list Deployment", errForbidden)
	if _, err := b.reconcile(); !apierrors.IsForbidden(err) {
		t.Errorf("got %v", err)
	}
	restart := b.accessKey().Status.Restart
	for _, part := range []string{
		"reading Deployment with the labels app=jobs", "the operator may not do that", "bind the ClusterRole accesskey-operator-restarts to its ServiceAccount in namespace team-a",
	} {
		if !strings.Contains(restart.Message, part) {
			t.Errorf("%q does not contain %q", restart.Message, part)
		}
	}
	if restart.Pending != nil || b.stamps()["web"] != "" {
		t.Errorf("some were restarted: %+v, %q", restart, b.stamps())
	}
	b.expectEvents()
}

func TestATargetThatWasRemovedFromTheSpecIsNotTriedAgain(t *testing.T) {
	b := newBed(t, deployment("web"))
	b.deploy("", "web")
	b.fails = refuse("apply", errForbidden)
	if _, err := b.reconcile(); err == nil {
		t.Fatal("no error")
	}
	ak := b.accessKey()
	ak.Spec.RolloutRestartTargets = nil
	b.must(b.kube.Update(ak, false))
	_, err := b.reconcile()
	b.must(err)
	if restart := b.accessKey().Status.Restart; restart.CompletedAt.IsZero() || restart.Message != "" {
		t.Errorf("got %+v", restart)
	}
}

// TestTheRequestOfANewerRotationIsKept: a rotation that is recorded while the workloads are restarted requests another restart.
func TestTheRequestOfANewerRotationIsKept(t *testing.T) {
	b := newBed(t, deployment("web"))
	b.deploy("", "web")
	b.fails = func(call string) error {
		if strings.HasPrefix(call, "apply") && b.accessKey().Status.Revision == 2 {
			ak := b.accessKey()
			ak.Status.Revision, ak.Status.AccessKeyID, ak.Status.Restart = 3, "AKIAK3", &v1alpha1.Restart{Revision: 3, RequestedAt: metav1.NewTime(noon)}
			b.must(b.kube.Update(ak, true))
		}
		return nil
	}
	if _, err := b.reconcile(); !apierrors.IsConflict(err) {
		t.Errorf("got %v", err)
	}
	b.expectEvents()
	if restart := b.accessKey().Status.Restart; restart.Revision != 3 || !restart.CompletedAt.IsZero() {
		t.Errorf("got %+v", restart)
	}
	_, err := b.reconcile()
	b.must(err)
	if got := b.stamps()["web"]; got != "AKIAK3 (revision 3)" {
		t.Errorf("stamped with %q", got)
	}
	b.expectEvents("AKIAK3")
}

// TestAWorkloadThatIsDeletedMeanwhileIsNotCreatedAgain: a server-side apply would create it.
func TestAWorkloadThatIsDeletedMeanwhileIsNotCreatedAgain(t *testing.T) {
	b := newBed(t, deployment("web"))
	b.deploy("", "web")
	b.fails = func(call string) error {
		if strings.HasPrefix(call, "apply") {
			_ = b.kube.Delete(kube.Ref{Kind: kube.Deployment, Namespace: here.Namespace, Name: "web"}, nil) // it may be gone
		}
		return nil
	}
	if _, err := b.reconcile(); err == nil {
		t.Error("no error")
	}
	_, err := b.reconcile()
	b.must(err)
	if left := b.stamps(); len(left) > 0 || b.accessKey().Status.Restart.CompletedAt.IsZero() {
		t.Errorf("left %q, %+v", left, b.accessKey().Status.Restart)
	}
}

func TestSelectorsThatMatchTooManyWorkloadsRestartNone(t *testing.T) {
	b := newBed(t, labelled("jobs"))
	for i := range v1alpha1.MaxRestarts + 1 {
		b.deploy("jobs", fmt.Sprint("job-", i))
	}
	if _, err := b.reconcile(); err == nil {
		t.Error("no error")
	}
	if got := b.accessKey().Status.Restart.Message; !strings.Contains(got, "selects 257 workloads, and at most 256 can be restarted") {
		t.Errorf("got %q", got)
	}
	for name, stamp := range b.stamps() {
		if stamp != "" {
			t.Errorf("%s was restarted", name)
		}
	}
}

func TestAnAccessKeyThatIsGoneOrAtRestNeedsNothing(t *testing.T) {
	b := newBed(t, deployment("web"))
	b.must(b.kube.Delete(kube.Ref{Kind: kube.AccessKey, Namespace: here.Namespace, Name: here.Name}, nil))
	if calls, err := b.reconcile(); err != nil || len(calls) > 0 {
		t.Errorf("got %q, %v", calls, err)
	}
}

func TestWhichChangesOfAnAccessKeyMatter(t *testing.T) {
	due := newAccessKey(deployment("web"))
	with := func(change func(*v1alpha1.AccessKey)) *v1alpha1.AccessKey {
		changed := due.DeepCopy()
		change(changed)
		return changed
	}
	before := with(func(ak *v1alpha1.AccessKey) { ak.Status.Restart = nil })
	done := with(func(ak *v1alpha1.AccessKey) { ak.Status.Restart.CompletedAt = metav1.NewTime(noon) })
	for _, c := range []struct {
		name     string
		old, new *v1alpha1.AccessKey
		want     bool
	}{
		{"a first request", before, due, true},
		{"a request after another", with(func(ak *v1alpha1.AccessKey) { ak.Status.Restart.Revision = 1 }), due, true},
		{"a changed spec", with(func(ak *v1alpha1.AccessKey) { ak.Generation = 7 }), due, true},
		{"a reported failure", due, with(func(ak *v1alpha1.AccessKey) { ak.Status.Restart.Message = "forbidden" }), false},
		{"a completed restart", due, done, false},
		{"a changed spec after a completed restart", with(func(ak *v1alpha1.AccessKey) { ak.Generation = 7 }), done, false},
	} {
		if got := requested.Update(event.UpdateEvent{ObjectOld: c.old, ObjectNew: c.new}); got != c.want {
			t.Errorf("%s: got %t", c.name, got)
		}
	}
	if !requested.Create(event.CreateEvent{Object: due}) || requested.Create(event.CreateEvent{Object: done}) || requested.Delete(event.DeleteEvent{Object: due}) {
		t.Error("after a start of the operator, exactly what is due is to be restarted")
	}
}

func TestErrorsThatMayGoAwayAreReportedAfterAMinute(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		after time.Duration
		want  bool
	}{
		{"forbidden", errForbidden, 0, true},
		{"away", errAway, 59 * time.Second, false},
		{"still away", errAway, time.Minute, true},
		{"too many", &tooManyError{300}, 0, true},
	} {
		got := outcome(newAccessKey(), attempt{unread: c.err}, noon.Add(c.after))
		if (got.Message != "") != c.want || !got.CompletedAt.IsZero() {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
}
