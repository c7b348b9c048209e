// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// faults that no answer may have, in words.
var faults = []struct {
	name string
	in   func(Input, Action) bool
}{
	{"what can't be undone comes from an input that is not live", func(in Input, action Action) bool {
		return !in.Live && slices.Contains([]Verb{Create, Regenerate, Publish, Revoke, DeleteOrphan, DropSecret, UpdateSecret}, action.Verb)
	}},
	{"a live input is to be looked at again", func(in Input, action Action) bool { return in.Live && action.Verb == Look }},
	{"the next moment is past", func(in Input, action Action) bool {
		return !action.Until.IsZero() && !action.Until.After(in.Now)
	}},
	{"a person is not told what to do", func(_ Input, action Action) bool {
		return action.Verb == Block && (action.Reason == "" || action.Detail == "")
	}},
	{"a key is touched that the service does not list", func(in Input, action Action) bool {
		return touches(action) && keyOf(in, action) == nil
	}},
	{"a key of another AccessKey is touched", func(in Input, action Action) bool {
		return touches(action) && (keyOf(in, action).Claimed && !askedFor(in, action) || keyOf(in, action).OwnerUID == "other")
	}},
	{"a key is touched that is older than the AccessKey and has no mark of it", func(in Input, action Action) bool {
		return touches(action) && keyOf(in, action).OwnerUID == "" && !keyOf(in, action).CreatedAt.IsZero() &&
			in.AccessKey.CreationTimestamp.Sub(keyOf(in, action).CreatedAt) > 15*time.Minute
	}},
	{"a key on its way out is touched", func(in Input, action Action) bool {
		return (action.Verb == Regenerate || action.Verb == Revoke || action.Verb == Publish) && keyOf(in, action).State == keyservice.Deleting
	}},
	{"a published pair that works is taken away, but not to replace it", func(in Input, action Action) bool {
		if !touches(action) || !serving(in, action.KeyID) || in.AccessKey.DeletionTimestamp != nil {
			return false
		}
		settling := in.AccessKey.Status.Intent != nil && in.AccessKey.Status.Intent.KeyID == action.KeyID
		replacing := in.Replaces() && action.KeyID == in.AccessKey.Status.KeyID
		return action.Verb == DeleteOrphan || !replacing && (action.Verb == Revoke || !settling)
	}},
	{"a key is revoked that is not recorded, or a recorded one as an orphan", func(in Input, action Action) bool {
		recorded := slices.Contains(in.AccessKey.RecordedKeyIDs(), action.KeyID)
		waited := in.AccessKey.Status.Intent != nil && in.Next.Record.KeyID == action.KeyID
		return action.Verb == Revoke && !recorded || action.Verb == DeleteOrphan && recorded && !waited
	}},
	{"a key is renewed that the service can't renew", func(in Input, action Action) bool {
		return action.Verb == Regenerate && (!in.Service.Regenerates || keyOf(in, action).State == keyservice.Failed)
	}},
	{"a key is renewed that is neither the current one nor the intent's", func(in Input, action Action) bool {
		intent := in.AccessKey.Status.Intent
		return action.Verb == Regenerate && (intent != nil && action.KeyID != intent.KeyID || intent == nil && action.KeyID != in.AccessKey.Status.KeyID)
	}},
	{"a deleted AccessKey gets another pair", func(in Input, action Action) bool {
		return in.AccessKey.DeletionTimestamp != nil && slices.Contains([]Verb{Create, Regenerate, Publish}, action.Verb)
	}},
	{"a request is sent while another one can be under way", func(in Input, action Action) bool {
		intent := in.AccessKey.Status.Intent
		return intent != nil && (action.Verb == Create || action.Verb == Regenerate && in.Now.Sub(intent.StartedAt.Time) < time.Minute)
	}},
	{"a place is changed while a request of another AccessKey can be under way", func(in Input, action Action) bool {
		return in.Service.ReusesIDs && in.Now.Before(in.UserBusyUntil) && touches(action)
	}},
	{"a place is filled, or let go, while a deletion in it can land", func(in Input, action Action) bool {
		intent := in.AccessKey.Status.Intent
		return intent != nil && intent.Operation == v1alpha1.OperationRevoke && in.AccessKey.Spec.DeletionPolicy != v1alpha1.DeletionPolicyRetain &&
			slices.Contains([]Verb{Create, Regenerate, Publish, Release, Adopt}, action.Verb)
	}},
	{"a pair is published that does not wait or does not work", func(in Input, action Action) bool {
		return action.Verb == Publish && (in.AccessKey.Status.Intent == nil || in.Next.State != SecretIntact || in.Next.Record.KeyID != action.KeyID ||
			!slices.Contains([]keyservice.State{"", keyservice.Active}, keyOf(in, action).State))
	}},
	{"a deleted AccessKey lets go of a recorded key that is still there", func(in Input, action Action) bool {
		return action.Verb == Release && in.AccessKey.Spec.DeletionPolicy != v1alpha1.DeletionPolicyRetain &&
			slices.ContainsFunc(in.AccessKey.RecordedKeyIDs(), func(id string) bool { return in.listsRecorded(id) && !in.claimed(id) })
	}},
}

// askedFor: the open intent is about the key, and the service says by its mark whose it is. What another AccessKey records is
// then an earlier key of the same ID.
func askedFor(in Input, action Action) bool {
	intent := in.AccessKey.Status.Intent
	return intent != nil && intent.KeyID == action.KeyID && keyOf(in, action).OwnerUID == string(in.AccessKey.UID)
}

// touches: the key, or its pair, is not what it was after the action.
func touches(action Action) bool {
	return action.Verb == Revoke || action.Verb == DeleteOrphan || action.Verb == Regenerate
}

// serving: the Secret holds the last pair of the key, and the service lists it as one that works.
func serving(in Input, id string) bool {
	return in.Secret.State == SecretIntact && in.Secret.Record.KeyID == id && in.works(id) && in.lists(id, in.Secret.Record.AccessKeyID) && !in.outlived()
}

func keyOf(in Input, action Action) *Key {
	i := slices.IndexFunc(in.Keys, func(key Key) bool { return key.ID == action.KeyID })
	if i < 0 {
		return nil
	}
	return &in.Keys[i]
}
