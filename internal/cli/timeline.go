// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/duration"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// step is something that the operator does with an AccessKey, or that happens to it, and when.
type step struct {
	at time.Time
	// what is one word for the table, and detail a sentence without its subject.
	what, detail string
	// held reports whether the step is due and waits until a person has acted.
	held bool
}

// timeline returns what comes next for an AccessKey, the soonest first, from what its spec and status say. limits are those of its
// service; nil if they are unknown.
func timeline(ak *v1alpha1.AccessKey, limits *v1alpha1.ServiceLimits, now time.Time) []step {
	if !ak.DeletionTimestamp.IsZero() {
		return hold(ak, []step{deletion(ak, now)}, now)
	}
	o := outlook{ak: ak, now: now, in: plan.Input{AccessKey: ak, Now: now, Service: plan.Service{Overlap: true}}}
	if limits != nil {
		o.in.Service.Overlap = limits.Overlap == nil || *limits.Overlap
		o.disables = limits.Disable != nil && *limits.Disable
	}
	o.atOnce()
	o.rotation()
	o.previousKeys()
	o.restarts()
	o.retry()
	slices.SortStableFunc(o.steps, func(a, b step) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.what, b.what))
	})
	return hold(ak, o.steps, now)
}

// hold marks what a stalled AccessKey would have done already.
func hold(ak *v1alpha1.AccessKey, steps []step, now time.Time) []step {
	stalled := meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionStalled) && ak.Status.Intent == nil
	for i := range steps {
		steps[i].held = stalled && !steps[i].at.After(now)
	}
	return steps
}

func deletion(ak *v1alpha1.AccessKey, now time.Time) step {
	if ak.Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain {
		return step{at: now, what: "retain", detail: "leave the keys at the service and the Secret in the namespace, because the AccessKey is being deleted"}
	}
	return step{at: now, what: "revoke", detail: "revoke all keys, because the AccessKey is being deleted"}
}

// outlook collects the steps of one AccessKey.
type outlook struct {
	ak  *v1alpha1.AccessKey
	now time.Time
	in  plan.Input
	// disables reports whether the service can disable a key.
	disables bool
	steps    []step
}

func (o *outlook) add(at time.Time, what, format string, args ...any) {
	o.steps = append(o.steps, step{at: at, what: what, detail: fmt.Sprintf(format, args...)})
}

// atOnce adds what the operator is at now.
func (o *outlook) atOnce() {
	status := &o.ak.Status
	switch {
	case status.Intent != nil:
		o.add(o.now, "finish", "finish the operation %s, which was started at %s", status.Intent.Operation, stamp(status.Intent.StartedAt.Time))
	case o.ak.Suspended():
	case status.KeyID == "":
		o.add(o.now, "issue", "issue a pair, and write it to Secret %s", o.ak.SecretName())
	case o.ak.Compromised(status.KeyID, status.AccessKeyID):
		o.add(o.now, "rotate", "rotate, and revoke access key %s as soon as its replacement is published: it is compromised", plan.ShortID(status.AccessKeyID))
	case plan.RenewalRequested(o.ak):
		o.add(o.now, "rotate", "rotate, as requested by the annotation %s", v1alpha1.RenewAnnotation)
	}
}

// rotation adds the scheduled rotation, and the end of the current pair.
func (o *outlook) rotation() {
	status := &o.ak.Status
	id, expires, renewal := plan.ShortID(status.AccessKeyID), status.ExpiresAt.Time, status.RenewalTime.Time
	if status.KeyID == "" || expires.IsZero() {
		return
	}
	if o.ak.Suspended() || renewal.IsZero() {
		o.add(expires, "expire", "access key %s expires and is not rotated before, because spec.suspend is set", id)
		return
	}
	how := "create a new key beside access key " + id
	if o.in.Replaces() {
		how = "replace access key " + id + ", without an overlap"
	}
	o.add(renewal, "rotate", "rotate: %s%s", how, o.inWindow(renewal))
	if !o.in.Replaces() {
		o.end(expires, id, "which has been replaced by then")
	}
}

// inWindow says whether a rotation is in one of rotation.windows.
func (o *outlook) inWindow(at time.Time) string {
	if o.ak.Spec.Rotation == nil || len(o.ak.Spec.Rotation.Windows) == 0 {
		return ""
	}
	if span, ok := plan.WindowAt(o.ak, at); ok {
		return fmt.Sprintf(", in the window that opens at %s and closes at %s", stamp(span.Opens), stamp(span.Closes))
	}
	return ", outside of rotation.windows, because none opens in time"
}

// end adds the end of a key that works until then.
func (o *outlook) end(at time.Time, id, which string) {
	early := ""
	rotation := o.ak.Spec.Rotation
	if rotation != nil && rotation.RevokePrevious == v1alpha1.RevokeWhenIdle {
		early = ", or earlier once it is idle, if the service tells the last use"
	}
	if rotation == nil || rotation.Quarantine == nil || !o.disables {
		o.add(at, "revoke", "revoke access key %s, %s%s", id, which, early)
		return
	}
	o.add(at, "disable", "disable access key %s, %s%s", id, which, early)
	o.add(at.Add(rotation.Quarantine.Duration), "delete", "delete access key %s at the end of its quarantine", id)
}

// previousKeys adds the ends of the previous keys.
func (o *outlook) previousKeys() {
	for i := range o.ak.Status.PreviousKeys {
		previous := &o.ak.Status.PreviousKeys[i]
		id, at := plan.ShortID(previous.AccessKeyID), plan.EndOfPrevious(o.ak, previous)
		switch {
		case o.ak.Compromised(previous.KeyID, previous.AccessKeyID):
			o.add(o.now, "revoke", "revoke access key %s, which is compromised", id)
		case !previous.DeleteAt.IsZero():
			o.add(at, "delete", "delete access key %s, which is disabled", id)
		default:
			o.end(at, id, "which works until then")
		}
	}
}

// restarts adds the workloads that remain to be restarted.
func (o *outlook) restarts() {
	if plan.RestartDue(o.ak) {
		o.add(o.now, "restart", "restart the workloads in spec.rolloutRestartTargets, so that they use the pair of revision %d", o.ak.Status.Restart.Revision)
	}
}

// retry adds the next attempt after failures. A step that is due waits for it.
func (o *outlook) retry() {
	failures := o.ak.Status.Failures
	if failures == nil {
		return
	}
	o.steps = slices.DeleteFunc(o.steps, func(s step) bool { return !s.at.After(o.now) && s.what != "restart" })
	o.add(failures.NextAttempt.Time, "retry", "try again after %s", count(int(failures.Count), "failed attempt", "failed attempts in a row"))
}

// when says when a step happens, as kubectl tells an age.
func (s step) when(now time.Time) string {
	switch d := s.at.Sub(now); {
	case s.held:
		return "once fixed"
	case d > time.Hour: // so that ten days are not nine a second later
		return "in " + duration.HumanDuration(d.Round(time.Minute))
	case d > 0:
		return "in " + duration.HumanDuration(d)
	case d > -time.Minute:
		return "now"
	default:
		return "overdue " + duration.HumanDuration(-d)
	}
}

// stamp formats a time as the API does.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ago says how long ago something was; a dash if it was not.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return duration.HumanDuration(max(now.Sub(t), 0)) + " ago"
}
