// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// importKeys returns the keys of the Secret that spec.importFrom names.
func (t Template) importKeys() (accessKeyID, secretAccessKey string) {
	from := t.AccessKey.Spec.ImportFrom
	return cmp.Or(from.AccessKeyIDKey, v1alpha1.SecretKeyAccessKeyID), cmp.Or(from.SecretAccessKeyKey, v1alpha1.SecretKeySecretAccessKey)
}

// ImportedPair returns the pair in the Secret that spec.importFrom names.
func (t Template) ImportedPair(source *corev1.Secret) Pair {
	id, key := t.importKeys()
	return Pair{AccessKeyID: string(source.Data[id]), SecretAccessKey: keyservice.Secret(source.Data[key])}
}

// InspectImport tells the planner what the Secret holds that spec.importFrom names; nil is no Secret.
func (t Template) InspectImport(source *corev1.Secret) plan.Import {
	name := t.AccessKey.Spec.ImportFrom.SecretName
	if source == nil {
		return plan.Import{Problem: fmt.Sprintf("Secret %s, which spec.importFrom names, does not exist", name)}
	}
	id, key := t.importKeys()
	for _, key := range []string{id, key} {
		switch value := string(source.Data[key]); {
		case value == "":
			return plan.Import{Problem: fmt.Sprintf("Secret %s has no value under the key %s", name, key)}
		case value != strings.TrimSpace(value):
			return plan.Import{Problem: fmt.Sprintf("the value under the key %s of Secret %s begins or ends with white space", key, name)}
		}
	}
	found := plan.Import{AccessKeyID: string(source.Data[id])}
	if name != t.AccessKey.SecretName() {
		return found
	}
	found.TakesOver, found.Problem = true, t.keeps(source)
	return found
}

// keeps says what keeps the AccessKey from taking over a Secret with the wanted name; empty if nothing does.
func (t Template) keeps(source *corev1.Secret) string {
	owner := metav1.GetControllerOf(source)
	switch {
	case !source.DeletionTimestamp.IsZero():
		return fmt.Sprintf("Secret %s is being deleted", source.Name)
	case owner != nil && owner.UID != t.AccessKey.UID:
		return fmt.Sprintf("Secret %s has the wanted name, and %s %s controls it: choose another secretName, or make that release the Secret", source.Name, owner.Kind, owner.Name)
	case source.Type != t.secretType():
		return fmt.Sprintf("Secret %s has the wanted name, but the type %s instead of %s: set secretTemplate.type, or choose another secretName", source.Name, source.Type, t.secretType())
	case ptr.Deref(source.Immutable, false):
		return fmt.Sprintf("Secret %s has the wanted name, and is immutable: choose another secretName", source.Name)
	default:
		return ""
	}
}
