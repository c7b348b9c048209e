// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/simulator"
)

// nameCompromised names the current key, or a previous one, in spec.compromisedKeyIDs. It returns the live pairs in that key.
func (w *world) nameCompromised(name string, previous bool) (leaked []simulator.Pair) {
	w.edit(name, "names a key as compromised", func(ak *v1alpha1.AccessKey) {
		id := ak.Status.KeyID
		if previous {
			id = ""
			for _, key := range ak.Status.PreviousKeys {
				id = key.KeyID
			}
		}
		if id != "" {
			ak.Spec.CompromisedKeyIDs = []string{id}
			leaked = slices.DeleteFunc(w.ownPairs(), func(pair simulator.Pair) bool { return pair.ID != id })
		}
	})
	return leaked
}

// setSecretName changes the name of the Secret.
func (w *world) setSecretName(name, secretName string) {
	w.edit(name, fmt.Sprintf("sets secretName: %q", secretName), func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = secretName })
}

// named reports whether a person named a key in spec.compromisedKeyIDs.
func (w *world) named(accessKey string, pair simulator.Pair) bool {
	ak, _ := w.kube.Peek(kube.AccessKey, namespace, accessKey).(*v1alpha1.AccessKey)
	return ak != nil && (slices.Contains(ak.Spec.CompromisedKeyIDs, pair.ID) || slices.Contains(ak.Spec.CompromisedKeyIDs, pair.AccessKeyID))
}

// checkKept expects that a pair was not revoked because secretName changed.
func (w *world) checkKept(published *corev1.Secret) {
	if w.accessKey("a") != nil && !w.works(published) {
		w.violate("promise 4: the pair was given up for a new secretName")
	}
}

// checkCompromised expects that compromised pairs were revoked.
func (w *world) checkCompromised(name string, leaked []simulator.Pair) {
	if ak := w.accessKey(name); ak == nil || blocked(ak) {
		return
	}
	for _, pair := range w.ownPairs() {
		if slices.ContainsFunc(leaked, func(l simulator.Pair) bool { return l.ID == pair.ID && l.CreatedAt.Equal(pair.CreatedAt) }) {
			w.violate("the compromised key %s (%s) still works", pair.ID, pair.AccessKeyID)
		}
	}
}

// published returns the Secret of an AccessKey: the wanted one, or the former one until that is written.
func (w *world) published(ak *v1alpha1.AccessKey) *corev1.Secret {
	secret, _ := w.kube.Peek(kube.Secret, namespace, ak.SecretName()).(*corev1.Secret)
	if former := ak.Status.SecretName; secret == nil && former != "" {
		secret, _ = w.kube.Peek(kube.Secret, namespace, former).(*corev1.Secret)
	}
	return secret
}
