// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// keptBack is an AccessKey whose second pair is held, because the data plane rejects it.
func keptBack(changes ...change) Input {
	return unverified(nay, time.Hour, append([]change{probed("K2", nay, 0)}, changes...)...)
}

// staysKeptBack is the answer to it until a time.
func staysKeptBack(until time.Time) answer {
	return stalled(ruleSettle, v1alpha1.ReasonVerificationFailed, "rejects the new access key AKIAK2", until)
}

// renderedBefore says that the template has changed since the Secret was written.
func renderedBefore(in *Input) { in.Secret.UpToDate, in.Secret.Rendered = false, false }

// waitsIn says in which Secret the pair of the open intent waits.
func waitsIn(name string) change {
	return func(in *Input) { in.AccessKey.Status.Intent.SecretName = name }
}

// rejected is an AccessKey whose published pair the data plane rejects, with a previous key whose time is over.
func rejected(changes ...change) Input {
	return quiet(append([]change{verifies, known(nay, time.Hour), probed("K1", nay, 0), keys("K0", "K1"), previous("K0", noon)}, changes...)...)
}

var quarter = noon.Add(15 * time.Minute)

// togetherCases are about features that meet.
var togetherCases = []decision{
	{"while a pair is held, a previous key is revoked on time", keptBack(key("K0", issued), previous("K0", noon)), makesRoom(ruleSettle, "K0")},
	{"or disabled", keptBack(key("K0", issued), previous("K0", noon), disables, quarantines(day)), answer{ruleSettle, do(Disable, v1alpha1.ReasonRevoking, "K0")}},
	{"a key in quarantine is enabled", keptBack(key("K0", issued), inQuarantine("K0", noon.Add(day)), asksToEnable("K0")), answer{ruleSettle, do(Enable, v1alpha1.EventEnabled, "K0")}},
	{"the service is asked for the last use", keptBack(key("K0", issued), replaced("K0", day)), answer{ruleSettle, do(AskLastUse, v1alpha1.ReasonRevoking)}},
	{"and asked again in time", keptBack(key("K0", issued), replaced("K0", day), told("K0", 50*time.Minute, noon.Add(-time.Hour))), staysKeptBack(noon.Add(10 * time.Minute))},
	{"an idle key is revoked", keptBack(key("K0", issued), revokesWhenIdle(day), replaced("K0", 2*day), told("K0", 0, noon.Add(-day))), makesRoom(ruleSettle, "K0")},
	{"the published Secret follows the template", keptBack(renderedBefore), answer{ruleSettle, do(UpdateSecret, v1alpha1.EventSecretUpdated)}},
	{"unless the template cannot be rendered", keptBack(renderedBefore, unrenderable), invalid(ruleSettle)},
	{"nobody fights for it with another writer", keptBack(touchedBy(flux), at(noon)), staysKeptBack(quarter)},
	{"a Secret that was deleted gets the held pair", keptBack(secret(SecretAbsent)), bySettle(Promote, "K2")},
	{"a Secret with another pair gets the held pair", keptBack(editedBy(flux)), bySettle(Promote, "K2")},
	{"a foreign Secret in its place is left alone", keptBack(secret(SecretForeign)), stalled(ruleSettle, v1alpha1.ReasonSecretConflict, "Secret backup exists")},
	{"a request for a rotation waits", keptBack(asksFor("today")), staysKeptBack(quarter)},
	{"a suspended AccessKey keeps the pair, and its Secret as it is", keptBack(suspending, renderedBefore), staysKeptBack(quarter)},
	{"and asks for no last use", keptBack(suspending, key("K0", issued), replaced("K0", day)), staysKeptBack(quarter)},
	{"a deleted AccessKey revokes its key", keptBack(deleting), bySettle(DeleteOrphan, "K2")},
	{"a deleted AccessKey leaves it with Retain", keptBack(deleting, retaining, cached), answer{ruleRetain, do(Retain, v1alpha1.ReasonDeleting)}},
	{"windows do not matter", keptBack(opens("0 2 * * 6", time.Hour)), staysKeptBack(quarter)},
	{"a grant that was withdrawn does not matter, because the key exists", keptBack(cluster, notGranted, probed("K2", yes, 0), knownOfIntent(yes, 0)), bySettle(Promote, "K2")},
	{"a KeyService that is being deleted does not either", keptBack(serviceDeleting), staysKeptBack(quarter)},
	{"a compromised current key is replaced by the held pair", keptBack(names("K1")), bySettle(Promote, "K2")},
	{"a compromised previous key is revoked", keptBack(names("K0"), key("K0", issued), overlapping("K0")), makesRoom(ruleSettle, "K0")},
	{"a compromised pair that is held is revoked", keptBack(names("K2")), bySettle(DeleteOrphan, "K2")},
	{"also by its access key ID, and while the AccessKey is suspended", keptBack(names("AKIAK2"), suspending), bySettle(DeleteOrphan, "K2")},
	{"a pair that the service ended while it was held is given up", keptBack(endsAt("K2", noon)), bySettle(DeleteOrphan, "K2")},
	{"a held pair whose Secret is renamed is published under the new name, where consumers have no pair yet", keptBack(wants("new"), secret(SecretAbsent), waitsIn("backup-next")),
		bySettle(Promote, "K2")},
	{"but not into a foreign Secret", keptBack(wants("new"), secret(SecretForeign), waitsIn("backup-next")), stalled(ruleSettle, v1alpha1.ReasonSecretConflict, "Secret new exists")},
	{"with the old name again, it is held again", keptBack(waitsIn("backup-next")), staysKeptBack(quarter)},

	{"a compromised key is replaced at once although the data plane could reject the new pair", quiet(verifies, known(yes, day), names("K1")), byCompromised(Create)},
	{"and revoked although it does", rejected(names("K0")), byRevokePrevious(Revoke, "K0")},
	{"a compromised key that the data plane rejects leaves the last one that works to a person", rejected(names("K1")),
		stalled(ruleCompromised, v1alpha1.ReasonQuotaExceeded, "the previous access keys (AKIAK0) are kept, because the data plane https://s3.example rejects access key AKIAK1: correct that, or delete")},
	{"or is replaced in place", rejected(names("K1"), replaces), byCompromised(Revoke, "K1")},
	{"a key that was enabled again and then compromised is revoked while the data plane rejects the current one", rejected(names("K2"), key("K2", issued), enabledAgain("K2", noon.Add(day))),
		byRevokePrevious(Revoke, "K2")},
	{"a key that was enabled again stays while the data plane rejects the current one", quiet(verifies, known(nay, time.Hour), probed("K1", nay, 0), keys("K0", "K1"), enabledAgain("K0", noon)),
		stalled(ruleReportRejected, v1alpha1.ReasonVerificationFailed, "the previous access keys (AKIAK0) are not revoked", renewal)},
	{"a key in quarantine is deleted although the data plane rejects the current one", quiet(verifies, known(nay, time.Hour), probed("K1", nay, 0), keys("K0", "K1"), inQuarantine("K0", noon)),
		byRevokePrevious(Revoke, "K0")},
	{"a suspended AccessKey asks again whether its previous keys have to stay", rejected(suspending, probed("K1", nay, day)), answer{ruleSuspended, do(Verify, "", "K1")}},
	{"and keeps them", rejected(suspending), answer{ruleSuspended, do(Wait, v1alpha1.ReasonSuspended)}},
	{"without previous keys it asks nothing", quiet(suspending, verifies, known(nay, time.Hour)), answer{ruleSuspended, do(Wait, v1alpha1.ReasonSuspended)}},

	{"a compromised key takes the place of one in quarantine", quiet(names("K1"), keys("K0", "K1"), inQuarantine("K0", noon.Add(day))), makesRoom(ruleCompromised, "K0")},
	{"an idle key is disabled, and makes room for the next rotation", quiet(at(renewal), revokesWhenIdle(day), quarantines(3*day), keys("K0", "K1"), inQuarantine("K0", renewal.Add(day))),
		makesRoom(ruleRotate, "K0")},
	{"a pair whose ttl is longer than what is granted is not replaced even if it is compromised", quiet(cluster, grantedFor(day), names("K1")),
		stalled(ruleCompromised, v1alpha1.ReasonTTLNotGranted, "set ttl to 24h or less")},
	{"a pair is imported, and rotated in a window", quiet(opens("0 2 * * 6", 4*time.Hour), importsFrom("AKIAK1"), verifies, known(unsure, time.Hour), probed("K1", unsure, 0)), rests(march(21, 3, 22, 3))},
	{"a compromised pair is imported first", importing(names("AKIAH1")), byImport(ImportPair, "H1")},
	{"a window does not hold back a new secretName", quiet(opens("0 2 * * 6", 4*time.Hour), wants("new"), secret(SecretAbsent), former(SecretIntact)), byRename(Create)},
	{"a secretName that is changed back while the old Secret holds the old pair moves the new one there", quiet(keys("K0", "K1"), overlapping("K0"), holdsPrevious("K0"), former(SecretIntact),
		func(in *Input) { in.AccessKey.Status.SecretName = "new" }), byRename(Move)},
	{"a regenerated pair that the data plane rejects is reported, because there is none to keep", quiet(oneSlot, regenerates, verifies, known(nay, time.Hour), probed("K1", nay, 0), onTimeout(hold)),
		stalled(ruleReportRejected, v1alpha1.ReasonVerificationFailed, "rejects access key AKIAK1, which Secret backup holds", renewal)},
	{"a KeyService that has changed makes the data plane decide again about an adoption", restored(cluster, verifies, probed("K1", nay, time.Minute), readySince(noon.Add(-time.Second))),
		byAdopt(Verify, "K1")},
	{"an activation that takes long keeps nobody from a key in quarantine", quiet(activatesLater, intendsFor("K2", time.Hour), key("K2", noon), being(keyservice.Pending, "K2"), stages("K2", 2, time.Hour),
		key("K0", issued), inQuarantine("K0", noon.Add(day)), asksToEnable("K0")), answer{ruleSettle, do(Enable, v1alpha1.EventEnabled, "K0")}},
	{"nor does a person who has to find a key", quiet(intends(2, day, "K1"), key("K2", noon), key("K3", noon), ambiguous("K2", "K3"), key("K0", issued), inQuarantine("K0", noon.Add(day)),
		asksToEnable("K0")), answer{ruleSettle, do(Enable, v1alpha1.EventEnabled, "K0")}},
}

// TestGrantBoundsTheLife: a pair whose ttl is longer than what is granted should have been rotated at the end of that.
func TestGrantBoundsTheLife(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want time.Time
	}{
		{"a ttl that is granted", quiet(cluster, grantedFor(ttl)), issued.Add(ttl)},
		{"a ttl that was raised, or a grant that was shortened", quiet(cluster, grantedFor(day)), issued.Add(day)},
		{"a ttl that was removed", quiet(cluster, endless, grantedFor(day)), issued.Add(day)},
		{"the service ends the pair earlier", quiet(cluster, endless, grantedFor(day), endsAt("K1", issued.Add(2*time.Hour))), issued.Add(2 * time.Hour)},
	} {
		if got, _ := c.in.Schedule(); !got.Equal(c.want) {
			t.Errorf("%s: expires at %s, want %s", c.name, got, c.want)
		}
	}
	late := quiet(cluster, grantedFor(day), at(issued.Add(2*day)))
	if got := Ready(late, ""); got.Status != metav1.ConditionTrue || !strings.Contains(got.Message, "still works although it should have been rotated before 2026-03-02T12:00:00Z") {
		t.Errorf("after the granted ttl: %+v", got)
	}
}

// TestAdoptedIsWhatTheStatusCanRecord: anyone who may edit Secrets can write a record, and other versions may have written it.
func TestAdoptedIsWhatTheStatusCanRecord(t *testing.T) {
	in := restored(keys("K0", "K1"), recordSays(func(r *Record) {
		r.IssuedAt, r.Renewal = metav1.NewTime(noon.Add(100*365*day)), strings.Repeat("x", 5000)
		r.PreviousKeys = []v1alpha1.PreviousKey{{
			KeyID: "K0", AccessKeyID: "AKIAK0", IssueReason: "Whim", ReplaceReason: "Mood", State: "Asleep", SecretName: strings.Repeat("s", 254),
		}}
	}))
	adopted := in.Adopted()
	want := []v1alpha1.PreviousKey{{KeyID: "K0", AccessKeyID: "AKIAK0", IssuedAt: metav1.NewTime(noon), RevokeAt: metav1.NewTime(noon)}}
	if !reflect.DeepEqual(adopted.PreviousKeys, want) || !adopted.IssuedAt.Time.Equal(noon) || len(adopted.Renewal) != 1024 {
		t.Errorf("adopted %+v", adopted)
	}
	in = restored(keys("K0", "K1"), recordSays(func(r *Record) {
		known := previousKey("K0", noon.Add(day))
		known.IssueReason, known.ReplaceReason, known.State = v1alpha1.IssuedNew, v1alpha1.IssuedRequested, v1alpha1.KeyDisabled
		r.PreviousKeys = []v1alpha1.PreviousKey{known}
	}))
	if got := in.Adopted().PreviousKeys; !reflect.DeepEqual(got, in.Secret.Record.PreviousKeys) {
		t.Errorf("a record of this version is adopted as %+v", got)
	}
}
