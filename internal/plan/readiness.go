// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// Readiness is the condition Ready. Without a Status, nothing is known to have changed, and the condition stays as it is.
type Readiness struct {
	Status          metav1.ConditionStatus
	Reason, Message string
}

// Ready decides whether the Secret holds a pair that the service lists as valid, from the same input as Next. Only facts about
// the two count, so an outage of the service changes nothing. why says why there is no pair yet; it may be empty.
func Ready(in Input, why string) Readiness {
	status, secret := &in.AccessKey.Status, in.AccessKey.SecretName()
	switch {
	case status.KeyID == "" && in.deleting():
		return no(v1alpha1.ReasonDeleting, "The keys are revoked")
	case status.KeyID == "" && status.Revision == 0:
		return Readiness{metav1.ConditionUnknown, v1alpha1.ReasonPending, sentence("No pair has been issued yet", why)}
	case in.ended():
		return no(v1alpha1.ReasonExpired, "The service ended access key %s at %s; %s", status.AccessKeyID, rfc3339(in.endOf(status.KeyID)), in.replacement())
	case in.regenerating():
		return Readiness{metav1.ConditionUnknown, v1alpha1.ReasonReplacing, fmt.Sprintf(
			"It is not known whether access key %s still works, because the response to its regeneration was lost", ShortID(status.AccessKeyID))}
	case status.KeyID == "":
		return no(v1alpha1.ReasonReplacing, "%s", sentence("The former pair no longer works, and the new pair is not published yet", why))
	case in.Secret.State == SecretUnverified:
		return Readiness{}
	}
	if problem, ok := in.secretProblem(); ok {
		return problem
	}
	if !in.currentWorks() {
		return no(v1alpha1.ReasonKeyMissing, "%s", sentence(fmt.Sprintf(
			"The service no longer lists access key %s as valid; %s", ShortID(status.AccessKeyID), in.replacement()), in.message(status.KeyID)))
	}
	if in.UserGone {
		return Readiness{metav1.ConditionUnknown, v1alpha1.ReasonUserNotFound, fmt.Sprintf(
			"It is not known whether access key %s still works, because the service no longer knows user %q", ShortID(status.AccessKeyID), in.AccessKey.Spec.User)}
	}
	return Readiness{metav1.ConditionTrue, v1alpha1.ReasonIssued, fmt.Sprintf("Secret %s holds access key %s%s%s", secret, ShortID(status.AccessKeyID), in.validUntil(), in.inPlaceHint()+in.quarantineHint()+in.lastUseHint())}
}

// secretProblem reports a Secret that does not hold the published pair.
func (in Input) secretProblem() (problem Readiness, ok bool) {
	name, id := in.AccessKey.SecretName(), in.AccessKey.Status.KeyID
	switch {
	case in.secretIsForeign(in.Secret):
		return no(v1alpha1.ReasonSecretConflict, "Secret %s is not controlled by this AccessKey", name), true
	case in.Secret.State == SecretAbsent:
		return no(v1alpha1.ReasonSecretMissing, "Secret %s is missing; %s", name, in.replacement()), true
	case in.Secret.State == SecretEdited:
		return no(v1alpha1.ReasonSecretEdited, "Secret %s does not hold the published pair", name), true
	case in.Secret.State == SecretIntact && !in.published(id):
		return no(v1alpha1.ReasonSecretEdited, "Secret %s holds access key %s, which is not the pair that was published last", name, ShortID(in.Secret.Record.AccessKeyID)), true
	}
	return Readiness{}, false
}

func no(reason, format string, args ...any) Readiness {
	return Readiness{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...)}
}

// regenerating reports whether the current key is being regenerated in place by an operation whose outcome is unknown.
func (in Input) regenerating() bool {
	intent := in.AccessKey.Status.Intent
	return in.endsCurrent(intent) && !in.holdsPairOf(in.Secret, intent)
}

// validUntil says when the pair expires. Where the service does not end it, it still works after that if nothing could rotate it.
func (in Input) validUntil() string {
	expires := in.expires()
	switch at := rfc3339(expires); {
	case expires.IsZero():
		return ""
	case in.Now.Before(expires):
		return ", valid until " + at
	default:
		return ", which still works although it should have been rotated before " + at
	}
}

// ended reports whether the service has ended the current pair by itself. No response of the service is needed to know that.
func (in Input) ended() bool {
	end := in.endOf(in.AccessKey.Status.KeyID)
	return in.listsRecorded(in.AccessKey.Status.KeyID) && !end.IsZero() && !in.Now.Before(end)
}

// replacement says whether a pair that is lost is replaced.
func (in Input) replacement() string {
	switch {
	case in.deleting():
		return "the AccessKey is being deleted, so no new pair is issued"
	case in.suspended():
		return "spec.suspend is set, so no new pair is issued"
	default:
		return "a new pair will be issued"
	}
}

// inPlaceHint says before the first rotation that the old pair will stop working at once.
func (in Input) inPlaceHint() string {
	if in.Service.KeysPerUser == 0 || !in.Replaces() {
		return ""
	}
	return "; rotations replace it in place, without overlap"
}

// quarantineHint says that the spec asks in vain for a quarantine.
func (in Input) quarantineHint() string {
	if !wantsQuarantine(in.AccessKey) || in.Service.KeysPerUser == 0 || in.Service.Quarantines {
		return ""
	}
	return "; " + QuarantineUnsupported
}

// lastUseHint says that the spec asks in vain to revoke idle keys early.
func (in Input) lastUseHint() string {
	if !revokesIdle(in.AccessKey) || in.Service.KeysPerUser == 0 || in.Service.TellsLastUse {
		return ""
	}
	return "; " + LastUseUnsupported
}

func sentence(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}
