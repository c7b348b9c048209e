// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

func TestReadyTellsWhetherTheSecretHoldsAPairThatWorks(t *testing.T) {
	for name, test := range map[string]struct {
		change []func(*pass)
		action plan.Action
		err    error
		want   string
	}{
		"a published pair that the service lists": {
			want: "True Issued: Secret backup holds access key AKIA1, valid until 2026-03-31T11:00:00Z",
		},
		"a pair without an end": {
			change: []func(*pass){func(p *pass) { p.ak.Status.ExpiresAt = metav1.Time{} }},
			want:   "True Issued: Secret backup holds access key AKIA1",
		},
		"another Secret name": {
			change: []func(*pass){func(p *pass) { p.ak.Spec.SecretName = "s3" }},
			want:   "True Issued: Secret s3 holds access key AKIA1, valid until 2026-03-31T11:00:00Z",
		},
		"a previous key that is gone does not matter": {
			change: []func(*pass){func(p *pass) { p.ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "K0"}} }},
			want:   "True Issued: Secret backup holds access key AKIA1, valid until 2026-03-31T11:00:00Z",
		},
		"being deleted, while the key still works": {
			change: []func(*pass){deleted},
			want:   "True Issued: Secret backup holds access key AKIA1, valid until 2026-03-31T11:00:00Z",
		},
		"before the first key": {
			change: []func(*pass){withoutKey},
			want:   "Unknown Pending: No key has been issued yet",
		},
		"before the first key, which failed": {
			change: []func(*pass){withoutKey}, err: failing(keyservice.Throttled),
			want: "Unknown Pending: No key has been issued yet: create key: the service said no",
		},
		"before the first key, which needs a person": {
			change: []func(*pass){withoutKey}, action: plan.Action{Verb: plan.Block, Detail: "ask for a grant"},
			want: "Unknown Pending: No key has been issued yet: ask for a grant",
		},
		"before the first key, which waits": {
			change: []func(*pass){withoutKey}, action: plan.Action{Verb: plan.Wait, Detail: "for another AccessKey"},
			want: "Unknown Pending: No key has been issued yet: waiting for another AccessKey",
		},
		"before the first key, whose create made something unknown": {
			change: []func(*pass){withoutKey}, action: plan.Action{Verb: plan.MarkAmbiguous, Detail: "K1, K2"},
			want: "Unknown Pending: No key has been issued yet",
		},
		"before the first key, under a foreign Secret": {
			change: []func(*pass){withoutKey, holding(plan.SecretForeign)}, action: plan.Action{Verb: plan.Block, Detail: "choose another name"},
			want: "Unknown Pending: No key has been issued yet: choose another name",
		},
		"being deleted, when the key is revoked": {
			change: []func(*pass){withoutKey, deleted},
			want:   "False Deleting: The key is revoked",
		},
		"a Secret of somebody else": {
			change: []func(*pass){holding(plan.SecretForeign)},
			want:   "False SecretConflict: Secret backup is not controlled by this AccessKey",
		},
		"a Secret that is gone": {
			change: []func(*pass){holding(plan.SecretAbsent)},
			want:   "False SecretMissing: Secret backup is missing; a new pair is on its way",
		},
		"a Secret that was edited": {
			change: []func(*pass){holding(plan.SecretEdited)},
			want:   "False SecretEdited: Secret backup does not hold what was published; a new pair is on its way",
		},
		"a Secret with the pair of another key": {
			change: []func(*pass){func(p *pass) { p.in.Secret.Record.KeyID = "K0" }},
			want:   "False SecretEdited: Secret backup does not hold what was published; a new pair is on its way",
		},
		"a key that the service lists no more": {
			change: []func(*pass){func(p *pass) { p.in.Keys = []plan.Key{{Key: keyservice.Key{ID: "K2"}}} }},
			want:   "False KeyMissing: Access key AKIA1 is gone from the service, or no longer works there; a new pair is on its way",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := passOf(test.change...)
			setReady(p, test.err, test.action)
			expectCondition(t, p, v1alpha1.ConditionReady, test.want)
		})
	}
}

func TestNoFailureFlipsReady(t *testing.T) {
	failures := map[string]error{
		"the pair can't be published": &publishError{errors.New("Secrets are forbidden")},
		"the KeyService is gone":      connectError(v1alpha1.ReasonKeyServiceNotFound),
		"another one is at work":      errUserBusy,
	}
	for kind, err := range serviceErrors() {
		failures[string(kind)] = err
	}
	for name, err := range failures {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []plan.Verb{plan.Look, plan.Create, plan.Revoke, plan.DeleteOrphan} {
				p := passOf(withoutContact)
				recordOutcome(p, plan.Action{Verb: plan.Wait}, nil)
				p.rebase(p.ak)
				recordOutcome(p, plan.Action{Verb: verb, Reason: v1alpha1.ReasonRotating}, err)
				expectSameReady(t, p)
			}
		})
		t.Run(name+", in the shared resync", func(t *testing.T) {
			p := passOf()
			recordOutcome(p, plan.Action{Verb: plan.Wait}, nil)
			p.rebase(p.ak)
			p.contacted, p.syncErr = false, err
			recordOutcome(p, plan.Action{Verb: plan.Wait}, nil)
			expectSameReady(t, p)
		})
	}
}

// expectSameReady expects Ready to be as the API server has it, and true.
func expectSameReady(t *testing.T, p *pass) {
	t.Helper()
	before := meta.FindStatusCondition(p.base.Status.Conditions, v1alpha1.ConditionReady)
	after := meta.FindStatusCondition(p.ak.Status.Conditions, v1alpha1.ConditionReady)
	if before == nil || after == nil || before.Status != metav1.ConditionTrue || *before != *after {
		t.Errorf("Ready went from %v to %v", before, after)
	}
}

func TestSyncedTellsHowTheLastContactWent(t *testing.T) {
	const asItWas = "True ServiceReachable: as it was"
	was := having(v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonServiceReachable)
	wasAway := having(v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	resyncFailed := func(p *pass) { p.contacted, p.syncErr = false, failing(keyservice.Unavailable) }
	for name, test := range map[string]struct {
		change []func(*pass)
		err    error
		want   string
	}{
		"the service answered":                      {want: "True ServiceReachable: The service answered"},
		"it answers again":                          {change: []func(*pass){wasAway}, want: "True ServiceReachable: The service answered"},
		"it was not asked, and never before":        {change: []func(*pass){withoutContact}, want: "absent"},
		"it was not asked this time":                {change: []func(*pass){was, withoutContact}, want: asItWas},
		"it was not asked this time, and was away":  {change: []func(*pass){wasAway, withoutContact}, want: "False Unavailable: as it was"},
		"the resync failed":                         {change: []func(*pass){was, resyncFailed}, want: "False Unavailable: create key: the service said no"},
		"the operation failed after the resync did": {change: []func(*pass){resyncFailed}, err: failing(keyservice.Throttled), want: "False Throttled: create key: the service said no"},
		"it is away":                                {err: failing(keyservice.Unavailable), want: "False Unavailable: create key: the service said no"},
		"it refuses the credentials":                {err: failing(keyservice.Unauthorized), want: "False Unauthorized: create key: the service said no"},
		"an answer was lost":                        {err: failing(keyservice.Ambiguous), want: "False Ambiguous: create key: the service said no"},
		"it answered that it knows no such user":    {err: failing(keyservice.NotFound), want: "True ServiceReachable: The service answered"},
		"it answered, and the Secret failed":        {err: &publishError{errors.New("forbidden")}, want: "True ServiceReachable: The service answered"},
		"the KeyService can't be used":              {change: []func(*pass){was, withoutContact}, err: connectError(v1alpha1.ReasonKeyServiceInvalid), want: asItWas},
		"suspended":                                 {change: []func(*pass){was, withoutContact, suspended}, want: "Unknown Suspended: spec.suspend is set, so the service is not asked"},
		"suspended, but being deleted":              {change: []func(*pass){was, withoutContact, suspended, deleted}, want: asItWas},
	} {
		t.Run(name, func(t *testing.T) {
			p := passOf(test.change...)
			setSynced(p, test.err)
			expectCondition(t, p, v1alpha1.ConditionSynced, test.want)
		})
	}
}

func TestProgressIsEitherReconcilingOrStalledOrNeither(t *testing.T) {
	const absent = "absent"
	for name, test := range map[string]struct {
		change               []func(*pass)
		action               plan.Action
		err                  error
		reconciling, stalled string
	}{
		"at rest":                    {action: plan.Action{Verb: plan.Wait, Until: noon.Add(time.Hour)}, reconciling: absent, stalled: absent},
		"suspended":                  {action: plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSuspended}, reconciling: absent, stalled: absent},
		"the pair was just replaced": {action: plan.Action{Verb: plan.Create, Reason: v1alpha1.ReasonRotating}, reconciling: absent, stalled: absent},
		"finding out what became of a create": {
			action:      plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonSettling},
			reconciling: "True Settling: Finding out what became of a key whose answer was lost", stalled: absent,
		},
		"noting that more than one key could be it": {
			action:      plan.Action{Verb: plan.MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "K1, K2"},
			reconciling: "True Settling: Finding out what became of a key whose answer was lost", stalled: absent,
		},
		"waiting for something else": {
			action:      plan.Action{Verb: plan.Wait, Reason: v1alpha1.ReasonWaiting, Detail: "for another AccessKey"},
			reconciling: "True Waiting: Waiting for another AccessKey", stalled: absent,
		},
		"before the first key": {
			change: []func(*pass){withoutKey}, action: plan.Action{Verb: plan.ClearIntent},
			reconciling: "True Issuing: A key is being made", stalled: absent,
		},
		"being deleted": {
			change: []func(*pass){deleted}, action: plan.Action{Verb: plan.Revoke, Reason: v1alpha1.ReasonDeleting},
			reconciling: "True Revoking: The keys are being revoked", stalled: absent,
		},
		"a failure that passes": {
			action: plan.Action{Verb: plan.Create}, err: failing(keyservice.Unavailable),
			reconciling: "True Retrying: create key: the service said no", stalled: absent,
		},
		"a failure that a person has to mend": {
			action: plan.Action{Verb: plan.Look}, err: failing(keyservice.NotFound),
			reconciling: absent, stalled: "True UserNotFound: create key: the service said no",
		},
		"a KeyService that has to be mended": {
			action: plan.Action{Verb: plan.Look}, err: connectError(v1alpha1.ReasonCredentialsNotFound),
			reconciling: absent, stalled: "True CredentialsNotFound: mend the KeyService",
		},
		"a plan that needs a person": {
			action:      plan.Action{Verb: plan.Block, Reason: v1alpha1.ReasonNotGranted, Detail: "ask for a grant"},
			reconciling: absent, stalled: "True NotGranted: ask for a grant",
		},
		"a failure counts for more than what was planned": {
			action: plan.Action{Verb: plan.Block, Reason: v1alpha1.ReasonNotGranted}, err: failing(keyservice.Throttled),
			reconciling: "True Retrying: create key: the service said no", stalled: absent,
		},
	} {
		for before, earlier := range map[string]func(*pass){
			"":                       func(*pass) {},
			", formerly reconciling": having(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonRotating),
			", formerly stalled":     having(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalid),
		} {
			t.Run(name+before, func(t *testing.T) {
				p := passOf(append(test.change, earlier)...)
				setProgress(p, test.action, test.err)
				expectCondition(t, p, v1alpha1.ConditionReconciling, test.reconciling)
				expectCondition(t, p, v1alpha1.ConditionStalled, test.stalled)
			})
		}
	}
}
