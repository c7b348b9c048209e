// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// recordOf returns the record on a Secret, and false if there is none that can be read.
func recordOf(secret *corev1.Secret) (plan.Record, bool) {
	var record plan.Record
	err := json.Unmarshal([]byte(secret.Annotations[v1alpha1.RecordAnnotation]), &record)
	return record, err == nil && record.KeyID != ""
}

// digest identifies values by their keys: 128 bits of a SHA-256, hexadecimal.
func digest(values map[string][]byte) string {
	sum := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		_, _ = fmt.Fprintf(sum, "%q=%q\n", key, values[key]) // a hash never fails
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// holds reports whether a Secret holds the data that a digest was computed of. Data of other writers does not count.
func (t Template) holds(secret *corev1.Secret, published string) bool {
	pair := PairOf(secret)
	rendered := t.data(pair)
	for _, data := range []map[string][]byte{
		pick(secret.Data, ownKeys(secret)),
		pick(secret.Data, rendered), // the ownership is lost, as after a restore
		secret.Data,
		rendered, // the pair is intact, and somebody changed what is beside it
	} {
		if digest(data) == published {
			return true
		}
	}
	return false
}

// pick returns the entries of data whose keys are wanted.
func pick[V any](data map[string][]byte, wanted map[string]V) map[string][]byte {
	picked := map[string][]byte{}
	for key := range wanted {
		if value, ok := data[key]; ok {
			picked[key] = value
		}
	}
	return picked
}

// ownKeys returns the data keys that the operator owns, as the API server's managedFields tell.
func ownKeys(secret *corev1.Secret) map[string]json.RawMessage {
	keys := map[string]json.RawMessage{}
	for _, entry := range secret.ManagedFields {
		if entry.Manager != FieldManager || entry.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Data map[string]json.RawMessage `json:"f:data"`
		}
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		for field, value := range fields.Data {
			if name, ok := cutField(field); ok {
				keys[name] = value
			}
		}
	}
	return keys
}
