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
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// RecordOf returns the record on a Secret, and false if there is none that can be read. The metadata of the Secret is enough.
func RecordOf(secret metav1.Object) (plan.Record, bool) {
	var record plan.Record
	err := json.Unmarshal([]byte(secret.GetAnnotations()[v1alpha1.RecordAnnotation]), &record)
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

// holds reports whether a Secret holds the data of which the digest in a record was computed. Data of other writers does not
// count.
func (t Template) holds(secret *corev1.Secret, record plan.Record) bool {
	rendered, err := t.data(PairOf(secret), record)
	if err != nil { // the template has become invalid
		rendered = nil
	}
	for _, data := range []map[string][]byte{
		pick(secret.Data, ownKeys(secret)),
		pick(secret.Data, t.dataKeys()), // the ownership is lost, as after a restore
		secret.Data,
		rendered, // the pair is intact, and somebody changed what is beside it
	} {
		if digest(data) == record.Digest {
			return true
		}
	}
	return false
}

// pick returns the entries of data whose keys are wanted.
func pick[V any](data, wanted map[string]V) map[string]V {
	picked := map[string]V{}
	for key := range wanted {
		if value, ok := data[key]; ok {
			picked[key] = value
		}
	}
	return picked
}

// ownKeys returns the data keys that the operator owns, as the API server's managedFields tell.
func ownKeys(secret *corev1.Secret) map[string][]byte {
	keys := map[string][]byte{}
	for _, entry := range secret.ManagedFields {
		if entry.Manager == FieldManager {
			maps.Copy(keys, fieldsOf(entry).Data)
		}
	}
	return keys
}

// wrote reports whether the operator wrote the pair that a Secret holds.
func wrote(secret *corev1.Secret) bool { return pairKeysOf(secret).in(ownKeys(secret)) }

// fieldNames has the names of fields of a Secret as keys.
type fieldNames struct {
	Data                map[string][]byte
	Labels, Annotations map[string]string
}

// fieldsOf returns the fields that an entry of managedFields lists.
func fieldsOf(entry metav1.ManagedFieldsEntry) fieldNames {
	var fields struct {
		Data map[string]any `json:"f:data"`
		// StringData is what a manager applies as stringData. The API server moves it to data, but leaves the names as they are.
		StringData map[string]any `json:"f:stringData"`
		Metadata   struct {
			Labels      map[string]any `json:"f:labels"`
			Annotations map[string]any `json:"f:annotations"`
		} `json:"f:metadata"`
	}
	if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
		return fieldNames{}
	}
	data := names[[]byte](fields.Data)
	maps.Copy(data, names[[]byte](fields.StringData))
	return fieldNames{data, names[string](fields.Metadata.Labels), names[string](fields.Metadata.Annotations)}
}

// names returns the names of fields in the notation of managedFields ("f:name").
func names[V any](fields map[string]any) map[string]V {
	named := map[string]V{}
	for field := range fields {
		if name, ok := strings.CutPrefix(field, "f:"); ok {
			named[name] = *new(V)
		}
	}
	return named
}

// overlaps reports whether two sets of fields have one in common.
func (f fieldNames) overlaps(other fieldNames) bool {
	return len(pick(f.Data, other.Data))+len(pick(f.Labels, other.Labels))+len(pick(f.Annotations, other.Annotations)) > 0
}
