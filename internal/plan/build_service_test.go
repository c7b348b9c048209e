// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// The ways in which other services differ from that of the quiet input.

func renews(in *Input) { in.Service.Regenerates = true }

// oneSlot: the service holds one key per user.
func oneSlot(in *Input) { in.Service.KeysPerUser, in.Service.Overlap = 1, false }

func strategy(s v1alpha1.RotationStrategy) change {
	return func(in *Input) { in.AccessKey.Spec.Rotation = &v1alpha1.Rotation{Strategy: s} }
}

func replaces(in *Input) { strategy(v1alpha1.StrategyReplace)(in) }

func (in *Input) key(id string) *Key {
	return &in.Keys[slices.IndexFunc(in.Keys, func(key Key) bool { return key.ID == id })]
}

func being(state keyservice.State, id string) change {
	return func(in *Input) { in.key(id).State = state }
}

func marked(id, uid string) change { return func(in *Input) { in.key(id).OwnerUID = uid } }

func endsAt(id string, end time.Time) change { return func(in *Input) { in.key(id).ExpiresAt = end } }

// intendsFor: an operation on a chosen handle was begun a while ago, when K1 was there.
func intendsFor(id string, ago time.Duration) change {
	return func(in *Input) {
		intends(2, ago, "K1")(in)
		in.AccessKey.Status.Intent.KeyID = id
	}
}

// stages: the next Secret holds the pair of a key that was asked for a while ago.
func stages(id string, revision int64, ago time.Duration) change {
	return func(in *Input) {
		record := recordFor(id, revision)
		record.IssuedAt = metav1.NewTime(noon.Add(-ago))
		in.Next = Secret{State: SecretIntact, UpToDate: true, Record: record}
	}
}

func activatesLater(in *Input) { in.Service.ActivatesLater = true }

func next(state SecretState) change { return func(in *Input) { in.Next = Secret{State: state} } }

// publishedAgo: the pair in the Secret was asked for then.
func publishedAgo(ago time.Duration) change {
	return func(in *Input) { in.Secret.Record.IssuedAt = metav1.NewTime(noon.Add(-ago)) }
}
