// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

const (
	reconciler = "internal/controller/accesskey_controller.go"
	execute    = "internal/controller/execute.go"
	issue      = "internal/controller/issue.go"
	look       = "internal/controller/look.go"
	users      = "internal/controller/users.go"
	hold       = "internal/controller/hold.go"
	secret     = "internal/controller/secret.go"
	rules      = "internal/plan/rules.go"
	revoke     = "internal/plan/revoke.go"
	create     = "internal/plan/create.go"
)

// mutants are defects of the kind that a change could bring in. Those of the planner's rules are in internal/plan too; here
// are such as only the real reconciler can show.
var mutants = []mutant{
	{
		name: "the intent is not written", file: issue,
		old:   "\tif err := r.patchStatus(ctx, p); err != nil {\n\t\treturn err\n\t}\n",
		new:   "",
		tests: "TestEveryCrash/qumulo/Auto/issue$",
	},
	{
		name: "the intent is cleared before the create", file: issue,
		old:   "\tcredential, err := call()",
		new:   "\tp.ak.Status.Intent = nil\n\tif err := r.patchStatus(ctx, p); err != nil {\n\t\treturn err\n\t}\n\tp.ak.Status.Intent = intent\n\tcredential, err := call()",
		tests: "TestEveryCrash/qumulo/Auto/issue$",
	},
	{
		name: "a conflict of the status is swallowed", file: reconciler,
		old:   "if err := r.Client.Status().Patch(ctx, changed, patchFrom(p.base)); err != nil {",
		new:   "if err := r.Client.Status().Patch(ctx, changed, patchFrom(p.base)); apierrors.IsConflict(err) {\n\t\treturn nil\n\t} else if err != nil {",
		tests: "TestPairs/qumulo/Auto/(issue|renew_now|delete)$",
	},
	{
		name: "the old key is revoked before the new one is published", file: issue,
		old:   "\treturn r.publishAndRecord(ctx, p, action, credential, intent)\n}\n\n// publishAndRecord",
		new:   "\tif p.ak.Status.KeyID != \"\" {\n\t\t_ = p.connection.Delete(ctx, p.ak.Spec.User, p.ak.Status.KeyID)\n\t}\n\treturn r.publishAndRecord(ctx, p, action, credential, intent)\n}\n\n// publishAndRecord",
		tests: "TestEveryCrash/qumulo/Auto/renew_now$",
	},
	{
		name: "a create without an answer is sent again", file: issue,
		old:   "\tcredential, err := call()",
		new:   "\tcredential, err := call()\n\tif keyservice.KindOf(err) == keyservice.Ambiguous {\n\t\tcredential, err = call()\n\t}",
		tests: "TestEveryCrash/qumulo/Auto/issue$",
	},
	{
		name: "an intent without an answer is cleared", file: issue,
		old:   "if keyservice.KindOf(err) != keyservice.Ambiguous {",
		new:   "if err != nil {",
		tests: "TestEveryCrash/qumulo/Auto/issue$",
	},
	{
		name: "the AccessKey is looked at in the cache", file: look,
		old:   "r.Live.Get(ctx, client.ObjectKeyFromObject(p.ak), accessKey)",
		new:   "r.Client.Get(ctx, client.ObjectKeyFromObject(p.ak), accessKey)",
		tests: "TestEveryCrash/qumulo/Auto/(issue|renew_now|delete),_lagging$|TestWorlds",
	},
	{
		name: "the Secret is looked at in the cache", file: look,
		old:   "if p.secret, err = r.getSecret(ctx, r.Live, p.ak, p.ak.SecretName()); err != nil {",
		new:   "if p.secret, err = r.getSecret(ctx, r.Cache, p.ak, p.ak.SecretName()); err != nil {",
		tests: "TestEveryCrash/qumulo/Auto/(issue|renew_now),_lagging$",
	},
	{
		name: "a failed listing counts as an empty one when deleting", file: look,
		old:   "\tkeys, err := r.liveKeys(ctx, p)\n\tif err != nil {",
		new:   "\tkeys, err := r.liveKeys(ctx, p)\n\tif err != nil && p.ak.DeletionTimestamp.IsZero() {",
		tests: "TestEveryCrash/qumulo/Auto/delete$",
	},
	{
		name: "the finalizer goes before the keys do", file: revoke,
		old:   "if len(recorded) == 0 {",
		new:   "if len(recorded) == 0 || !in.Live {",
		tests: "TestEveryCrash/qumulo/Auto/delete$",
	},
	{
		name: "a key is made without the finalizer", file: create,
		old:   "{granted, supported, protected, alone, looked, waitingPlace, inPlace, room}",
		new:   "{granted, supported, alone, looked, waitingPlace, inPlace, room}",
		tests: "TestEveryCrash/qumulo/Auto/everything",
	},
	{
		name: "a key is made before the KeyService is held", file: create,
		old:   "if !in.Service.Held {",
		new:   "if false {",
		tests: "TestEveryCrash/qumulo/Auto/everything",
	},
	{
		name: "the credentials of a KeyService are not held", file: hold,
		old:   "want := needed[secret.Name]",
		new:   "want := needed[secret.Name] && false",
		tests: "TestEveryCrash/qumulo/Auto/everything",
	},
	{
		name: "a key is taken back although its write may have happened", file: issue,
		old:   "if !refused(cause) || intent.Operation == v1alpha1.OperationRegenerate {",
		new:   "if intent.Operation == v1alpha1.OperationRegenerate {",
		tests: "TestEveryCrash/qumulo/Auto/issue$",
	},
	{
		// One of them alone is not noticed: the lock, the open intents, and the time in which a key can be another's stand in for
		// each other.
		name: "operations of other AccessKeys for the user are not seen", file: users,
		old: "const contestTime = 2 * passTimeout",
		new: "const contestTime = 0 * passTimeout",
		more: []edit{
			{"; !since.IsZero() {", "; !since.IsZero() && false {"},
			{"client.MatchingFields{indexOpenIntent: intentUser(p.ak)}", "client.MatchingFields{indexOpenIntent: \"nobody\"}"},
		},
		tests: "TestPairs/(qumulo|huawei)/Auto/two",
	},
	{
		name: "a key that another AccessKey records counts as one's own", file: users,
		old:   "plan.Key{Key: key, Claimed: claimed}",
		new:   "plan.Key{Key: key, Claimed: claimed && false}",
		tests: "TestEveryCrash/qumulo/Auto/two",
	},
	{
		name: "a pair that does not work yet is published at once", file: issue,
		old:   "if credential.State == keyservice.Pending {",
		new:   "if credential.State == keyservice.Failed {",
		tests: "TestEveryCrash/ionos/Auto/renew_now$",
	},
	{
		name: "a deletion in a place leaves no intent", file: execute,
		old:   "\tif !p.connection.ReusesIDs {",
		new:   "\tif true {",
		tests: "TestEveryCrash/ontap-9.14.1/Auto/two_AccessKeys_of_one_user$|TestWorlds",
	},
	{
		name: "a pair that was in the place before claims the one in it now", file: users,
		old:   "recordsPair(other, key) && r.rival(ctx, p, other)",
		new:   "r.rival(ctx, p, other)",
		tests: "TestWorlds",
	},
	{
		name: "a revoked key is forgotten although its deletion failed", file: execute,
		old:   "\tif err := r.deleteKey(ctx, p, action.KeyID); err != nil {\n\t\treturn err\n\t}\n\tif !p.connection.DeletesLater {",
		new:   "\t_ = r.deleteKey(ctx, p, action.KeyID)\n\tif !p.connection.DeletesLater {",
		tests: "TestEveryCrash/qumulo/Auto/delete$",
	},
	{
		name: "an orphan is forgotten although its deletion failed", file: execute,
		old:   "\tif err := r.deleteKey(ctx, p, action.KeyID); err != nil {\n\t\treturn err\n\t}\n\tp.ak.Status.Intent = nil",
		new:   "\t_ = r.deleteKey(ctx, p, action.KeyID)\n\tp.ak.Status.Intent = nil",
		tests: "TestPairs/qumulo/Auto/issue$",
	},
	{
		name: "the Secret carries no record", file: secret,
		old:   "\tsecret.Annotations[v1alpha1.RecordAnnotation] = encoded\n",
		new:   "\t_ = encoded\n",
		tests: "TestEveryCrash/qumulo/Auto/issue$",
	},
	{
		name: "an intent forgets which keys were there before", file: issue,
		old:   "\t\tintent.KnownKeyIDs = append(intent.KnownKeyIDs, key.ID)\n",
		new:   "\t\t_ = key\n",
		tests: "TestEveryCrash/qumulo/Auto/issue_beside_a_foreign_key$",
	},
	{
		name: "an intent is settled at once", file: rules,
		old:   "settleAfter = 2 * time.Minute",
		new:   "settleAfter = 0 * time.Minute",
		tests: "TestEveryCrash/qumulo/Auto/issue$",
	},
}
