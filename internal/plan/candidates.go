// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// settleByPerson waits until one of the candidates is gone: a person has then deleted the orphan, and the others are foreign.
// The operator does not decide by elimination, because it could delete a foreign key.
func settleByPerson(in Input, intent *v1alpha1.Intent) Action {
	for _, id := range intent.CandidateKeyIDs {
		if !in.listed(id) {
			return Action{Verb: ClearIntent, Reason: v1alpha1.ReasonSettling}
		}
	}
	others, until := meanwhile, in.untilMeanwhile() // a recorded key is not a candidate
	if in.deleting() {
		others, until = revokeRecorded, time.Time{}
	}
	if action, ok := others(in); ok {
		return action
	}
	detail := fmt.Sprintf("each of the keys %s could be the one that it created; delete the one that nobody uses at the service, "+
		"and the operator leaves the others alone", list(intent.CandidateKeyIDs))
	if len(intent.CandidateKeyIDs) == 1 {
		detail = fmt.Sprintf("key %s could be the one that it created, or somebody else's; delete it at the service, and if somebody uses it, "+
			"give them another key before", intent.CandidateKeyIDs[0])
	}
	return Action{
		Verb:   Stall,
		Reason: v1alpha1.ReasonAmbiguousKeys,
		Detail: "the response to a create request was lost, and " + detail,
		Until:  until,
	}
}

// CandidateKeyIDs returns the keys that the open intent may have created, whatever their age.
func (in Input) CandidateKeyIDs() (ids []string) {
	intent := in.AccessKey.Status.Intent
	for _, key := range in.Keys {
		if in.isNew(intent, key) {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

// isNew reports whether a key was not there before the operation, and nothing says that somebody else created it.
func (in Input) isNew(intent *v1alpha1.Intent, key Key) bool {
	return !slices.Contains(intent.KnownKeyIDs, key.ID) && !in.recorded(key.ID) && !key.Claimed &&
		(key.OwnerUID == "" || in.marked(key.ID))
}

// isDated reports whether the service says when a key was created. Without that, one that is new may be anybody's.
func (in Input) isDated(id string) bool {
	key, _ := in.find(id)
	return !key.CreatedAt.IsZero()
}

// isCandidate reports whether a key is new, and was created while a request of the intent could be carried out, as far as the service
// says when it was created.
func (in Input) isCandidate(intent *v1alpha1.Intent, id string) bool {
	key, ok := in.find(id)
	if !ok || !in.isNew(intent, key) {
		return false
	}
	if key.CreatedAt.IsZero() {
		return true
	}
	since := key.CreatedAt.Add(-in.Service.ClockOffset).Sub(intent.StartedAt.Time) // in the operator's time
	if !in.Service.ClockKnown {
		return since.Abs() <= unknownSkew
	}
	return -knownSkew <= since && since <= in.operationTime()+knownSkew
}
