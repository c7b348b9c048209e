// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

// byHand is a Secret with a pair that a person made.
func byHand(name string, changes ...func(*corev1.Secret)) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}, Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"id": []byte("AKIAH1"), "key": []byte(secretValue), "blank": []byte(secretValue + "\n"), "empty": nil},
	}
	for _, change := range changes {
		change(secret)
	}
	return secret
}

func TestInspectImport(t *testing.T) {
	controlledBy := func(kind string, uid types.UID) func(*corev1.Secret) {
		return func(s *corev1.Secret) {
			s.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: "owner", UID: uid, Controller: ptr.To(true)}}
		}
	}
	for _, c := range []struct {
		name      string
		from      v1alpha1.ImportSource
		source    *corev1.Secret
		takesOver bool
		problem   string
	}{
		{"another Secret", v1alpha1.ImportSource{SecretAccessKeyKey: "key"}, byHand("by-hand"), false, ""},
		{"another Secret that somebody controls", v1alpha1.ImportSource{}, byHand("by-hand", controlledBy("ExternalSecret", "e5")), false, ""},
		{"no Secret", v1alpha1.ImportSource{}, nil, false, "Secret by-hand, which spec.importFrom names, does not exist"},
		{"a Secret without the key", v1alpha1.ImportSource{SecretAccessKeyKey: "secret"}, byHand("by-hand"), false, "Secret by-hand has no value under the key secret"},
		{"a Secret with an empty value", v1alpha1.ImportSource{SecretAccessKeyKey: "empty"}, byHand("by-hand"), false, "no value under the key empty"},
		{"a Secret with a line break after the value", v1alpha1.ImportSource{SecretAccessKeyKey: "blank"}, byHand("by-hand"), false, "the value under the key blank of Secret by-hand begins or ends with white space"},
		{"the wanted Secret", v1alpha1.ImportSource{SecretName: "backup"}, byHand("backup"), true, ""},
		{"the wanted Secret after it was taken over", v1alpha1.ImportSource{SecretName: "backup"}, byHand("backup", controlledBy("AccessKey", uid)), true, ""},
		{"the wanted Secret that somebody controls", v1alpha1.ImportSource{SecretName: "backup"}, byHand("backup", controlledBy("ExternalSecret", "e5")), true, "ExternalSecret owner controls it"},
		{"the wanted Secret with another type", v1alpha1.ImportSource{SecretName: "backup"}, byHand("backup", func(s *corev1.Secret) { s.Type = "example.com/s3" }), true, "the type example.com/s3 instead of Opaque"},
		{"the wanted Secret that cannot be changed", v1alpha1.ImportSource{SecretName: "backup"}, byHand("backup", func(s *corev1.Secret) { s.Immutable = ptr.To(true) }), true, "is immutable"},
		{"the wanted Secret while it is deleted", v1alpha1.ImportSource{SecretName: "backup"}, byHand("backup", func(s *corev1.Secret) { s.DeletionTimestamp = ptr.To(metav1.Now()) }), true, "is being deleted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wanted := template()
			from := c.from
			from.AccessKeyIDKey = "id"
			if from.SecretName == "" {
				from.SecretName = "by-hand"
			}
			if from.SecretAccessKeyKey == "" {
				from.SecretAccessKeyKey = "key"
			}
			wanted.AccessKey.Spec.ImportFrom = &from
			got := wanted.InspectImport(c.source)
			if got.TakesOver != c.takesOver || (got.Problem == "") != (c.problem == "") || !strings.Contains(got.Problem, c.problem) {
				t.Errorf("InspectImport = %+v, want TakesOver %t and a problem with %q", got, c.takesOver, c.problem)
			}
			if c.problem == "" && got.AccessKeyID != "AKIAH1" {
				t.Errorf("AccessKeyID = %q, want AKIAH1", got.AccessKeyID)
			}
			if strings.Contains(got.Problem, secretValue) {
				t.Errorf("the problem shows the secret: %s", got.Problem)
			}
		})
	}
}

func TestImportedPair(t *testing.T) {
	wanted := template()
	wanted.AccessKey.Spec.ImportFrom = &v1alpha1.ImportSource{SecretName: "by-hand"}
	source := byHand("by-hand")
	source.Data = map[string][]byte{"AWS_ACCESS_KEY_ID": []byte("AKIAH1"), "AWS_SECRET_ACCESS_KEY": []byte(secretValue)}
	if got := wanted.ImportedPair(source); got.AccessKeyID != "AKIAH1" || got.SecretAccessKey.Reveal() != secretValue {
		t.Errorf("ImportedPair = %v, want AKIAH1 and its secret", got)
	}
}
