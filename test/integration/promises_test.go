// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// expectPromises checks at the end of every spec what the operator promises whatever happens.
func (w *world) expectPromises(ctx SpecContext) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		var accessKeys []v1alpha1.AccessKey
		for _, namespace := range w.watched() {
			var here v1alpha1.AccessKeyList
			g.Expect(kube.List(ctx, &here, client.InNamespace(namespace))).To(Succeed())
			accessKeys = append(accessKeys, here.Items...)
		}
		w.noKeyLeaks(g, accessKeys)
		w.readyMeansValid(ctx, g, accessKeys)
	})
	w.foreignKeysAreUntouched()
	for _, namespace := range w.watched() {
		w.secretsStayInSecrets(ctx, namespace)
	}
}

// noKeyLeaks: a key of the operator that works is recorded by an AccessKey, or an open intent will settle it.
func (w *world) noKeyLeaks(g Gomega, accessKeys []v1alpha1.AccessKey) {
	recorded := map[string]bool{}
	for i := range accessKeys {
		if accessKeys[i].Status.Intent != nil {
			return
		}
		for _, id := range accessKeys[i].RecordedKeyIDs() {
			recorded[id] = true
		}
	}
	for _, service := range w.services {
		for _, key := range service.LivePairs() {
			if key.CreatedBy != simulator.Person && !w.excused[key.ID] {
				g.Expect(recorded).To(HaveKey(key.ID), "a key that works is recorded nowhere")
			}
		}
	}
}

// readyMeansValid: where Ready is True the Secret holds a pair that works.
func (w *world) readyMeansValid(ctx SpecContext, g Gomega, accessKeys []v1alpha1.AccessKey) {
	for i := range accessKeys {
		if !meta.IsStatusConditionTrue(accessKeys[i].Status.Conditions, v1alpha1.ConditionReady) {
			continue
		}
		secret := &corev1.Secret{}
		g.Expect(kube.Get(ctx, client.ObjectKey{Namespace: accessKeys[i].Namespace, Name: accessKeys[i].SecretName()}, secret)).To(Succeed())
		g.Expect(w.works(w.pairOf(secret))).To(BeTrue(), "AccessKey %s is Ready, but its pair does not work", accessKeys[i].Name)
	}
}

// foreignKeysAreUntouched: what a person made, the operator did not delete.
func (w *world) foreignKeysAreUntouched() {
	GinkgoHelper()
	for _, service := range w.services {
		for _, key := range service.History() {
			if key.CreatedBy == simulator.Person && !key.Live() && !w.excused[key.ID] {
				Expect(key.DeletedBy).To(Equal(simulator.Person), "the operator deleted the foreign key %s", key.ID)
			}
		}
	}
}

// secretsStayInSecrets: no secret material shows in any other object, nor in the log.
func (w *world) secretsStayInSecrets(ctx SpecContext, namespace string) {
	GinkgoHelper()
	shown := string(w.log.Contents())
	for _, list := range []client.ObjectList{&v1alpha1.AccessKeyList{}, &v1alpha1.KeyServiceList{}, &eventsv1.EventList{}} {
		Expect(kube.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
		encoded, err := json.Marshal(list)
		Expect(err).NotTo(HaveOccurred())
		shown += string(encoded)
	}
	var secrets corev1.SecretList
	Expect(kube.List(ctx, &secrets, client.InNamespace(namespace))).To(Succeed())
	for i := range secrets.Items {
		w.pairOf(&secrets.Items[i])
		encoded, err := json.Marshal(secrets.Items[i].ObjectMeta)
		Expect(err).NotTo(HaveOccurred())
		shown += string(encoded)
	}
	Expect(leaksIn(shown, w.secrets())).To(BeEmpty())
}
