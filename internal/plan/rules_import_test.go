// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// importing is a new AccessKey whose spec.importFrom names a Secret with the pair of key H1, which a person made.
func importing(changes ...change) Input {
	return unissued(append([]change{importsFrom("AKIAH1"), key("H1", noon.Add(-365*day))}, changes...)...)
}

func importsFrom(accessKeyID string) change {
	return func(in *Input) {
		in.AccessKey.Spec.ImportFrom = &v1alpha1.ImportSource{SecretName: "by-hand"}
		in.Import = Import{AccessKeyID: accessKeyID}
	}
}

func importProblem(says string) change { return func(in *Input) { in.Import = Import{Problem: says} } }
func takesOver(in *Input)              { in.Secret, in.Import.TakesOver = Secret{State: SecretForeign}, true }

var byImport = by(ruleImport, v1alpha1.ReasonIssuing)

func importFails(says string) answer {
	return stalled(ruleImport, v1alpha1.ReasonImportFailed, says, noon.Add(time.Minute))
}

// importingCases are about AccessKeys that start with an existing pair.
var importingCases = []decision{
	{"an existing pair is imported", importing(), byImport(ImportPair, "H1")},
	{"a pair is imported beside other keys of the user", importing(quota(2), key("F1", issued)), byImport(ImportPair, "H1")},
	{"a pair in the wanted Secret is imported", importing(takesOver), byImport(ImportPair, "H1")},
	{"a pair is imported from a Secret with another name only if the wanted one is free", importing(secret(SecretForeign)),
		stalled(ruleForeignSecret, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a pair is imported after an operator stopped that had taken over its Secret", importing(takesOver, secret(SecretEdited)), byImport(ImportPair, "H1")},
	{"a pair is imported whose request for a rotation is open", importing(asksFor("now")), byImport(ImportPair, "H1")},
	{"the finalizer is added before a pair is imported", importing(noFinalizer), byImport(AddFinalizer)},
	{"the in-use finalizer is awaited before a pair is imported", importing(notInUse), waiting(ruleImport, v1alpha1.ReasonWaiting, noon.Add(10*time.Second), "the in-use finalizer")},
	{"another operation of the user is awaited before a pair is imported, because it can have created the key", importing(busy),
		waiting(ruleImport, v1alpha1.ReasonWaiting, noon.Add(time.Second), "for another AccessKey of the same user")},
	{"a suspended AccessKey imports nothing", importing(suspending), answer{ruleSuspended, do(Wait, v1alpha1.ReasonSuspended)}},
	{"a deleted AccessKey imports nothing", importing(deleting), byRevokeAll(RemoveFinalizer)},
	{"a pair whose record is on the wanted Secret is adopted, for example after a restore", restored(importsFrom("AKIAH1"), key("H1", issued)), byAdopt(Adopt)},
	{"importFrom has no effect once a key is recorded", quiet(importsFrom("AKIAH1"), key("H1", issued), cached), rests(renewal)},
	{"importFrom has no effect once a key was recorded", unissued(importsFrom("AKIAH1"), key("H1", issued), revision(1)), byIssue(Create)},

	{"a Secret that cannot be used is reported", importing(importProblem("Secret by-hand does not exist")), importFails("Secret by-hand does not exist; correct that, or remove")},
	{"a key that the service does not list for the user is not imported", importing(keys("F1")),
		importFails(`Secret by-hand holds access key AKIAH1, and the service lists no such key for user "local:backup"`)},
	{"a key that another AccessKey records is not imported", importing(claimed("H1")), importFails("another AccessKey records access key AKIAH1")},
	{"a disabled key is not imported", importing(being(keyservice.Disabled, "H1")), importFails("the service lists access key AKIAH1 as Disabled")},
	{"a key that is being deleted is not imported", importing(being(keyservice.Deleting, "H1")), importFails("as Deleting")},
	{"a key that does not work yet is not imported", importing(being(keyservice.Pending, "H1")), importFails("as Pending")},
	{"a pair that the service has ended is not imported", importing(endsAt("H1", noon)), importFails("the service ended access key AKIAH1 at 2026-03-01T13:00:00Z")},
	{"no pair is imported from a ClusterKeyService without a data plane, because its keys can be of other namespaces", importing(cluster), importFails("needs a KeyService of this namespace, or a ClusterKeyService with s3")},
	{"the data plane is asked about a pair before it is imported", importing(verifies), byImport(VerifyImport, "H1")},
	{"and about the pair of a ClusterKeyService", importing(cluster, verifies), byImport(VerifyImport, "H1")},
	{"and again after a minute", importing(verifies, probed("H1", nay, time.Minute)), byImport(VerifyImport, "H1")},
	{"and again when the KeyService has changed", importing(verifies, probed("H1", nay, time.Second), readySince(noon)), byImport(VerifyImport, "H1")},
	{"and not because of what it said about another pair", importing(verifies, probed("H2", yes, 0)), byImport(VerifyImport, "H1")},
	{"a pair that opens the data plane is imported", importing(verifies, probed("H1", yes, 0)), byImport(ImportPair, "H1")},
	{"a pair that opens the data plane is imported from a ClusterKeyService", importing(cluster, verifies, probed("H1", yes, 0)), byImport(ImportPair, "H1")},
	{"a pair is imported although the data plane is away, and verified later", importing(verifies, probed("H1", unsure, 0)), byImport(ImportPair, "H1")},
	{"no pair is imported from a ClusterKeyService while the data plane is away", importing(cluster, verifies, probed("H1", unsure, 0)), importFails("could not be asked about access key AKIAH1 (unknown key)")},
	{"a pair that the data plane rejects is not imported", importing(verifies, probed("H1", nay, 0)), importFails("rejects access key AKIAH1 with the secret access key in Secret by-hand (unknown key)")},
	{"no pair is imported for a template that cannot be rendered", importing(unrenderable), invalid(ruleImport)},
	{"no pair is imported without a grant", importing(cluster, notGranted), stalled(ruleImport, v1alpha1.ReasonNotGranted, "does not grant")},
}

func TestImportedKey(t *testing.T) {
	if got := importing().ImportedKey().ID; got != "H1" {
		t.Errorf("ImportedKey = %q, want H1", got)
	}
}
