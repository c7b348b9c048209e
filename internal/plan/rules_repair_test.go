// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// repaired says that the Secret was repaired some times in a row, the last time some time ago.
func repaired(count int32, ago time.Duration) change {
	return func(in *Input) {
		last := metav1.NewTime(noon.Add(-ago))
		in.AccessKey.Status.Repairs = NextRepair(&v1alpha1.Failures{Count: count - 1, LastTime: last}, last.Time)
	}
}

// editedBy says that a field manager changed the pair in the Secret, and touchedBy that it changed what is around the pair.
func editedBy(writer Writer) change {
	return func(in *Input) { in.Secret = Secret{State: SecretEdited, Writer: writer} }
}

func touchedBy(writer Writer) change {
	return func(in *Input) { in.Secret.UpToDate, in.Secret.Rendered, in.Secret.Writer = false, true, writer }
}

var (
	kubectl = Writer{Manager: "kubectl-edit"}
	flux    = Writer{Manager: "kustomize-controller", Applies: true}
)

func contested(rule, says string, until time.Time) answer {
	return stalled(rule, v1alpha1.ReasonSecretContested, says, until)
}

func awaitsRepair(rule string, until time.Time, says string) answer {
	return waiting(rule, v1alpha1.ReasonRestoring, until, says)
}

var repairCases = []decision{
	{"the first repair is made at once", quiet(editedBy(flux)), byRestore(Create)},
	{"the second one waits", quiet(editedBy(flux), repaired(1, time.Second)),
		awaitsRepair(ruleRestore, noon.Add(4*time.Second), `because the field manager "kustomize-controller" changed it again`)},
	{"until its time has come", quiet(editedBy(flux), repaired(1, 5*time.Second)), byRestore(Create)},
	{"the third one waits longer", quiet(editedBy(flux), repaired(2, 9*time.Second)), awaitsRepair(ruleRestore, noon.Add(time.Second), "once more")},
	{"after the third one, a person has to stop the other writer", quiet(editedBy(flux), repaired(3, time.Minute)),
		contested(ruleRestore, `the field manager "kustomize-controller" keeps writing another pair into Secret backup`, renewal)},
	{"for as long as it takes", quiet(editedBy(kubectl), repaired(3, 24*time.Hour)), contested(ruleRestore, `"kubectl-edit" keeps writing`, renewal)},
	{"a requested rotation is made all the same", quiet(editedBy(flux), repaired(3, time.Second), asksFor("today")), byRestore(Create)},
	{"and so is one that is due", quiet(at(renewal), editedBy(flux), repaired(3, time.Second)), byRestore(Create)},
	{"a Secret that is deleted again and again is repaired every few minutes", quiet(secret(SecretAbsent), repaired(3, time.Minute)),
		contested(ruleRestore, "Secret backup is deleted or changed again and again", noon.Add(4*time.Minute))},
	{"and each time counts", quiet(secret(SecretAbsent), repaired(3, 5*time.Minute)), byRestore(Create)},
	{"a pair that was changed without a trace is treated like that", quiet(editedBy(Writer{}), repaired(3, time.Minute)),
		contested(ruleRestore, "nothing tells by whom", noon.Add(4*time.Minute))},
	{"a Secret under a new name is no repair", quiet(wants("new"), secret(SecretAbsent), repaired(3, time.Second)), byRename(Create)},
	{"previous keys are revoked meanwhile", quiet(editedBy(flux), repaired(3, time.Second), keys("K1", "K0"), previous("K0", noon)), byRevokePrevious(Revoke, "K0")},
	{"and awaited", quiet(editedBy(flux), repaired(3, time.Second), keys("K1", "K0"), overlapping("K0")), contested(ruleRestore, "keeps writing another pair", noon.Add(day))},

	{"a pair that works is not regenerated for one that another writer declares", quiet(oneSlot, regenerates, editedBy(flux)),
		contested(ruleRestore, "access key AKIAK1 still works, and a new pair would end it", renewal)},
	{"but for one that was edited", quiet(oneSlot, regenerates, editedBy(kubectl)), byRestore(Regenerate, "K1")},
	{"once", quiet(oneSlot, regenerates, editedBy(kubectl), repaired(1, time.Minute)), contested(ruleRestore, "a new pair would end it", renewal)},
	{"and for a Secret that was deleted", quiet(oneSlot, regenerates, secret(SecretAbsent)), byRestore(Regenerate, "K1")},
	{"and where it does not work anyhow", quiet(oneSlot, regenerates, editedBy(flux), endsAt("K1", noon)), byRestore(Regenerate, "K1")},

	{"a repair gives up no previous key", quiet(editedBy(flux), keys("K1", "K0"), overlapping("K0")),
		stalled(ruleRestore, v1alpha1.ReasonQuotaExceeded, "key K0 is not revoked for the repair", noon.Add(day))},
	{"and not the current one", quiet(editedBy(flux), keys("K1", "F1")), stalled(ruleRestore, v1alpha1.ReasonQuotaExceeded, "key K1 is not revoked")},
	{"unless nobody can read a pair, for the first time", quiet(secret(SecretAbsent), keys("K1", "K0"), overlapping("K0")), makesRoom(ruleRestore, "K0")},
	{"but not again", quiet(secret(SecretAbsent), repaired(1, time.Minute), keys("K1", "K0"), overlapping("K0")),
		stalled(ruleRestore, v1alpha1.ReasonQuotaExceeded, "key K0 is not revoked", noon.Add(day))},
	{"or a person asks for it", quiet(editedBy(flux), keys("K1", "K0"), overlapping("K0"), asksFor("today")), makesRoom(ruleRestore, "K0")},

	{"what is around the pair is restored at once", quiet(touchedBy(kubectl)), byUpdateSecret(UpdateSecret)},
	{"then later", quiet(touchedBy(kubectl), repaired(1, time.Second)), awaitsRepair(ruleUpdateSecret, noon.Add(4*time.Second), `"kubectl-edit" changed it again`)},
	{"and then left to a person", quiet(touchedBy(flux), repaired(3, time.Minute)), contested(ruleUpdateSecret, "still holds the published pair", noon.Add(59*time.Minute))},
	{"for an hour, because another try costs no key", quiet(touchedBy(flux), repaired(3, time.Hour)), byUpdateSecret(UpdateSecret)},
	{"a changed template is written whatever happened", quiet(outOfDate, repaired(3, time.Second)), byUpdateSecret(UpdateSecret)},
}

func TestRepairs(t *testing.T) {
	for _, c := range repairCases {
		t.Run(c.name, c.check)
	}
}

func TestNextRepair(t *testing.T) {
	var last *v1alpha1.Failures
	for i, want := range []struct{ after, delay time.Duration }{
		{0, 5 * time.Second}, {6 * time.Second, 10 * time.Second}, {59 * time.Minute, 5 * time.Minute}, {5 * time.Minute, 5 * time.Minute},
	} {
		now := noon
		if last != nil {
			now = last.LastTime.Add(want.after)
		}
		last = NextRepair(last, now)
		if int(last.Count) != i+1 || !last.NextAttempt.Time.Equal(now.Add(want.delay)) {
			t.Errorf("repair %d: %+v at %s", i+1, last, now)
		}
	}
	if again := NextRepair(last, last.LastTime.Add(repairRow)); again.Count != 1 {
		t.Errorf("after an hour of calm: %+v", again)
	}
}

func TestShortID(t *testing.T) {
	for id, want := range map[string]string{
		"AKIAIOSFODNN7EXAMPLE": "AKIAIOSFODNN7EXAMPLE",
		"EAAAAAGRVrKqFnNJU8aSDzOZ9nxzbR6PTZJbrSYJR6uWYzWmkQAAAAEB7Mf1AAAAAAHsx/XVyRhnNxuqLPT6LJ0SzAnL": "EAAAAAGRVrKq…LPT6LJ0SzAnL",
	} {
		if got := ShortID(id); got != want {
			t.Errorf("%s became %s", id, got)
		}
	}
}
