// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// serviceMutants are wrong about what sets one key service apart from another, and meet such a one.
func serviceMutants() []mutant {
	return []mutant{
		{"a chosen key whose answer was lost is forgotten", with(ruleSettle, answering(settle, Regenerate, forgetOrphan)), "ontap"},
		{"a chosen key is renewed while the first request can be under way", settling(later), "ionos"},
		{"a pair is published that does not work yet", settling(allActive), "ionos"},
		{"a chosen key may be older than the AccessKey", settling(nothingOlder), "ionos"},
		{"a chosen key is renewed although its pair can't be published", with(ruleSettle, seeing(settle, noSecret)), "ontap"},
		{"a pair that waits is forgotten", with(ruleSettle, answering(settle, Publish, forgetOrphan)), "ionos"},
		{"a failed key is renewed for ever", with(ruleSettle, seeing(settle, noneFailed)), "ionos"},
		{"every key with our mark is swept", with(ruleSweepMarked, seeing(sweepMarked, nothingRemembered)), "ionos"},
		{"deleting lets go while the service is still deleting", with(ruleRevokeAll, seeing(revokeAll, goneAlready)), "ionos"},
		{"a key on its way out is revoked once more to make room", creating(allActive), "ionos"},
		{"a rotation replaces where it could overlap", creating(replaces), "ionos"},
		{"a rotation revokes where it could renew", creating(noRenewal), "ontap"},
		{"a pair from before a renewal is taken for the last one", with(ruleRestore, seeing(restoreSecret, lastPair)), "ontap"},
		{"a renewed key is its own previous one", recording(ownPrevious), "ontap"},
		{"a handle that came again is a previous key as well", recording(keepHandle), "ontap2"},
		{"a service without handles is settled by a renewal", with(ruleSettle, answering(settle, DeleteOrphan, forgetOrphan)), "huawei"},
	}
}

func noRenewal(in *Input) { in.Service.Regenerates = false }

func allActive(in *Input) {
	for i := range in.Keys {
		in.Keys[i].State = keyservice.Active
	}
}

func noneFailed(in *Input) {
	for i := range in.Keys {
		if in.Keys[i].State == keyservice.Failed {
			in.Keys[i].State = keyservice.Active
		}
	}
}

func nothingRemembered(in *Input) {
	in.AccessKey.Status = v1alpha1.AccessKeyStatus{}
	in.Secret, in.FormerSecrets = Secret{}, nil
}

func goneAlready(in *Input) {
	var left []Key
	for _, key := range in.Keys {
		if key.State != keyservice.Deleting {
			left = append(left, key)
		}
	}
	in.Keys = left
}

func lastPair(in *Input) {
	if in.Secret.Record.KeyID == in.AccessKey.Status.KeyID {
		in.Secret.Record.IssuedAt = in.AccessKey.Status.IssuedAt
	}
}

func ownPrevious(in Input, intent *v1alpha1.Intent, key keyservice.Key) Record {
	record := NextRecord(in, intent, key)
	if status := in.AccessKey.Status; status.KeyID == key.ID {
		record.PreviousKeys = append(record.PreviousKeys, v1alpha1.PreviousKey{KeyID: key.ID, RevokeAt: metav1.NewTime(in.Now.Add(Overlap(&in.AccessKey.Spec)))})
	}
	return record
}

func keepHandle(in Input, intent *v1alpha1.Intent, key keyservice.Key) Record {
	record := NextRecord(in, intent, key)
	for _, previous := range in.AccessKey.Status.PreviousKeys {
		if previous.KeyID == key.ID {
			record.PreviousKeys = append(record.PreviousKeys, previous)
		}
	}
	return record
}
