// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// Names of the rules, in order. A new order is a new planner: think of what each rule relies on.
const (
	ruleSuspended      = "a suspended AccessKey is left as it is"
	ruleRetain         = "deleted with Retain lets go"
	ruleSignedByOther  = "a status that another operator's key signed is left as it is"
	ruleBackOff        = "after a failure the next attempt waits"
	ruleSettle         = "an open intent is settled"
	ruleAdopt          = "a published pair is recorded again when status lost it"
	ruleSweepMarked    = "a key with our mark that nothing records is deleted"
	ruleRevokeAll      = "deleted revokes every key and lets go"
	ruleRevokePrevious = "a previous key is revoked at revokeAt"
	ruleForeignSecret  = "a foreign Secret is never overwritten"
	ruleIssue          = "the first pair is issued"
	ruleRestore        = "a lost or edited Secret gets a new pair"
	ruleReplace        = "a key that vanished at the service is replaced"
	ruleRenewNow       = "a renewal is made once per token"
	ruleRotate         = "a pair is rotated at renewalTime"
	ruleUpdateSecret   = "a Secret is kept up to date around its pair"
	ruleDropFormer     = "a Secret under a former name goes when its key is gone"
	ruleDropNext       = "the Secret in which a pair waited goes"
	ruleTellOfGrant    = "a grant that was withdrawn is told of"
	ruleWait           = "otherwise wait for the next moment"
)

func TestOrderOfRules(t *testing.T) {
	want := []string{
		ruleSuspended, ruleRetain, ruleSignedByOther, ruleBackOff, ruleSettle, ruleAdopt, ruleSweepMarked, ruleRevokeAll, ruleRevokePrevious, ruleForeignSecret,
		ruleIssue, ruleRestore, ruleReplace, ruleRenewNow, ruleRotate, ruleUpdateSecret, ruleDropFormer, ruleDropNext, ruleTellOfGrant, ruleWait,
	}
	var got []string
	for _, r := range rules {
		got = append(got, r.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("order of the rules:\n got %s\nwant %s", strings.Join(got, "; "), strings.Join(want, "; "))
	}
}

// decision is a case of the tables: which rule answers, and what.
type decision struct {
	name string
	in   Input
	rule string
	want Action
	// says is a part of the action's Detail.
	says string
}

func (d decision) check(t *testing.T) {
	t.Helper()
	got := Next(d.in)
	if rule := ruleFor(d.in); rule != d.rule {
		t.Errorf("answered by the rule %q, want %q (%+v)", rule, d.rule, got)
	}
	if !strings.Contains(got.Detail, d.says) || (d.says == "" && got.Verb == Block) {
		t.Errorf("Detail = %q, want %q in it", got.Detail, d.says)
	}
	got.Detail = ""
	if got != d.want {
		t.Errorf("Next = %+v\nwant %+v", got, d.want)
	}
	if !irreversible(d.want.Verb) || d.rule == ruleSweepMarked { // what only a look shows asks for none
		return
	}
	d.in.Live = false
	if got := Next(d.in); got.Verb != Look {
		t.Errorf("without a live look, Next = %+v, want Look", got)
	}
}

// ruleFor is the name of the first rule that answers.
func ruleFor(in Input) string {
	for _, r := range rules {
		if _, ok := r.decide(in); ok {
			return r.name
		}
	}
	return ""
}

func irreversible(verb Verb) bool {
	return slices.Contains([]Verb{Create, Regenerate, Publish, Revoke, DeleteOrphan, DropSecret, UpdateSecret, Adopt, ClearIntent, MarkAmbiguous, Forget}, verb)
}

func everyCase() []decision {
	return slices.Concat(holdingCases, settlingCases, chosenCases, waitingCases, revokingCases, goingCases, publishingCases, creatingCases,
		replacingCases, markedCases, trustCases, placeCases, clockCases)
}

func TestNext(t *testing.T) {
	for _, d := range everyCase() {
		t.Run(d.name, d.check)
	}
}

func TestEveryRuleHasACase(t *testing.T) {
	covered := map[string]bool{}
	for _, d := range everyCase() {
		covered[d.rule] = true
	}
	for _, r := range rules {
		if !covered[r.name] {
			t.Errorf("no case for %q", r.name)
		}
	}
}

func TestAnEmptyChainWaits(t *testing.T) {
	if got := decide(nil, quiet()); got != (Action{Verb: Wait}) {
		t.Errorf("decide(nil) = %+v, want a bare Wait", got)
	}
}

// holdingCases are about doing nothing: suspended, let go, backing off.
var holdingCases = []decision{
	{
		name: "a suspended AccessKey is left alone even if its Secret is lost",
		in:   quiet(suspending, secret(SecretAbsent)),
		rule: ruleSuspended, want: Action{Verb: Wait, Reason: v1alpha1.ReasonSuspended},
	},
	{
		name: "suspending does not keep a deleted AccessKey from being revoked",
		in:   quiet(suspending, deleting),
		rule: ruleRevokeAll, want: Action{Verb: Revoke, Reason: v1alpha1.ReasonDeleting, KeyID: "K1"},
	},
	{
		name: "deleting with Retain lets go from the cache alone, whatever else is open",
		in:   quiet(deleting, policy(v1alpha1.DeletionPolicyRetain), cached, failed, intends(2, day)),
		rule: ruleRetain, want: Action{Verb: Release, Reason: v1alpha1.EventRetained},
	},
	{
		name: "Retain means nothing before the AccessKey is deleted",
		in:   quiet(policy(v1alpha1.DeletionPolicyRetain), secret(SecretAbsent)),
		rule: ruleRestore, want: Action{Verb: Create, Reason: v1alpha1.ReasonRestoring},
	},
	{
		name: "after a failure nothing is tried before the next attempt",
		in:   unissued(failed, sameGeneration),
		rule: ruleBackOff, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRetrying, Until: noon.Add(time.Minute)},
	},
	{
		name: "the next attempt comes at its time",
		in:   unissued(failed, sameGeneration, at(noon.Add(time.Minute))),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a changed spec is tried at once",
		in:   unissued(failed),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a service that became Ready after the failure is tried at once",
		in:   unissued(failed, sameGeneration, readySince(noon.Add(-time.Second))),
		rule: ruleIssue, want: Action{Verb: Create, Reason: v1alpha1.ReasonIssuing},
	},
	{
		name: "a service that was Ready before the failure changes nothing",
		in:   unissued(failed, sameGeneration, readySince(noon.Add(-time.Minute))),
		rule: ruleBackOff, want: Action{Verb: Wait, Reason: v1alpha1.ReasonRetrying, Until: noon.Add(time.Minute)},
	},
	{
		name: "an AccessKey at rest waits for its renewal, without a live look",
		in:   quiet(cached),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "an AccessKey at rest waits for the revocation of a previous key if that comes first",
		in:   quiet(keys("K0", "K1"), previous("K0", noon.Add(day)), cached),
		rule: ruleWait, want: Action{Verb: Wait, Until: noon.Add(day)},
	},
	{
		name: "an AccessKey at rest waits for its renewal if that comes before the revocation",
		in:   quiet(keys("K0", "K1"), previous("K0", renewal.Add(time.Minute))),
		rule: ruleWait, want: Action{Verb: Wait, Until: renewal},
	},
	{
		name: "without a ttl there is nothing to wait for",
		in:   quiet(endless),
		rule: ruleWait, want: Action{Verb: Wait},
	},
}
