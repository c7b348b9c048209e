// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

const (
	yes, nay, unsure = v1alpha1.VerificationAccepted, v1alpha1.VerificationRejected, v1alpha1.VerificationUnknown
	hold, publish    = v1alpha1.OnTimeoutHold, v1alpha1.OnTimeoutPublish

	ruleVerifyPublished = "a published pair is verified"
	ruleReportRejected  = "a published pair that the data plane rejects is reported"
)

// verifies gives the service a data plane. Nothing is known about the current pair there.
func verifies(in *Input) {
	in.Service.DataPlane, in.Service.ReadySince = "https://s3.example", time.Time{}
}

// known says what the data plane said about the current pair, and that it was first asked some time ago.
func known(result v1alpha1.VerificationResult, ago time.Duration) change {
	return func(in *Input) {
		in.AccessKey.Status.Verification = &v1alpha1.VerificationStatus{Result: result, Since: metav1.NewTime(noon.Add(-ago))}
	}
}

// knownOfIntent says the same about the pair of the open intent.
func knownOfIntent(result v1alpha1.VerificationResult, ago time.Duration) change {
	return func(in *Input) {
		in.AccessKey.Status.Intent.Verification = &v1alpha1.VerificationStatus{Result: result, Since: metav1.NewTime(noon.Add(-ago))}
	}
}

// probed says what this process heard about a pair some time ago.
func probed(id string, result v1alpha1.VerificationResult, ago time.Duration) change {
	return func(in *Input) {
		in.Probe = Probe{AccessKeyID: "AKIA" + id, At: noon.Add(-ago), Result: result, Message: "unknown key"}
	}
}

func onTimeout(on v1alpha1.OnTimeout) change {
	return func(in *Input) { in.AccessKey.Spec.Verification = &v1alpha1.Verification{OnTimeout: on} }
}

func timesOut(d time.Duration) change {
	return func(in *Input) {
		in.AccessKey.Spec.Verification = &v1alpha1.Verification{Timeout: &metav1.Duration{Duration: d}}
	}
}

// unverified is an AccessKey whose second pair waits for the data plane, which was first asked about it some time ago, and last just now.
func unverified(result v1alpha1.VerificationResult, ago time.Duration, changes ...change) Input {
	return quiet(append([]change{verifies, known(yes, time.Hour), intendsFor("K2", ago), key("K2", noon), stages("K2", 2, ago), knownOfIntent(result, ago),
		probed("K2", result, 0)}, changes...)...)
}

// first makes the pair that waits the first one.
func first(in *Input) {
	in.AccessKey.Status = v1alpha1.AccessKeyStatus{Intent: in.AccessKey.Status.Intent}
	in.Secret, in.Next.Record.Revision, in.AccessKey.Status.Intent.Revision = Secret{State: SecretAbsent}, 1, 1
}

// verifyingCases are about the data plane.
var verifyingCases = []decision{
	{"a pair that waits is verified as soon as it is active",
		quiet(verifies, intendsFor("K2", time.Second), key("K2", noon), stages("K2", 2, time.Second)), bySettle(Verify, "K2")},
	{"a pair that waits for its activation is not verified yet",
		quiet(verifies, intendsFor("K2", time.Hour), key("K2", noon), being(keyservice.Pending, "K2"), stages("K2", 2, time.Hour)),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(5*time.Second), "activate key K2")},
	{"a pair that the data plane accepts is published", unverified(yes, time.Minute), bySettle(Promote, "K2")},
	{"the second probe comes two seconds after the first", unverified(nay, 0),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(2*time.Second), "for the data plane https://s3.example to accept access key AKIAK2, until 2026-03-01T13:02:00Z at the latest: unknown key")},
	{"a pair waits half as long again until the next probe", unverified(nay, time.Minute),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(30*time.Second), "accept access key AKIAK2")},
	{"the last probe is at the end of the time", unverified(unsure, 100*time.Second),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(20*time.Second), "accept access key AKIAK2")},
	{"a probe that is due is made", unverified(nay, time.Minute, at(noon.Add(30*time.Second))), bySettle(Verify, "K2")},
	{"after a restart a probe is due", unverified(nay, time.Minute, probed("", nay, 0)), bySettle(Verify, "K2")},
	{"a KeyService that has changed makes a probe due", unverified(nay, time.Minute, readySince(noon.Add(time.Second))), bySettle(Verify, "K2")},
	{"a pair that is rejected for two minutes is held while the older one works", unverified(nay, 2*time.Minute),
		stalled(ruleSettle, v1alpha1.ReasonVerificationFailed, "rejects the new access key AKIAK2, which waits in Secret backup-next; Secret backup keeps access key AKIAK1, which still works; ",
			noon.Add(time.Minute))},
	{"a held pair is verified every fifteen minutes", unverified(nay, day),
		stalled(ruleSettle, v1alpha1.ReasonVerificationFailed, "set verification.onTimeout to Publish to publish the pair nevertheless: unknown key", noon.Add(15*time.Minute))},
	{"a held pair is published on request", unverified(nay, 2*time.Minute, onTimeout(publish)), bySettle(Promote, "K2")},
	{"a pair that is rejected waits for its own timeout", unverified(nay, 2*time.Minute, timesOut(time.Hour)),
		waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(time.Minute), "until 2026-03-01T13:58:00Z at the latest")},
	{"an outage of the data plane holds no pair after the timeout", unverified(unsure, 2*time.Minute, onTimeout(hold)), bySettle(Promote, "K2")},
	{"a first pair that is rejected is published after the timeout", unverified(nay, 2*time.Minute, first), bySettle(Promote, "K2")},
	{"unless it is to be held", unverified(nay, 2*time.Minute, first, onTimeout(hold)),
		stalled(ruleSettle, v1alpha1.ReasonVerificationFailed, "backup-next; no pair is published; check", noon.Add(time.Minute))},
	{"a first pair waits before the timeout", unverified(nay, time.Minute, first), waiting(ruleSettle, v1alpha1.ReasonWaiting, noon.Add(30*time.Second), "accept access key AKIAK2")},
	{"a held pair is published at once when the older one no longer works", unverified(nay, time.Hour, onTimeout(hold), endsAt("K1", noon)), bySettle(Promote, "K2")},
	{"a pair that waits is published when the KeyService loses its data plane", unverified(nay, time.Minute, func(in *Input) { in.Service.DataPlane = "" }), bySettle(Promote, "K2")},
	{"a previous key is revoked on time while a pair waits for the data plane", unverified(nay, time.Minute, key("K0", issued), previous("K0", noon)), makesRoom(ruleSettle, "K0")},
	{"the key of a pair that waits for the data plane is deleted with its AccessKey", unverified(nay, time.Minute, deleting), bySettle(DeleteOrphan, "K2")},
	{"where a pair may have to wait, the Secret for it must be free", quiet(verifies, known(yes, day), at(renewal), next(SecretForeign)),
		stalled(ruleRotate, v1alpha1.ReasonSecretConflict, "Secret backup-next, in which a new pair waits until it works, exists")},
	{"a pair that is replaced in place never waits", quiet(verifies, known(yes, day), at(renewal), next(SecretForeign), replaces, regenerates), byRotate(Regenerate, "K1")},

	{"a published pair is verified", quiet(verifies), answer{ruleVerifyPublished, do(Verify, "", "K1")}},
	{"without a live read", quiet(verifies, cached), answer{ruleVerifyPublished, do(Verify, "", "K1")}},
	{"a pair that was accepted is never verified again", quiet(verifies, known(yes, day)), rests(renewal)},
	{"without a data plane nothing is verified", quiet(known(nay, day)), rests(renewal)},
	{"a pair that is rejected is not reported for two minutes", quiet(verifies, known(nay, time.Minute), probed("K1", nay, 0)), rests(renewal)},
	{"a pair that is rejected for two minutes is reported", quiet(verifies, known(nay, 2*time.Minute), probed("K1", nay, 0)),
		stalled(ruleReportRejected, v1alpha1.ReasonVerificationFailed, "rejects access key AKIAK1, which Secret backup holds; check that s3 of the KeyService is the data plane of user \"local:backup\": unknown key", renewal)},
	{"an outage of the data plane needs no person", quiet(verifies, known(unsure, day), probed("K1", unsure, 0)), rests(renewal)},
	{"previous keys stay while the data plane rejects the current pair", quiet(verifies, known(nay, time.Hour), probed("K1", nay, 0), keys("K0", "K1"), previous("K0", noon)),
		stalled(ruleReportRejected, v1alpha1.ReasonVerificationFailed, "the previous access keys (AKIAK0) are not revoked until it accepts the new one", renewal)},
	{"and make no room for another pair", quiet(verifies, known(nay, time.Hour), probed("K1", nay, 0), keys("K0", "K1"), previous("K0", noon), asksFor("today")),
		stalled(ruleRenewNow, v1alpha1.ReasonQuotaExceeded, "K0 of this AccessKey, K1 of this AccessKey")},
	{"previous keys are revoked on time during an outage of the data plane", quiet(verifies, known(unsure, time.Hour), probed("K1", unsure, 0), keys("K0", "K1"), previous("K0", noon)),
		byRevokePrevious(Revoke, "K0")},
	{"previous keys are revoked with their AccessKey", quiet(verifies, deleting, known(nay, time.Hour), keys("K0"), previous("K0", noon.Add(day))), byRevokeAll(Revoke, "K0")},

	{"at a ClusterKeyService the data plane is asked about a pair before it is adopted", restored(cluster, verifies), byAdopt(Verify, "K1")},
	{"a pair that opens the data plane is adopted", restored(cluster, verifies, probed("K1", yes, 0)), byAdopt(Adopt)},
	{"a pair that does not is left to a person", restored(cluster, verifies, probed("K1", nay, 0)),
		stalled(ruleAdopt, v1alpha1.ReasonAdoptionNotVerified, "if nobody uses it: unknown key", noon.Add(5*time.Minute))},
	{"and verified again later", restored(cluster, verifies, probed("K1", unsure, 5*time.Minute)), byAdopt(Verify, "K1")},
	{"another pair that opens the data plane proves nothing", restored(cluster, verifies, probed("K9", yes, 0), func(in *Input) { in.Secret.State = SecretEdited }),
		stalled(ruleAdopt, v1alpha1.ReasonAdoptionNotVerified, "AKIAK1")},
	{"a key whose pair the service does not tell is not proven", restored(cluster, verifies, pairAt("K1", ""), probed("K1", yes, 0)),
		stalled(ruleAdopt, v1alpha1.ReasonAdoptionNotVerified, "AKIAK1", noon.Add(5*time.Minute))},
}

func TestMayWait(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     Input
		intent *v1alpha1.Intent
		want   bool
	}{
		{"a pair that replaces one that works", quiet(verifies), nil, true},
		{"the first pair", unissued(verifies), nil, true},
		{"no pair without a data plane", quiet(), nil, false},
		{"no pair for a Secret that was deleted", quiet(verifies, secret(SecretAbsent)), nil, false},
		{"no pair that replaces one that the service no longer lists", quiet(verifies, keys()), nil, false},
		{"no pair that replaces a key that was revoked to make room", unissued(verifies, revision(1)), nil, false},
		{"no pair of the current key", quiet(verifies, regenerates), &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, KeyID: "K1"}, false},
		{"a pair of a lost new key", quiet(verifies, regenerates), &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, KeyID: "K2"}, true},
	} {
		if got := c.in.MayWait(c.intent); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestVerified(t *testing.T) {
	accepts := Readiness{metav1.ConditionTrue, v1alpha1.ReasonAccepted, "The data plane https://s3.example accepted access key AKIAK1"}
	rejects := Readiness{metav1.ConditionFalse, v1alpha1.ReasonRejected, "The data plane https://s3.example rejects access key AKIAK1: unknown key"}
	for _, c := range []struct {
		name    string
		in      Input
		want    Readiness
		present bool
	}{
		{"nothing without a data plane", quiet(), Readiness{}, false},
		{"a verification that is wanted in vain", quiet(onTimeout(hold)),
			Readiness{metav1.ConditionUnknown, v1alpha1.ReasonNoDataPlane, "KeyService qumulo has no s3, so pairs are not verified; set it, or remove spec.verification"}, true},
		{"nothing before there is a pair", unissued(verifies), Readiness{}, false},
		{"a pair about which nothing is known", quiet(verifies),
			Readiness{metav1.ConditionUnknown, v1alpha1.ReasonNotVerified, "The data plane https://s3.example was not asked about access key AKIAK1 yet"}, true},
		{"a pair that was accepted", quiet(verifies, known(yes, day)), accepts, true},
		{"a pair that was rejected", quiet(verifies, known(nay, day), probed("K1", nay, 0)), rejects, true},
		{"a pair that was rejected before a restart", quiet(verifies, known(nay, day)), Readiness{}, true},
		{"a pair that was rejected before an outage", quiet(verifies, known(nay, day), probed("K1", unsure, 0)), Readiness{}, true},
		{"an outage", quiet(verifies, known(unsure, day), probed("K1", unsure, 0)), Readiness{metav1.ConditionUnknown, v1alpha1.ReasonDataPlaneUnavailable,
			"The data plane https://s3.example could not be asked about access key AKIAK1: unknown key"}, true},
		{"the published pair, while another one waits", unverified(nay, time.Minute), accepts, true},
		{"the first pair, while it waits", unverified(nay, time.Minute, first),
			Readiness{metav1.ConditionFalse, v1alpha1.ReasonRejected, strings.ReplaceAll(rejects.Message, "K1", "K2")}, true},
	} {
		if got, present := Verified(c.in); got != c.want || present != c.present {
			t.Errorf("%s: %+v, %v\nwant %+v, %v", c.name, got, present, c.want, c.present)
		}
	}
}

func TestNoteOfProbe(t *testing.T) {
	since := metav1.NewTime(noon)
	for _, c := range []struct {
		name   string
		before *v1alpha1.VerificationStatus
		heard  v1alpha1.VerificationResult
		want   v1alpha1.VerificationStatus
	}{
		{"the first answer", nil, nay, v1alpha1.VerificationStatus{Result: nay, Since: metav1.NewTime(noon.Add(time.Minute))}},
		{"a rejection during an outage", &v1alpha1.VerificationStatus{Result: unsure, Since: since}, nay, v1alpha1.VerificationStatus{Result: nay, Since: since}},
		{"an outage after a rejection", &v1alpha1.VerificationStatus{Result: nay, Since: since}, unsure, v1alpha1.VerificationStatus{Result: nay, Since: since}},
		{"acceptance", &v1alpha1.VerificationStatus{Result: nay, Since: since}, yes, v1alpha1.VerificationStatus{Result: yes, Since: since}},
	} {
		probe := Probe{AccessKeyID: "AKIAK1", At: noon.Add(time.Minute + time.Millisecond), Result: c.heard}
		if got := probe.Note(c.before); *got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, *got, c.want)
		}
	}
}

func TestNextProbe(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want time.Time
	}{
		{"none of a pair that was accepted", quiet(verifies, known(yes, day)), time.Time{}},
		{"none without a data plane", quiet(known(nay, day), probed("K1", nay, 0)), time.Time{}},
		{"of the published pair", quiet(verifies, known(unsure, time.Minute), probed("K1", unsure, 0)), noon.Add(30 * time.Second)},
		{"of the pair that waits", unverified(nay, 20*time.Second), noon.Add(10 * time.Second)},
	} {
		if got := c.in.NextProbe(); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// anyDataPlane gives a random input a data plane.
func anyDataPlane(r *rand.Rand, in *Input) {
	in.Service.DataPlane = "https://s3.example"
	in.Probe = Probe{AccessKeyID: "AKIA" + anyID(r), At: anyTime(r), Result: anyVerification(r).Result}
	in.AccessKey.Status.Verification = oneOf(r, nil, anyVerification(r))
	if intent := in.AccessKey.Status.Intent; intent != nil {
		intent.Verification = oneOf(r, nil, anyVerification(r))
	}
	in.AccessKey.Spec.Verification = &v1alpha1.Verification{OnTimeout: oneOf(r, "", hold, publish)}
}

func anyVerification(r *rand.Rand) *v1alpha1.VerificationStatus {
	return &v1alpha1.VerificationStatus{Result: oneOf(r, yes, nay, unsure), Since: metav1.NewTime(anyTime(r))}
}
