// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// pairNames are the names that applications give to the two halves of a pair, in lower case and without separators. Both halves must have
// the same prefix, such as AWS.
var pairNames = [][2]string{
	{"accesskeyid", "secretaccesskey"},
	{"accesskeyid", "accesskeysecret"},
	{"accesskeyid", "secretkey"},
	{"accesskey", "secretkey"},
	{"accesskey", "secretaccesskey"},
	{"keyid", "keysecret"},
}

// guessPair returns the keys of a Secret that hold a pair, by their names.
func guessPair(secret *corev1.Secret) (accessKeyID, secretAccessKey string, err error) {
	type pair struct{ accessKeyID, secretAccessKey string }
	var found []pair
	names := slices.Sorted(maps.Keys(secret.Data))
	for _, id := range names {
		for _, key := range names {
			if id != key && arePair(id, key) && !slices.ContainsFunc(found, func(p pair) bool { return p.accessKeyID == id }) {
				found = append(found, pair{id, key})
			}
		}
	}
	own := pair{v1alpha1.SecretKeyAccessKeyID, v1alpha1.SecretKeySecretAccessKey}
	switch {
	case len(found) == 1:
		return found[0].accessKeyID, found[0].secretAccessKey, nil
	case slices.Contains(found, own):
		return own.accessKeyID, own.secretAccessKey, nil
	}
	return "", "", fmt.Errorf("Secret %s has %s by its names (it has the keys %s); name both with --access-key-id-key and --secret-access-key-key", //nolint:staticcheck // Secret is a kind
		secret.Name, count(len(found), "pair", "pairs"), orNone(strings.Join(names, ", ")))
}

// arePair reports whether two names are those of an access key ID and its secret access key.
func arePair(id, key string) bool {
	return slices.ContainsFunc(pairNames, func(names [2]string) bool {
		before, isID := strings.CutSuffix(plainName(id), names[0])
		same, isKey := strings.CutSuffix(plainName(key), names[1])
		return isID && isKey && before == same
	})
}

// plainName returns a name in lower case and without separators.
func plainName(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
}

// imported returns the AccessKey that takes over the pair in a Secret.
func imported(source *corev1.Secret, of v1alpha1.ServiceReference, o *importOptions) (*v1alpha1.AccessKey, error) {
	id, key := o.accessKeyIDKey, o.secretKeyName
	if id == "" {
		var err error
		if id, key, err = guessPair(source); err != nil {
			return nil, err
		}
	}
	ak := &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: source.Namespace, Name: cmp.Or(o.name, source.Name)},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef: of, User: o.user,
			ImportFrom: &v1alpha1.ImportSource{SecretName: source.Name, AccessKeyIDKey: id, SecretAccessKeyKey: key},
		},
	}
	if o.ttl > 0 {
		ak.Spec.TTL = &metav1.Duration{Duration: o.ttl}
	}
	if ak.SecretName() == source.Name {
		if source.Type != corev1.SecretTypeOpaque && strings.Contains(string(source.Type), "kubernetes.io/") {
			return nil, fmt.Errorf("Secret %s is of the type %s, which the operator does not write: give the AccessKey another --name, so that it gets a Secret of its own", source.Name, source.Type) //nolint:staticcheck // Secret is a kind
		}
		ak.Spec.SecretTemplate = templateFor(source, id, key)
	}
	return ak, nil
}

// templateFor returns the template with which the operator keeps what the consumers of a Secret read: its type, and the pair under its
// names. It is nil if the default keys do.
func templateFor(source *corev1.Secret, id, key string) *v1alpha1.SecretTemplate {
	template := &v1alpha1.SecretTemplate{}
	if source.Type != corev1.SecretTypeOpaque {
		template.Type = string(source.Type)
	}
	if id != v1alpha1.SecretKeyAccessKeyID || key != v1alpha1.SecretKeySecretAccessKey {
		template.Data = map[string]v1alpha1.DataTemplate{id: "{{ .AccessKeyID }}", key: "{{ .SecretAccessKey }}"}
	}
	if template.Type == "" && template.Data == nil {
		return nil
	}
	return template
}
