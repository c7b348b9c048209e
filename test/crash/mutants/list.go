// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// mutants are defects that a change could introduce. Each changes one place of the code, or several that replace each other.
var mutants = []mutant{
	// The operation: intent, request, Secret, status.
	{"the intent is not written", "TestEveryCrash/qumulo/Auto/issue$", []defect{
		{"controller/accesskey.(Reconciler).begin", replace("r.patchStatus(ctx, s)", "nil")},
	}},
	{"the intent is cleared before the create", "TestEveryCrash/qumulo/Auto/issue$", []defect{
		{"controller/accesskey.(Reconciler).obtain", before("call()", "s.ak.Status.Intent = nil; if err := r.patchStatus(ctx, s); err != nil { return err }; s.ak.Status.Intent = intent")},
	}},
	{"an intent forgets which keys were there before", "TestEveryCrash/qumulo/Auto/issue_beside_a_foreign_key$", []defect{
		{"controller/accesskey.newIntent", replace("s.in.Keys", "$[:0]")},
	}},
	{"a status that could not be written counts as written", "TestPairs/qumulo/Auto/(issue|renew_now|delete)$", []defect{
		{"controller/accesskey.(Reconciler).patchStatus", condition("r.Client.Status().Patch", "$ && false")},
	}},
	{"a create without an answer is sent again", "TestEveryCrash/qumulo/Auto/issue$", []defect{
		{"controller/accesskey.(Reconciler).obtain", after("call()", "if keyservice.KindOf(err) == keyservice.Ambiguous { credential, err = call() }")},
	}},
	{"an intent without an answer is cleared", "TestEveryCrash/qumulo/Auto/issue$", []defect{
		{"controller/accesskey.(Reconciler).obtain", condition("keyservice.Ambiguous", "true")},
	}},
	{"the old key is revoked before the new one is published", "TestEveryCrash/qumulo/Auto/renew_now$", []defect{
		{"controller/accesskey.(Reconciler).deliver", before("r.publishAndRecord", `if s.ak.Status.KeyID != "" { _ = s.connection.Delete(ctx, s.ak.Spec.User, s.ak.Status.KeyID) }`)},
	}},
	{"a pair that does not work yet is published at once", "TestEveryCrash/ionos/Auto/renew_now$", []defect{
		{"controller/accesskey.(Reconciler).deliver", condition("keyservice.Pending", "true")},
	}},
	{"a new key of AWS counts as one that works", "TestEveryCrash/aws/Auto/rotate$", []defect{
		{"keyservice/aws.(Service).isActivating", replace("s.config.ActivationDelay", "0")},
		{"keyservice/aws.(keyEntry).key", replace("now.Sub(created).Abs() < delay", "false")},
	}},
	{"after a restart a new key of AWS counts as one that works", "TestEveryCrash/aws/Auto/rotate$", []defect{
		{"keyservice/aws.(keyEntry).key", replace("now.Sub(created).Abs() < delay", "false")},
	}},
	{"a pair that the data plane does not accept yet is published at once", "TestEveryCrashWhileThePairWaits/qumulo/Auto/rotate$", []defect{
		{"plan.(Input).KeepsBack", replace("in.Now.Before(in.verificationEnds(known))", "false")},
		{"plan.(Input).KeepsBack", replace("in.holds(known)", "false")},
	}},
	{"a pair that waits in its own Secret is not found again", "TestEveryCrashWhileThePairWaits/qumulo/Auto/rotate$", []defect{
		{"plan.settleUnpublished", condition("in.Waits(intent)", "false")},
	}},
	{"a Secret without the default keys is taken for one without a pair", "TestEveryCrash/qumulo/Auto/template_changed$", []defect{
		{"secret.pairKeysOf", replace("ownPairKeys", "defaultPairKeys")},
	}},
	{"a Secret is rendered for another pair than it holds", "TestEveryCrash/qumulo/Auto/template_changed$", []defect{
		{"controller/accesskey.(Reconciler).publishAgain", replace("secret.PairOf(holds)", "secret.DryRunPair")},
	}},
	{"a key is rolled back although its Secret may have been written", "TestEveryCrash/qumulo/Auto/issue$", []defect{
		{"controller/accesskey.(Reconciler).rollBack", replace("secret.Refused(cause)", "true")},
	}},
	{"the Secret carries no record", "TestEveryCrash/qumulo/Auto/status_lost$", []defect{
		{"secret.(Template).Render", replace("v1alpha1.RecordAnnotation", `"example.com/record"`)},
	}},

	// Reading live.
	{"a key is created by what the caches say", "TestEveryCrash/(huawei|ionos)/Auto/(issue|renew_now),_lagging$|TestWorlds", []defect{
		{"plan.readLive", condition("in.Live", "true")},
	}},

	// Settling what was cut off.
	{"what a Secret says about an open intent is believed", "TestEveryCrash/qumulo/Auto/record_forged", []defect{
		{"controller/accesskey.(Reconciler).recordPublished", replace("plan.NextRecord(s.in, s.ak.Status.Intent, s.in.Produced(s.in.Secret))", "s.in.Secret.Record")},
	}},
	{"a suspended AccessKey revokes nothing", "TestEveryCrash/qumulo/Auto/suspended", []defect{
		{"plan.suspended", replace("revokePrevious(in)", "none()")},
	}},
	{"an open intent is never settled", "TestEveryCrash/qumulo/Auto/issue$", []defect{
		{"plan.rules", without("settle")},
	}},
	{"an intent is settled at once", "TestEveryCrash/qumulo/Auto/issue$", []defect{
		{"plan.settleAfter", set("0 * time.Minute")},
	}},
	{"a chosen key whose answer was lost is forgotten", "TestEveryCrash/ontap-9.14.1/Auto/(issue|renew_now)$|TestWorlds", []defect{
		{"plan.settleChosen", replace("Regenerate", "ClearIntent")},
	}},
	{"a pair in use that may have ended is regenerated as late as any other", "TestEveryCrash/ontap-9.14.1/Auto/renew_now$", []defect{
		{"plan.(Input).urgent", replace("settleChosen(in, intent).Verb == Regenerate", "$ && false")},
	}},
	{"a regeneration that is carried out late is not watched for", "TestEveryCrash/ontap-9.14.1/Auto/renew_now,_carried_out_late$", []defect{
		{"plan.(Record).Apply", condition("status.Intent.LateUntil.IsZero()", "true")},
	}},
	{"a late regeneration counts as known where the list does not show it", "TestEveryCrash/ionos/Replace/renew_now$", []defect{
		{"plan.settleLate", condition("in.Service.KeepsAccessKeyID", "in.listsRecorded(intent.KeyID)")},
	}},
	{"an orphan is forgotten although its deletion failed", "TestPairs/qumulo/Auto/issue$", []defect{
		{"controller/accesskey.(Reconciler).deleteOrphan", condition("r.deleteKey", "$ && false")},
	}},
	{"a lost status is not found again", "TestEveryCrash/qumulo/Auto/status_lost$", []defect{
		{"plan.rules", without("adopt")},
	}},

	// Rotating and revoking.
	{"a pair is not rotated", "TestEveryCrash/qumulo/Auto/rotate$", []defect{
		{"plan.rules", without("rotate")},
	}},
	{"a rotation that failed in its window is made up for outside of it", "TestEveryCrash/qumulo/Auto/rotate_in_a_window", []defect{
		{"plan.(schedule).inWindow", replace("latest(s.earliest, now)", "s.earliest")},
	}},
	{"a scheduled rotation ends the old pair after renewBefore, not when it expires", "TestEveryCrash/qumulo/Auto/rotate$", []defect{
		{"plan.(Input).previous", condition("in.Now.Before(renewal)", "$ || true")},
	}},
	{"a rotation replaces where it could overlap", "TestEveryCrash/qumulo/Auto/renew_now$", []defect{
		{"plan.(Input).Replaces", before("in.strategy()", "if in.Service.KeysPerUser > 0 { return true }")},
	}},
	{"room is made with the published key", "TestEveryCrash/qumulo/Auto/issue_beside_a_foreign_key$|TestWorlds", []defect{
		{"plan.(Input).dispensable", condition("in.ours(current)", "in.ours(current) && (unpublished || true)")},
	}},
	{"a pair that consumers may use is given up for a repair", "TestEveryCrash/qumulo/Auto/Secret_overwritten_again_and_again$", []defect{
		{"plan.(Input).mayMakeRoom", replace("!in.lostPair()", "true")},
	}},
	{"a previous key is never revoked", "TestEveryCrash/qumulo/Auto/rotate_twice$", []defect{
		{"plan.rules", without("revokePrevious")},
	}},
	{"a lost Secret is not restored", "TestEveryCrash/qumulo/Auto/Secret_deleted$", []defect{
		{"plan.rules", without("restoreSecret")},
	}},
	{"a revoked key is forgotten although its deletion failed", "TestEveryCrash/qumulo/Auto/delete$", []defect{
		{"controller/accesskey.(Reconciler).revoke", condition("r.deleteKey", "$ && false")},
	}},
	{"a rotation restarts no consumer", "TestEveryCrash/qumulo/Auto/rotate_with_a_consumer$", []defect{
		{"controller/accesskey.(Reconciler).record", drop("plan.RequestRestart")},
	}},
	{"a consumer that could not be restarted is given up", "TestEveryCrash/qumulo/Auto/rotate_with_a_consumer$", []defect{
		{"controller/rollout.outcome", condition("len(restart.Pending) == 0", "true")},
	}},

	// Quarantine.
	{"an old key is deleted without a quarantine", "TestEveryCrash/huawei/Auto/quarantine$", []defect{
		{"plan.(Input).revocation", replace("begins || lasts", "begins && lasts")},
	}},
	{"a key counts as disabled although the request failed", "TestEveryCrash/huawei/Auto/quarantine$", []defect{
		{"controller/accesskey.(Reconciler).disable", condition("disabler.Disable", "$ && false")},
	}},
	{"a key counts as enabled although the request failed", "TestEveryCrash/huawei/Auto/quarantine,_enabled_again$", []defect{
		{"controller/accesskey.(Reconciler).enable", condition("enabler.Enable", "$ && false")},
	}},
	{"a key in quarantine is never deleted", "TestEveryCrash/huawei/Auto/quarantine$", []defect{
		{"plan.(Input).due", replace("in.Now.Before(in.endOfPrevious(previous))", "$ || quarantined(previous)")},
	}},

	// Deleting.
	{"a failed list of keys counts as an empty one when deleting", "TestEveryCrash/qumulo/Auto/delete$", []defect{
		{"controller/accesskey.(Reconciler).readKeys", after("r.liveKeys", "if !s.ak.DeletionTimestamp.IsZero() { err = nil }")},
	}},
	{"deleting revokes the current key only", "TestEveryCrash/qumulo/Auto/(delete_during_a_rotation|two_AccessKeys_of_one_user)$|TestWorlds", []defect{
		{"plan.revokeRecorded", replace("in.AccessKey.RecordedKeyIDs()", "$[:min(1, len($))]")},
	}},
	{"the finalizer is removed before the keys are revoked", "TestEveryCrash/qumulo/Auto/delete$", []defect{
		{"plan.revokeAll", condition("ok", "ok && in.Live")},
	}},
	{"a key is created without the finalizer", "TestEveryCrash/qumulo/Auto/everything", []defect{
		{"plan.obtain", without("finalizers")},
	}},
	{"a key is created before the KeyService has its in-use finalizer", "TestEveryCrash/qumulo/Auto/everything", []defect{
		{"plan.finalizers", condition("in.Service.InUse", "false")},
	}},
	{"the credentials of a KeyService get no in-use finalizer", "TestEveryCrash/qumulo/Auto/everything", []defect{
		{"controller/keyservice.(Reconciler).setSecretFinalizers", after("r.wantsFinalizer", "want = false")},
	}},

	// Compromised keys, and Secrets with a new name.
	{"a compromised key is not replaced", "TestEveryCrash/qumulo/Auto/compromised$", []defect{
		{"plan.rules", without("replaceCompromised")},
	}},
	{"a compromised key stays for its overlap", "TestEveryCrash/qumulo/Auto/compromised_in_its_overlap$", []defect{
		{"plan.(Input).revokeAt", condition("in.compromised", "false")},
	}},
	{"an ID of a compromised key stands for every key that has it", "TestEveryCrash/ontap-9.14.1/Auto/compromised$", []defect{
		{"plan.(Input).RevokeReason", condition("in.compromised", "false")},
		{"plan.rememberReplaced", condition("ak.Compromised", "false")},
	}},
	{"a pair is not found again that moved to another Secret", "TestEveryCrash/ontap-9.14.1/Auto/published_under", []defect{
		{"plan.renameSecret", replace("in.Secret.Copy", "false")},
	}},

	// Other AccessKeys, and services that reuse IDs.
	{ // One of them alone is not found: they replace each other.
		"operations of other AccessKeys for the user are not seen", "TestPairs/(qumulo|huawei)/Auto/two", []defect{
			{"controller/accesskey.(scope).userIsBusy", replace("2 * operationTime(s.connection)", "0")},
			{"controller/accesskey.(Reconciler).observeUser", condition("r.users.heldByOther", "$ && false")},
			{"controller/accesskey.(Reconciler).observeUser", replace("userIndex(s.user())", `"nobody"`)},
		},
	},
	{"a deletion leaves no intent where IDs are reused", "TestEveryCrash/ontap-9.14.1/Auto/two_AccessKeys_of_one_user$|TestWorlds", []defect{
		{"controller/accesskey.(Reconciler).deleteKey", condition("s.idReturns", "true")},
	}},
	{"a deletion leaves no intent where the operator can choose the ID again", "TestEveryCrashWhileNewKeysFail/renew_now$", []defect{
		{"controller/accesskey.(scope).idReturns", replace("!slices.Contains(s.ak.RecordedKeyIDs(), keyID)", "false")},
	}},
}
