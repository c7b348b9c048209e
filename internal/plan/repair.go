// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

const (
	// repairRow is how close two repairs of a Secret follow each other that are in a row.
	repairRow = time.Hour
	// maxRepairs in a row are made while somebody keeps changing the Secret. A repair in place ends a pair that consumers may
	// still use, so there is only one.
	maxRepairs, maxRepairsInPlace = 3, 1
	// firstRepairDelay is before the second repair in a row, and doubles. lastRepairDelay follows on maxRepairs.
	firstRepairDelay, lastRepairDelay = 5 * time.Second, 5 * time.Minute
)

// lostPair reports whether somebody deleted the published Secret or changed the pair in it.
func (in Input) lostPair() bool {
	status := &in.AccessKey.Status
	return status.KeyID != "" && status.SecretName == in.AccessKey.SecretName() && !in.published(status.KeyID)
}

// Repairs reports whether an action repairs what somebody did to the published Secret.
func (in Input) Repairs(action Action) bool {
	switch action.Verb {
	case UpdateSecret:
		return in.Secret.Rendered
	case Create, Regenerate:
		return action.Reason == v1alpha1.ReasonRestoring && in.lostPair()
	case Revoke:
		return action.Reason == v1alpha1.ReasonRestoring && in.lostPair() && action.KeyID == in.AccessKey.Status.KeyID
	default:
		return false
	}
}

// NextRepair counts a repair that is made now.
func NextRepair(last *v1alpha1.Failures, now time.Time) *v1alpha1.Failures {
	next := &v1alpha1.Failures{Count: 1, LastTime: seconds(now)}
	if last != nil && now.Before(last.LastTime.Add(repairRow)) {
		next.Count = min(last.Count, 1<<20) + 1
	}
	delay := lastRepairDelay
	if next.Count < maxRepairs {
		delay = firstRepairDelay << (next.Count - 1)
	}
	next.NextAttempt = metav1.NewTime(next.LastTime.Add(delay))
	return next
}

// RepairsEnd is when the repairs of the Secret are no longer in a row; zero if there were none.
func RepairsEnd(status *v1alpha1.AccessKeyStatus) time.Time {
	if status.Repairs == nil {
		return time.Time{}
	}
	return status.Repairs.LastTime.Add(repairRow)
}

// heldBack decides whether a repair of the Secret has to wait, or to be left to a person, because somebody keeps changing the
// Secret. A rotation that is due or requested is not held back.
func heldBack(in Input) (Action, bool) {
	repairs := in.AccessKey.Status.Repairs
	if in.rotationDue() || in.renewalRequested() {
		return none()
	}
	if in.contested() && (in.Secret.Writer.Manager != "" || in.Now.Before(repairs.NextAttempt.Time)) {
		return Action{Verb: Stall, Reason: v1alpha1.ReasonSecretContested, Detail: in.contest(), Until: in.contestUntil()}, true
	}
	if repairs == nil || !in.Now.Before(repairs.NextAttempt.Time) {
		return none()
	}
	return Action{
		Verb: Wait, Reason: v1alpha1.ReasonRestoring, Until: earliest(repairs.NextAttempt.Time, in.nextRevocation()),
		Detail: fmt.Sprintf("until %s to repair Secret %s once more, because %s changed it again", rfc3339(repairs.NextAttempt.Time), in.AccessKey.SecretName(), in.Secret.Writer),
	}, true
}

// contested reports whether another repair would be in vain, or would end a pair in vain.
func (in Input) contested() bool {
	count, most := int32(0), int32(maxRepairs)
	over := !in.lostPair() && !in.Now.Before(RepairsEnd(&in.AccessKey.Status)) // another try costs no key
	if repairs := in.AccessKey.Status.Repairs; repairs != nil && !over {
		count = repairs.Count
	}
	if in.repairsInPlace() && in.Secret.Writer.Manager != "" {
		if in.Secret.Writer.Applies {
			return true
		}
		most = maxRepairsInPlace
	}
	return count >= most
}

// repairsInPlace reports whether a repair of the Secret would end the published pair.
func (in Input) repairsInPlace() bool { return in.lostPair() && in.Replaces() && in.currentWorks() }

// contest says in words who changes the Secret, and what to do.
func (in Input) contest() string {
	name, writer, advice := in.AccessKey.SecretName(), in.Secret.Writer, "then delete the Secret, or set the annotation "+v1alpha1.RenewAnnotation+", to get a new pair"
	switch {
	case writer.Manager == "":
		return fmt.Sprintf("Secret %s is deleted or changed again and again, and nothing tells by whom; stop that (the API server's audit log knows); the next repair is at %s",
			name, rfc3339(in.AccessKey.Status.Repairs.NextAttempt.Time))
	case !in.lostPair():
		return fmt.Sprintf("Secret %s still holds the published pair, but %s keeps changing what is around it, so the operator leaves that as it is until %s; "+
			"stop the other writer, or take what it writes out of secretTemplate", name, writer, rfc3339(RepairsEnd(&in.AccessKey.Status)))
	case in.repairsInPlace():
		return fmt.Sprintf("%s wrote another pair into Secret %s; access key %s still works, and a new pair would end it, so the operator makes none; stop the other writer, %s",
			writer, name, ShortID(in.AccessKey.Status.AccessKeyID), advice)
	default:
		return fmt.Sprintf("%s keeps writing another pair into Secret %s, so the operator makes no more keys for it; access key %s still works; stop the other writer, %s",
			writer, name, ShortID(in.AccessKey.Status.AccessKeyID), advice)
	}
}

// contestUntil is when to decide again. No pair is issued by itself while the other writer is known.
func (in Input) contestUntil() time.Time {
	next := earliest(in.nextRevocation(), in.renewal())
	if in.Secret.Writer.Manager == "" {
		next = earliest(next, in.AccessKey.Status.Repairs.NextAttempt.Time)
	}
	if !in.lostPair() {
		next = earliest(next, RepairsEnd(&in.AccessKey.Status))
	}
	return next
}

// String names a writer in a message.
func (w Writer) String() string {
	if w.Manager == "" {
		return "somebody"
	}
	return fmt.Sprintf("the field manager %q", w.Manager)
}

// mayMakeRoom reports whether a key of this AccessKey that works may be revoked to make room for a new one. A Secret that
// another writer changed is no reason for that: consumers may use the key.
func (in Input) mayMakeRoom() bool {
	firstOfRow := in.Secret.State == SecretAbsent && in.AccessKey.Status.Repairs == nil
	return !in.lostPair() || firstOfRow || in.renewalRequested() || in.rotationDue() || in.compromised(in.AccessKey.Status.KeyID)
}
