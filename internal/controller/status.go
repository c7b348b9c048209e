// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// setReady: the Secret holds a pair that the service lists as valid. Only facts about the two count, so an outage of the
// service changes nothing.
func setReady(p *pass, err error, action plan.Action) {
	status := &p.ak.Status
	secret := p.ak.SecretName()
	switch {
	case status.KeyID == "" && !p.ak.DeletionTimestamp.IsZero():
		set(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDeleting, "The key is revoked")
	case status.KeyID == "":
		set(p, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonPending, pending(err, action))
	case p.in.Secret.State == plan.SecretForeign:
		set(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretConflict, fmt.Sprintf("Secret %s is not controlled by this AccessKey", secret))
	case p.in.Secret.State == plan.SecretAbsent:
		set(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing, fmt.Sprintf("Secret %s is missing; a new pair is on its way", secret))
	case p.in.Secret.State == plan.SecretEdited || p.in.Secret.Record.KeyID != status.KeyID:
		set(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretEdited, fmt.Sprintf("Secret %s does not hold what was published; a new pair is on its way", secret))
	case !p.in.CurrentWorks():
		set(p, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonKeyMissing, fmt.Sprintf("Access key %s is gone from the service, or no longer works there; a new pair is on its way", status.AccessKeyID))
	default:
		set(p, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonIssued, fmt.Sprintf("Secret %s holds access key %s%s%s", secret, status.AccessKeyID, until(p.ak), inPlace(p)))
	}
}

func until(ak *v1alpha1.AccessKey) string {
	if ak.Status.ExpiresAt.IsZero() {
		return ""
	}
	return ", valid until " + stamp(ak.Status.ExpiresAt.Time)
}

// inPlace warns of a rotation in which the old pair stops working at once.
func inPlace(p *pass) string {
	if p.in.Service.KeysPerUser == 0 || !p.in.Replaces() {
		return ""
	}
	return "; its rotation replaces it in place, with no overlap"
}

// pending says why there is no key yet.
func pending(err error, action plan.Action) string {
	switch {
	case err != nil:
		return "No key has been issued yet: " + err.Error()
	case action.Verb == plan.Block:
		return "No key has been issued yet: " + action.Detail
	case action.Verb == plan.Wait && action.Detail != "":
		return "No key has been issued yet: waiting " + action.Detail
	default:
		return "No key has been issued yet"
	}
}

// setSynced: the last contact with the service worked. A pass without contact changes nothing.
func setSynced(p *pass, err error) {
	before := meta.FindStatusCondition(p.base.Status.Conditions, v1alpha1.ConditionSynced)
	if err == nil {
		err = p.syncErr
	}
	switch {
	case err != nil && judge(err).synced != "":
		set(p, v1alpha1.ConditionSynced, metav1.ConditionFalse, judge(err).synced, err.Error())
		p.warn(v1alpha1.ConditionSynced, "Sync", before)
	case p.contacted:
		set(p, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonServiceReachable, "The service answered")
	case p.ak.Suspended() && p.ak.DeletionTimestamp.IsZero():
		set(p, v1alpha1.ConditionSynced, metav1.ConditionUnknown, v1alpha1.ReasonSuspended, "spec.suspend is set, so the service is not asked")
	}
}

// setProgress sets Reconciling and Stalled, of which at most one is there, and only while true.
func setProgress(p *pass, action plan.Action, err error) {
	switch {
	case err != nil && judge(err).stalled != "":
		stalled(p, judge(err).stalled, err.Error())
	case err != nil:
		reconciling(p, v1alpha1.ReasonRetrying, err.Error())
	case action.Verb == plan.Block:
		stalled(p, action.Reason, action.Detail)
	case action.Verb == plan.MarkAmbiguous: // the next pass says what a person is to do
		reconciling(p, v1alpha1.ReasonSettling, "Finding out what became of a key whose answer was lost")
	case action.Verb == plan.Wait:
		waiting(p, action)
	case !p.ak.DeletionTimestamp.IsZero():
		reconciling(p, v1alpha1.ReasonRevoking, "The keys are being revoked")
	case p.ak.Status.KeyID == "":
		reconciling(p, v1alpha1.ReasonIssuing, "A key is being made")
	default:
		settled(p)
	}
}

func waiting(p *pass, action plan.Action) {
	switch action.Reason {
	case "", v1alpha1.ReasonSuspended:
		settled(p)
	case v1alpha1.ReasonSettling:
		reconciling(p, action.Reason, "Finding out what became of a key whose answer was lost")
	default:
		reconciling(p, action.Reason, "Waiting "+action.Detail)
	}
}

func stalled(p *pass, reason, message string) {
	before := meta.FindStatusCondition(p.base.Status.Conditions, v1alpha1.ConditionStalled)
	remove(p, v1alpha1.ConditionReconciling)
	set(p, v1alpha1.ConditionStalled, metav1.ConditionTrue, reason, message)
	synced := meta.FindStatusCondition(p.ak.Status.Conditions, v1alpha1.ConditionSynced)
	if synced != nil && synced.Status == metav1.ConditionFalse && synced.Reason == reason {
		return // Synced has told of it
	}
	p.warn(v1alpha1.ConditionStalled, "Reconcile", before)
}

func reconciling(p *pass, reason, message string) {
	remove(p, v1alpha1.ConditionStalled)
	set(p, v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason, message)
}

func settled(p *pass) {
	remove(p, v1alpha1.ConditionReconciling)
	remove(p, v1alpha1.ConditionStalled)
}
