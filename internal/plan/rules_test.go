// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// The names of the rules. Every rule relies on those before it, so a new order has to be considered rule by rule.
const (
	ruleAskLastUse     = "the service is asked when a previous key was last used"
	ruleEnable         = "a key in quarantine is enabled on request"
	ruleSuspended      = "a suspended AccessKey only revokes its previous keys"
	ruleRetain         = "an AccessKey that is deleted with Retain keeps its keys"
	ruleKeepFinalizer  = "an AccessKey with keys has the finalizer"
	ruleOtherService   = "the keys of an AccessKey whose KeyService leads to another service are left as they are"
	ruleBackOff        = "a failed operation is retried after its back-off"
	ruleSettle         = "an open operation is settled"
	ruleAdopt          = "an AccessKey that lost its status adopts the keys that its Secret records"
	ruleSweepMarked    = "a key with the mark of this AccessKey that nothing records is deleted"
	ruleRevokeAll      = "a deleted AccessKey revokes all its keys"
	ruleImport         = "an AccessKey with importFrom starts with that pair"
	ruleRevokePrevious = "a previous key is revoked at revokeAt"
	ruleVerifySecret   = "a Secret that has changed is read live"
	ruleForeignSecret  = "a foreign Secret is never overwritten"
	ruleIssue          = "the first pair is issued"
	ruleCompromised    = "a compromised key is replaced at once"
	ruleRename         = "a pair is published under a new secretName"
	ruleRestore        = "a lost or edited Secret gets a new pair"
	ruleAskForUser     = "a user that the service no longer knows is asked for live"
	ruleReplace        = "a key that the service lost is rotated"
	ruleRenewNow       = "a requested rotation happens once per token"
	ruleRotate         = "a pair is rotated at renewalTime"
	ruleUpdateSecret   = "a Secret is updated around its pair"
	ruleDropNext       = "a next Secret that nothing waits in is deleted"
	ruleReportUnknown  = "a compromised key that nobody knows is reported"
	ruleReportDenial   = "a key that would no longer be created is reported"
	ruleReportRestart  = "a restart that failed is reported"
	ruleReportOverlap  = "an overlap that is too short for a restart is reported"
	ruleReportWindows  = "rotation windows that cannot be used are reported"
	ruleWait           = "otherwise wait for the next scheduled step"
)

func TestOrderOfRules(t *testing.T) {
	want := []string{
		ruleRetain, ruleKeepFinalizer, ruleOtherService, ruleBackOff, ruleSettle, ruleEnable, ruleSuspended, ruleAdopt, ruleSweepMarked, ruleRevokeAll,
		ruleAskLastUse, ruleRevokePrevious, ruleImport, ruleVerifySecret, ruleForeignSecret, ruleIssue, ruleCompromised, ruleRename, ruleRestore, ruleAskForUser, ruleReplace, ruleRenewNow, ruleRotate,
		ruleUpdateSecret, ruleDropNext, ruleVerifyPublished, ruleReportUnknown, ruleReportRejected, ruleReportDenial, ruleReportRestart, ruleReportOverlap, ruleReportWindows, ruleWait,
	}
	var got []string
	for _, r := range rules {
		got = append(got, r.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("order of the rules:\n got %s\nwant %s", strings.Join(got, "; "), strings.Join(want, "; "))
	}
}

// decision is a case of the tables.
type decision struct {
	name string
	in   Input
	want answer
}

// answer is an action, and the rule that decides it. The Detail of the action is a part of the actual one.
type answer struct {
	rule   string
	action Action
}

// by returns the answers of a rule with its own reason.
func by(rule, reason string) func(verb Verb, keyID ...string) answer {
	return func(verb Verb, keyID ...string) answer { return answer{rule, do(verb, reason, keyID...)} }
}

var (
	bySettle         = by(ruleSettle, v1alpha1.ReasonSettling)
	byKeepFinalizer  = by(ruleKeepFinalizer, "")
	byAdopt          = by(ruleAdopt, v1alpha1.ReasonSettling)
	bySweep          = by(ruleSweepMarked, v1alpha1.ReasonRevoking)
	byRevokeAll      = by(ruleRevokeAll, v1alpha1.ReasonDeleting)
	byEnable         = by(ruleEnable, v1alpha1.EventEnabled)
	byRevokePrevious = by(ruleRevokePrevious, v1alpha1.ReasonRevoking)
	byIssue          = by(ruleIssue, v1alpha1.ReasonIssuing)
	byCompromised    = by(ruleCompromised, v1alpha1.ReasonCompromised)
	byRename         = by(ruleRename, v1alpha1.ReasonRenaming)
	byRestore        = by(ruleRestore, v1alpha1.ReasonRestoring)
	byReplace        = by(ruleReplace, v1alpha1.ReasonRestoring)
	byRenewNow       = by(ruleRenewNow, v1alpha1.ReasonRenewing)
	byRotate         = by(ruleRotate, v1alpha1.ReasonRotating)
	byUpdateSecret   = by(ruleUpdateSecret, v1alpha1.EventSecretUpdated)
	byDropNext       = by(ruleDropNext, v1alpha1.EventSecretUpdated)
)

func do(verb Verb, reason string, keyID ...string) Action {
	return Action{Verb: verb, Reason: reason, KeyID: strings.Join(keyID, "")}
}

// rests is the answer while nothing is due before a time.
func rests(until time.Time) answer { return answer{ruleWait, Action{Verb: Wait, Until: until}} }

func waiting(rule, reason string, until time.Time, says string) answer {
	return answer{rule, Action{Verb: Wait, Reason: reason, Until: until, Detail: says}}
}

func stalled(rule, reason, says string, until ...time.Time) answer {
	return answer{rule, Action{Verb: Stall, Reason: reason, Detail: says, Until: append(until, time.Time{})[0]}}
}

// settlesAt is the answer while a request of the open operation can be carried out.
func settlesAt(at time.Time) answer { return waiting(ruleSettle, v1alpha1.ReasonSettling, at, "") }

// awaits is the answer while the service deletes a key.
func awaits(rule, id string) answer {
	return waiting(rule, v1alpha1.ReasonRevoking, noon.Add(5*time.Second), "finish the deletion of key "+id)
}

// makesRoom is the answer of a rule that needs a new key, or has to wait, and revokes another key meanwhile.
func makesRoom(rule, id string) answer {
	reason := map[string]string{
		ruleIssue: v1alpha1.ReasonIssuing, ruleRestore: v1alpha1.ReasonRestoring, ruleReplace: v1alpha1.ReasonRestoring,
		ruleRenewNow: v1alpha1.ReasonRenewing, ruleRename: v1alpha1.ReasonRenaming, ruleRotate: v1alpha1.ReasonRotating, ruleCompromised: v1alpha1.ReasonCompromised,
	}[rule]
	return answer{rule, do(Revoke, cmp.Or(reason, v1alpha1.ReasonRevoking), id)}
}

func (d decision) check(t *testing.T) {
	t.Helper()
	got := answer{ruleFor(d.in), Next(d.in)}
	if says := d.want.action.Detail; strings.Contains(got.action.Detail, says) && (says != "" || got.action.Verb != Stall) {
		got.action.Detail = says
	}
	if got != d.want {
		t.Errorf("Next = %+v by %q\nwant %+v by %q", got.action, got.rule, d.want.action, d.want.rule)
	}
	if !irreversible(d.want.action.Verb) || d.want.rule == ruleSweepMarked { // only a live input shows what this rule acts on
		return
	}
	d.in.Live = false
	if got := Next(d.in); got.Verb != ReadLive {
		t.Errorf("for an input that was not read live, Next = %+v, want ReadLive", got)
	}
}

// ruleFor returns the name of the first rule that answers.
func ruleFor(in Input) string {
	for _, r := range rules {
		if _, ok := r.decide(in); ok {
			return r.name
		}
	}
	return ""
}

// irreversible reports whether a verb changes something that a stale cache must not decide.
func irreversible(verb Verb) bool {
	return slices.Contains([]Verb{
		Create, Regenerate, Promote, RecordPublished, Adopt, VerifyImport, ImportPair, ClearIntent, MarkAmbiguous, DeleteOrphan, Revoke, Disable, Enable, Forget, UpdateSecret, Move, DropNext,
	}, verb)
}

func everyCase() []decision {
	return slices.Concat(restingCases, settlingCases, chosenCases, waitingCases, adoptingCases, importingCases, revokingCases, deletionCases, publishingCases,
		secretCases, creatingCases, quotaCases, replacingCases, markedCases, externalCases, reuseCases, clockCases, lateCases, quarantineCases,
		idleCases, restartCases, windowCases, compromiseCases, renamingCases, verifyingCases, togetherCases)
}

func TestNext(t *testing.T) {
	for _, d := range everyCase() {
		t.Run(d.name, d.check)
	}
}

func TestEveryRuleHasACase(t *testing.T) {
	covered := map[string]bool{}
	for _, d := range everyCase() {
		covered[d.want.rule] = true
	}
	for _, r := range rules {
		if !covered[r.name] {
			t.Errorf("no case for %q", r.name)
		}
	}
}

// restingCases are about doing nothing: suspended, retained, backing off, or at rest.
var restingCases = []decision{
	{"a suspended AccessKey is left alone even if its Secret is lost", quiet(suspending, secret(SecretAbsent)), answer{ruleSuspended, do(Wait, v1alpha1.ReasonSuspended)}},
	{"a suspended AccessKey knows what its Secret holds", quiet(suspending, cached, secret(SecretUnverified)), answer{ruleSuspended, do(ReadLive, v1alpha1.ReasonRestoring)}},
	{"but not before it has published a pair", unissued(suspending, cached, secret(SecretUnverified)), answer{ruleSuspended, do(Wait, v1alpha1.ReasonSuspended)}},
	{"an open intent is settled while the AccessKey is suspended", quiet(suspending, intends(2, 2*time.Minute, "K1"), key("K2", noon)), bySettle(DeleteOrphan, "K2")},
	{"a previous key is revoked on time while the AccessKey is suspended", quiet(suspending, keys("K0", "K1"), previous("K0", noon)), makesRoom(ruleSuspended, "K0")},
	{"a suspended AccessKey waits for the next revocation", quiet(suspending, keys("K0", "K1"), overlapping("K0")), waiting(ruleSuspended, v1alpha1.ReasonSuspended, noon.Add(day), "")},
	{"a suspended AccessKey that is deleted revokes its keys", quiet(suspending, deleting), byRevokeAll(Revoke, "K1")},
	{"Retain needs no live read, whatever else is open", quiet(deleting, retaining, cached, failed, intends(2, day)), answer{ruleRetain, do(Retain, v1alpha1.ReasonDeleting)}},
	{"Retain has no effect before the AccessKey is deleted", quiet(retaining, secret(SecretAbsent)), byRestore(Create)},
	{"a finalizer that somebody removed is restored, without a live read", quiet(noFinalizer, cached), byKeepFinalizer(AddFinalizer)},
	{"a finalizer is restored while the AccessKey is suspended", quiet(noFinalizer, suspending), byKeepFinalizer(AddFinalizer)},
	{"a finalizer is restored although the service cannot be asked", quiet(noFinalizer, cached, elsewhere, failed, sameGeneration), byKeepFinalizer(AddFinalizer)},
	{"a finalizer is restored before an open operation is settled", unissued(noFinalizer, intends(1, time.Second)), byKeepFinalizer(AddFinalizer)},
	{"a finalizer is restored while only a previous key is recorded", unissued(noFinalizer, overlapping("K0")), byKeepFinalizer(AddFinalizer)},
	{"a deleted AccessKey without the finalizer gets none, because the API server would not accept it", quiet(noFinalizer, deleting), byRevokeAll(Revoke, "K1")},
	{"after a failure nothing is tried before the next attempt", unissued(failed, sameGeneration), waiting(ruleBackOff, v1alpha1.ReasonRetrying, noon.Add(time.Minute), "")},
	{"the next attempt is made on time", unissued(failed, sameGeneration, at(noon.Add(time.Minute))), byIssue(Create)},
	{"a changed spec is tried at once", unissued(failed), byIssue(Create)},
	{"a service that became Ready after the failure is tried at once", unissued(failed, sameGeneration, readySince(noon.Add(-time.Second))), byIssue(Create)},
	{"a service that was Ready before the failure does not shorten the back-off", unissued(failed, sameGeneration, readySince(noon.Add(-time.Minute))),
		waiting(ruleBackOff, v1alpha1.ReasonRetrying, noon.Add(time.Minute), "")},
	{"an AccessKey at rest waits for its rotation, without a live read", quiet(cached), rests(renewal)},
	{"an AccessKey at rest waits for the revocation of a previous key if that comes first", quiet(keys("K0", "K1"), overlapping("K0"), cached), rests(noon.Add(day))},
	{"an AccessKey at rest waits for its rotation if that comes before the revocation", quiet(quota(3), keys("K0", "K1"), previous("K0", renewal.Add(time.Minute))), rests(renewal)},
	{"an AccessKey without a ttl waits for nothing", quiet(endless), rests(time.Time{})},

	{"a service that refuses the credentials is not asked for a rotation",
		quiet(cached, at(renewal), refusing),
		stalled(ruleRotate, v1alpha1.ReasonUnauthorized, "KeyService qumulo: the service refuses the operator's credentials, so the operator sends no requests until they are corrected: unknown account")},
	{"a service that refuses the credentials is not asked to revoke", quiet(cached, deleting, refusing), stalled(ruleRevokeAll, v1alpha1.ReasonUnauthorized, "unknown account")},
	{"an AccessKey at rest does not need the service", quiet(cached, refusing), rests(renewal)},
}
