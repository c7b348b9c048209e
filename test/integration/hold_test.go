// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("Deleting the key service first", func() {
	It("keeps it and its Secrets until the last key is revoked, and says for whom", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("first"), accessKey("second"))
		w.issued(ctx, "first", 1)
		w.issued(ctx, "second", 1)
		service, secrets := named(&v1alpha1.KeyService{}, serviceName), []string{credentials, authority}
		for _, name := range secrets {
			w.delete(ctx, named(&corev1.Secret{}, name))
		}
		w.delete(ctx, service)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Deleting",
			"needed to revoke the keys of 2 AccessKeys", w.namespace+"/first", w.namespace+"/second"))
		w.step(ctx, resync)
		w.settle(ctx)

		w.delete(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.settle(ctx)
		w.expectService(ctx, HaveField("Finalizers", ConsistOf("accesskey.dev/in-use")))
		Expect(w.secret(ctx, credentials).Finalizers).To(ConsistOf("accesskey.dev/in-use"))

		w.delete(ctx, named(&v1alpha1.AccessKey{}, "second"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "second"), service)
		w.gone(ctx, named(&corev1.Secret{}, credentials), named(&corev1.Secret{}, authority))
		Expect(w.service.LivePairs()).To(BeEmpty())
	})

	It("keeps published keys and makes no new ones", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.delete(ctx, named(&v1alpha1.KeyService{}, serviceName))
		w.step(ctx, 25*day)
		w.expectStalled(ctx, "backup", "KeyServiceDeleting", "KeyService qumulo is being deleted")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		Expect(w.works(p)).To(BeTrue())
		w.create(ctx, accessKey("late"))
		w.expectStalled(ctx, "late", "KeyServiceDeleting")
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("releases it when there are no AccessKeys", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		w.delete(ctx, named(&v1alpha1.KeyService{}, serviceName), named(&corev1.Secret{}, credentials))
		w.gone(ctx, named(&v1alpha1.KeyService{}, serviceName), named(&corev1.Secret{}, credentials))
	})

	It("asks for it back when somebody forced it away", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.stop()
		w.delete(ctx, named(&v1alpha1.KeyService{}, serviceName))
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Finalizers = nil })
		w.start()
		w.expectStalled(ctx, "backup", "KeyServiceNotFound", "KeyService qumulo does not exist")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.expectStalled(ctx, "backup", "KeyServiceNotFound", "create it again so that the keys can be revoked", "deletionPolicy: Retain")
		Expect(w.works(p)).To(BeTrue())
		w.create(ctx, w.keyService())
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.works(p)).To(BeFalse())
	})

	It("deletes a whole namespace, and no key is left", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("bert")
		w.create(ctx, accessKey("backup"), accessKey("other", withUser("local:bert")))
		w.issued(ctx, "backup", 1)
		w.issued(ctx, "other", 1)
		w.changeAccessKey(ctx, "other", renewNow("now"))
		w.issued(ctx, "other", 2)
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
		Expect(kube.Delete(ctx, namespace)).To(Succeed())
		// A Secret can go before its AccessKey does. A request that this causes is cut off, and settled in its time.
		Eventually(ctx, func() []v1alpha1.AccessKey {
			w.step(ctx, time.Minute)
			var left v1alpha1.AccessKeyList
			Expect(kube.List(ctx, &left, client.InNamespace(w.namespace))).To(Succeed())
			return left.Items
		}).WithTimeout(time.Minute).Should(BeEmpty())
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"), named(&v1alpha1.AccessKey{}, "other"),
			named(&v1alpha1.KeyService{}, serviceName), named(&corev1.Secret{}, credentials))
		Expect(w.service.LivePairs()).To(BeEmpty())
	})
})

var _ = Describe("A Secret of a key service", func() {
	It("is held as long as any key service with AccessKeys refers to it", func(ctx SpecContext) {
		w := newWorld(ctx)
		twin := w.keyService()
		twin.Name = "twin"
		w.create(ctx, twin, accessKey("first"),
			accessKey("second", func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = "twin" }))
		w.issued(ctx, "first", 1)
		w.issued(ctx, "second", 1)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.expectService(ctx, HaveField("Finalizers", BeEmpty()))
		Expect(w.secret(ctx, credentials).Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "second"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "second"))
		w.eventually(ctx, func(g Gomega) { g.Expect(w.secret(ctx, credentials).Finalizers).To(BeEmpty()) })
	})

	It("is let go when the key service refers to another one, which is then held", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		other := w.credentialSecret()
		other.Name = "other"
		w.create(ctx, other)
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.Qumulo.TokenSecretRef.Name = "other" })
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, credentials).Finalizers).To(BeEmpty())
			g.Expect(w.secret(ctx, "other").Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		})
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})

	It("gets its finalizer again when somebody takes it off", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.changeSecret(ctx, credentials, func(secret *corev1.Secret) { secret.Finalizers = nil })
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, credentials).Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		})
	})
})
