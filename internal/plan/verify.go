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
	// verificationTimeout is verification.timeout without one.
	verificationTimeout = 2 * time.Minute
	// firstProbe is the first pause between two probes of a pair. A pause is half as long as the pair has been waiting, at most lastProbe.
	firstProbe, lastProbe = 2 * time.Second, 15 * time.Minute
	// adoptionProbe is the pause between two probes of a pair that may be adopted.
	adoptionProbe = 5 * time.Minute
)

// Probe is what the data plane said when it was asked about a pair; zero if it was not asked.
type Probe struct {
	AccessKeyID string
	At          time.Time
	Result      v1alpha1.VerificationResult
	// Message says why the pair was not accepted.
	Message string
}

// Note returns what is known about the pair after the probe. A rejection stays known if the data plane gives no answer later.
func (p Probe) Note(known *v1alpha1.VerificationStatus) *v1alpha1.VerificationStatus {
	noted := &v1alpha1.VerificationStatus{Result: p.Result, Since: metav1.NewTime(p.At.Truncate(time.Second))}
	if known == nil {
		return noted
	}
	noted.Since = known.Since
	if p.Result == v1alpha1.VerificationUnknown {
		noted.Result = known.Result
	}
	return noted
}

// MayWait reports whether a new pair waits until the data plane accepts it. The first pair does, and one that replaces a published
// pair that works. Otherwise consumers have nothing to lose, and the pair is published at once, as is one that replaces a compromised pair.
func (in Input) MayWait(intent *v1alpha1.Intent) bool {
	status := &in.AccessKey.Status
	if in.Service.DataPlane == "" || in.endsCurrent(intent) || in.compromised(status.KeyID) {
		return false
	}
	return status.Revision == 0 || !in.Replaces() && in.publishedWorks(in.Secret.Record.KeyID)
}

// KeepsBack reports whether a pair that may wait is not published yet.
func (in Input) KeepsBack(known *v1alpha1.VerificationStatus) bool {
	return !accepted(known) && (in.Now.Before(in.verificationEnds(known)) || in.holds(known))
}

// NextProbe returns when to ask the data plane again; zero if there is nothing to ask.
func (in Input) NextProbe() time.Time {
	status := &in.AccessKey.Status
	switch {
	case in.Service.DataPlane == "":
		return time.Time{}
	case status.Intent.Waits():
		return in.nextProbe(in.Probe.AccessKeyID, status.Intent.Verification)
	case status.KeyID != "" && !accepted(status.Verification):
		return in.nextProbe(status.AccessKeyID, status.Verification)
	default:
		return time.Time{}
	}
}

// nextProbe returns when to ask the data plane again about a pair; zero if this process has not asked yet, or if the KeyService has
// changed since.
func (in Input) nextProbe(accessKeyID string, known *v1alpha1.VerificationStatus) time.Time {
	last := in.probedAt(accessKeyID)
	if known == nil || last.IsZero() {
		return time.Time{}
	}
	next := last.Add(min(max(last.Sub(known.Since.Time)/2, firstProbe), lastProbe))
	if end := in.verificationEnds(known); last.Before(end) {
		next = earliest(next, end)
	}
	return next
}

// probedAt returns when the data plane was last asked about a pair; zero if this process has not asked, or if the KeyService has changed
// since.
func (in Input) probedAt(accessKeyID string) time.Time {
	if in.Probe.AccessKeyID != accessKeyID || in.Service.ReadySince.After(in.Probe.At) {
		return time.Time{}
	}
	return in.Probe.At
}

// verificationEnds returns when a pair has waited for verification.timeout.
func (in Input) verificationEnds(known *v1alpha1.VerificationStatus) time.Time {
	timeout := verificationTimeout
	if spec := in.AccessKey.Spec.Verification; spec != nil && spec.Timeout != nil {
		timeout = spec.Timeout.Duration
	}
	return known.Since.Add(timeout)
}

// holds reports whether a pair is kept back after verification.timeout. An outage of the data plane is no evidence against a pair.
func (in Input) holds(known *v1alpha1.VerificationStatus) bool {
	on := v1alpha1.OnTimeout("")
	if spec := in.AccessKey.Spec.Verification; spec != nil {
		on = spec.OnTimeout
	}
	olderWorks := in.AccessKey.Status.Revision > 0 // otherwise the pair would not wait
	return known.Result == v1alpha1.VerificationRejected && (on == v1alpha1.OnTimeoutHold || on == "" && olderWorks)
}

func accepted(known *v1alpha1.VerificationStatus) bool {
	return known != nil && known.Result == v1alpha1.VerificationAccepted
}

// rejected reports whether the data plane rejects the published pair. Then the previous keys may be the only ones that work, so they
// are not revoked.
func (in Input) rejected() bool {
	known := in.AccessKey.Status.Verification
	return in.Service.DataPlane != "" && known != nil && known.Result == v1alpha1.VerificationRejected
}

// settleUnverified settles an operation whose pair waits until the data plane accepts it. It leaves the answer to its caller once the
// pair is to be published.
func settleUnverified(in Input, intent *v1alpha1.Intent) (Action, bool) {
	pair, known := in.Next.Record, intent.Verification
	next := in.nextProbe(pair.AccessKeyID, known)
	switch {
	case !in.MayWait(intent), accepted(known):
		return none()
	case !in.Now.Before(next):
		return Action{Verb: Verify, Reason: v1alpha1.ReasonSettling, KeyID: pair.KeyID}, true
	case !in.KeepsBack(known):
		return none()
	}
	if action, ok := meanwhile(in); ok {
		return action, true
	}
	action := Action{Verb: Wait, Reason: v1alpha1.ReasonWaiting, Until: earliest(next, in.untilMeanwhile())}
	if end := in.verificationEnds(known); in.Now.Before(end) {
		action.Detail = fmt.Sprintf("for the data plane %s to accept access key %s, until %s at the latest: %s",
			in.Service.DataPlane, ShortID(pair.AccessKeyID), rfc3339(end), in.Probe.Message)
		return action, true
	}
	action.Verb, action.Reason, action.Detail = Stall, v1alpha1.ReasonVerificationFailed, in.heldPair()
	return action, true
}

// heldPair says which pair is held, and what to do.
func (in Input) heldPair() string {
	kept := "no pair is published"
	if id := in.AccessKey.Status.AccessKeyID; id != "" {
		kept = fmt.Sprintf("Secret %s keeps access key %s, which still works", in.AccessKey.SecretName(), ShortID(id))
	}
	return fmt.Sprintf("the data plane %s rejects the new access key %s, which waits in Secret %s; %s; check that s3 of the KeyService is the data plane of user %q, "+
		"or set verification.onTimeout to Publish to publish the pair nevertheless: %s",
		in.Service.DataPlane, ShortID(in.Next.Record.AccessKeyID), NextSecretName(in.AccessKey), kept, in.AccessKey.Spec.User, in.Probe.Message)
}

// verifyPublished asks the data plane about a published pair until it accepts it.
func verifyPublished(in Input) (Action, bool) {
	status := &in.AccessKey.Status
	if in.Service.DataPlane == "" || accepted(status.Verification) || !in.published(status.KeyID) || in.Now.Before(in.nextProbe(status.AccessKeyID, status.Verification)) {
		return none()
	}
	return Action{Verb: Verify, KeyID: status.KeyID}, true
}

// reportRejected reports a published pair that the data plane still rejects after verification.timeout.
func reportRejected(in Input) (Action, bool) {
	status := &in.AccessKey.Status
	if !in.rejected() || in.Now.Before(in.verificationEnds(status.Verification)) {
		return none()
	}
	next, _ := wait(in)
	detail := fmt.Sprintf("the data plane %s rejects access key %s, which Secret %s holds; check that s3 of the KeyService is the data plane of user %q",
		in.Service.DataPlane, ShortID(status.AccessKeyID), status.SecretName, in.AccessKey.Spec.User)
	if kept := in.keptAccessKeyIDs(); len(kept) > 0 {
		detail += fmt.Sprintf("; the previous access keys (%s) are not revoked until it accepts the new one", list(kept))
	}
	return Action{Verb: Stall, Reason: v1alpha1.ReasonVerificationFailed, Detail: sentence(detail, in.Probe.Message), Until: next.Until}, true
}

// Verified is the condition Verified. present is false if there is nothing to report. With an empty Status, the condition stays as it is.
func Verified(in Input) (verified Readiness, present bool) {
	status := &in.AccessKey.Status
	id, known := status.AccessKeyID, status.Verification
	if status.KeyID == "" && status.Intent.Waits() {
		id, known = in.Probe.AccessKeyID, status.Intent.Verification
	}
	switch plane := in.Service.DataPlane; {
	case plane == "":
		return in.withoutDataPlane()
	case status.KeyID == "" && known == nil:
		return Readiness{}, false
	case known == nil:
		return Readiness{metav1.ConditionUnknown, v1alpha1.ReasonNotVerified, fmt.Sprintf("The data plane %s was not asked about access key %s yet", plane, ShortID(id))}, true
	case accepted(known):
		return Readiness{metav1.ConditionTrue, v1alpha1.ReasonAccepted, fmt.Sprintf("The data plane %s accepted access key %s", plane, ShortID(id))}, true
	case in.Probe.AccessKeyID != id || in.Probe.Result != known.Result: // there are no new words
		return Readiness{}, true
	case known.Result == v1alpha1.VerificationRejected:
		return no(v1alpha1.ReasonRejected, "The data plane %s rejects access key %s: %s", plane, ShortID(id), in.Probe.Message), true
	default:
		return Readiness{metav1.ConditionUnknown, v1alpha1.ReasonDataPlaneUnavailable, fmt.Sprintf(
			"The data plane %s could not be asked about access key %s: %s", plane, ShortID(id), in.Probe.Message)}, true
	}
}

// withoutDataPlane says that there is nothing that could verify a pair, if the spec asks for it.
func (in Input) withoutDataPlane() (verified Readiness, present bool) {
	if in.AccessKey.Spec.Verification == nil {
		return Readiness{}, false
	}
	ref := in.AccessKey.Spec.ServiceRef
	return Readiness{metav1.ConditionUnknown, v1alpha1.ReasonNoDataPlane, fmt.Sprintf("%s %s has no s3, so pairs are not verified; set it, or remove spec.verification", ref.Kind, ref.Name)}, true
}
