// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// mutantSeeds is how many worlds a mutant may survive at most.
const mutantSeeds = 4000

// TestSimulationFindsMutants shows that the simulation would notice a planner that is wrong in one place. With -v it
// prints which seed finds which mutant by which promise.
func TestSimulationFindsMutants(t *testing.T) {
	for _, m := range append(mutants(), serviceMutants()...) {
		kind := qumuloLike
		if m.service != "" {
			kind = kindOf(m.service)
		}
		found := false
		for seed := range uint64(mutantSeeds) {
			if v := simulate(kind, seed, m.planner, false).violation; v != nil {
				t.Logf("%-62s seed %4d: %s", m.name, seed, v)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("%s: survived %d seeds", m.name, mutantSeeds)
		}
	}
}

type mutant struct {
	name    string
	planner planner
	// service that it meets; qumulo if empty.
	service string
}

// decider is the shape of a rule.
type decider = func(Input) (Action, bool)

func mutants() []mutant {
	return []mutant{
		{"an open intent is never settled", without("an open intent is settled"), ""},
		{"an open intent is settled after everything else", last("an open intent is settled"), ""},
		{"what is left after a person decided is deleted", with("an open intent is settled", byElimination), ""},
		{"of several candidates the first is deleted", with("an open intent is settled", answering(settle, MarkAmbiguous, firstCandidate)), ""},
		{"an orphan is forgotten instead of deleted", with("an open intent is settled", answering(settle, DeleteOrphan, forgetOrphan)), ""},
		{"a pair that was published before a crash is an orphan", settling(noSecret), ""},
		{"an intent is settled at once", settling(later), ""},
		{"keys known before the intent are candidates", settling(nothingKnown), ""},
		{"keys of other AccessKeys are candidates", settling(nothingClaimed), ""},
		{"keys made at any time are candidates", settling(madeWithIntent), ""},
		{"an ambiguous intent holds up revocations", with("an open intent is settled", answering(settle, Revoke, blockAmbiguous)), ""},
		{"a lost status is not found again", without("a published pair is recorded again when status lost it"), ""},
		{"a lost status is found again only if its key lives", with("a published pair is recorded again when status lost it", seeing(adoptPublished, noCarriedKeys)), ""},
		{"deleting comes before a lost status is found again", swapped("a published pair is recorded again when status lost it", "deleted revokes every key and lets go"), ""},
		{"deleting revokes the current key only", with("deleted revokes every key and lets go", seeing(revokeAll, noPreviousKeys)), ""},
		{"a previous key is never revoked", without("a previous key is revoked at revokeAt"), ""},
		{"a previous key is revoked although it is published again", with("a previous key is revoked at revokeAt", seeing(revokePrevious, noSecret)), ""},
		{"a previous key may be older than the AccessKey", with("a previous key is revoked at revokeAt", seeing(revokePrevious, nothingOlder)), ""},
		{"a previous key ignores a shortened ttl", with("a previous key is revoked at revokeAt", seeing(revokePrevious, noTTL)), ""},
		{"a foreign Secret holds up revocations", swapped("a previous key is revoked at revokeAt", "a foreign Secret is never overwritten"), ""},
		{"a lost Secret is not restored", without("a lost or edited Secret gets a new pair"), ""},
		{"a vanished key is not replaced", without("a key that vanished at the service is replaced"), ""},
		{"a pair is not rotated", without("a pair is rotated at renewalTime"), ""},
		{"waiting forgets the renewal", with("otherwise wait for the next moment", seeing(wait, noTTL)), ""},
		{"nothing is looked at before it is done", whole(seeingLive), ""},
		{"a key is made without the finalizer", creating(hasFinalizer), ""},
		{"a key is made without a look at the quota", creating(noQuota), ""},
		{"room is made with the published key", creatingWith(giveUpPublished), ""},
		{"room is made with the current key under a former name", creating(noFormerName), ""},
		{"a new pair forgets the previous keys", recording(forgetPrevious), ""},
		{"a previous key is dated from its replacement", recording(datedLate), ""},
	}
}

// The ways to alter the planner.

func chainOf(alter func(rule) (rule, bool)) planner {
	p := realPlanner()
	p.chain = nil
	for _, r := range rules {
		if r, ok := alter(r); ok {
			p.chain = append(p.chain, r)
		}
	}
	return p
}

func index(name string) int {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
	if i < 0 {
		panic("no rule is named " + name)
	}
	return i
}

func without(name string) planner {
	dropped := rules[index(name)].name
	return chainOf(func(r rule) (rule, bool) { return r, r.name != dropped })
}

func with(name string, decide decider) planner {
	p := realPlanner()
	p.chain = slices.Clone(rules)
	p.chain[index(name)].decide = decide
	return p
}

func swapped(one, other string) planner {
	p := realPlanner()
	p.chain = slices.Clone(rules)
	i, j := index(one), index(other)
	p.chain[i], p.chain[j] = p.chain[j], p.chain[i]
	return p
}

// last moves a rule to before the final wait.
func last(name string) planner {
	p := without(name)
	p.chain = slices.Insert(p.chain, len(p.chain)-1, rules[index(name)])
	return p
}

// whole shows all rules another view.
func whole(change func(*Input)) planner {
	return chainOf(func(r rule) (rule, bool) { return rule{r.name, seeing(r.decide, change)}, true })
}

// creating shows the rules that make keys another view of the conditions to that.
func creating(change func(*Input)) planner {
	return creatingWith(func(decide decider) decider { return seeing(decide, change) })
}

func creatingWith(alter func(decider) decider) planner {
	first, end := index("the first pair is issued"), index("a Secret is kept up to date around its pair")
	p := realPlanner()
	p.chain = slices.Clone(rules)
	for i := first; i < end; i++ {
		p.chain[i].decide = alter(p.chain[i].decide)
	}
	return p
}

// settling shows the rule that settles, and the candidates that it finds, another view.
func settling(change func(*Input)) planner {
	p := with("an open intent is settled", seeing(settle, change))
	p.candidates = func(in Input) []string {
		in.AccessKey = in.AccessKey.DeepCopy()
		in.Keys = slices.Clone(in.Keys)
		change(&in)
		return in.CandidateKeyIDs()
	}
	return p
}

func recording(record func(Input, *v1alpha1.Intent, keyservice.Key) Record) planner {
	p := realPlanner()
	p.record = record
	return p
}

// seeing is the rule with a changed view.
func seeing(decide decider, change func(*Input)) decider {
	return func(in Input) (Action, bool) {
		in.AccessKey = in.AccessKey.DeepCopy()
		in.Keys = slices.Clone(in.Keys)
		change(&in)
		return decide(in)
	}
}

// answering is the rule with another answer in the place of one verb.
func answering(decide decider, verb Verb, instead func(Input, Action) Action) decider {
	return func(in Input) (Action, bool) {
		action, ok := decide(in)
		if ok && action.Verb == verb {
			action = instead(in, action)
		}
		return action, ok
	}
}

// The errors.

func noSecret(in *Input)       { in.Secret = Secret{State: SecretAbsent} }
func noTTL(in *Input)          { in.AccessKey.Spec.TTL = nil }
func noQuota(in *Input)        { in.Service.KeysPerUser = 0 }
func noCarriedKeys(in *Input)  { in.Secret.Record.PreviousKeys = nil }
func noPreviousKeys(in *Input) { in.AccessKey.Status.PreviousKeys = nil }
func noFormerName(in *Input)   { in.AccessKey.Status.SecretName = in.AccessKey.SecretName() }
func seeingLive(in *Input)     { in.Live = true }
func later(in *Input)          { in.Now = in.Now.Add(settleAfter) }
func hasFinalizer(in *Input)   { in.AccessKey.Finalizers = []string{v1alpha1.RevokeFinalizer} }

func nothingKnown(in *Input) {
	if in.AccessKey.Status.Intent != nil {
		in.AccessKey.Status.Intent.KnownKeyIDs = nil
	}
}

func nothingClaimed(in *Input) {
	for i := range in.Keys {
		in.Keys[i].Claimed = false
	}
}

func madeWithIntent(in *Input) {
	for i := range in.Keys {
		if in.AccessKey.Status.Intent != nil && !in.older(in.Keys[i]) {
			in.Keys[i].CreatedAt = in.AccessKey.Status.Intent.StartedAt.Time
		}
	}
}

func nothingOlder(in *Input) {
	for i := range in.Keys {
		in.Keys[i].CreatedAt = in.Now
	}
}

func byElimination(in Input) (Action, bool) {
	action, ok := settle(in)
	if !ok || action.Verb != ClearIntent {
		return action, ok
	}
	for _, id := range in.AccessKey.Status.Intent.CandidateKeyIDs {
		if in.listed(id) {
			return Action{Verb: DeleteOrphan, KeyID: id}, true
		}
	}
	return action, ok
}

func firstCandidate(in Input, action Action) Action {
	return Action{Verb: DeleteOrphan, Reason: action.Reason, KeyID: in.CandidateKeyIDs()[0]}
}

func forgetOrphan(_ Input, action Action) Action {
	return Action{Verb: ClearIntent, Reason: action.Reason}
}

func blockAmbiguous(Input, Action) Action {
	return Action{Verb: Block, Reason: v1alpha1.ReasonAmbiguousKeys}
}

func giveUpPublished(decide decider) decider {
	return answering(decide, Block, func(in Input, action Action) Action {
		if action.Reason != v1alpha1.ReasonQuotaExceeded && action.Reason != v1alpha1.ReasonUserExists || !in.ours(in.AccessKey.Status.KeyID) {
			return action
		}
		return Action{Verb: Revoke, Reason: v1alpha1.ReasonRevoking, KeyID: in.AccessKey.Status.KeyID}
	})
}

func forgetPrevious(in Input, intent *v1alpha1.Intent, key keyservice.Key) Record {
	record := NextRecord(in, intent, key)
	record.PreviousKeys = record.PreviousKeys[len(in.AccessKey.Status.PreviousKeys):]
	return record
}

func datedLate(in Input, intent *v1alpha1.Intent, key keyservice.Key) Record {
	record := NextRecord(in, intent, key)
	if n := len(record.PreviousKeys); n > len(in.AccessKey.Status.PreviousKeys) {
		record.PreviousKeys[n-1].IssuedAt = metav1.NewTime(in.Now)
		record.PreviousKeys[n-1].RevokeAt = metav1.NewTime(in.Now.Add(Overlap(&in.AccessKey.Spec)))
	}
	return record
}
