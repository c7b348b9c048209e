// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// gitops applies another pair to the Secret, as a tool does that has fixed values in its repository.
func (w *world) gitops(ctx SpecContext) {
	GinkgoHelper()
	w.applyFixed(ctx, corev1ac.Secret("backup", w.namespace).WithData(map[string][]byte{
		v1alpha1.SecretKeyAccessKeyID: []byte("FIXED"), v1alpha1.SecretKeySecretAccessKey: []byte("fixed/value/of/the/repository"),
	}))
}

// gitopsWithStringData does the same by a manifest with stringData.
func (w *world) gitopsWithStringData(ctx SpecContext) {
	GinkgoHelper()
	w.applyFixed(ctx, corev1ac.Secret("backup", w.namespace).WithStringData(map[string]string{
		v1alpha1.SecretKeyAccessKeyID: "FIXED", v1alpha1.SecretKeySecretAccessKey: "fixed/value/of/the/repository",
	}))
}

func (w *world) applyFixed(ctx SpecContext, secret *corev1ac.SecretApplyConfiguration) {
	GinkgoHelper()
	Expect(kube.Apply(ctx, secret, client.FieldOwner("gitops"), client.ForceOwnership)).To(Succeed())
}

// meddle lets somebody do something to the Secret every two seconds for a minute.
func (w *world) meddle(ctx SpecContext, do func()) {
	GinkgoHelper()
	for range 30 {
		do()
		w.step(ctx, 2*time.Second)
	}
	w.settle(ctx)
}

var _ = Describe("Another writer of the Secret", func() {
	DescribeTable("that applies fixed values again and again is named, and costs no pair that works",
		func(ctx SpecContext, service func(clock.PassiveClock) other, gitops func(*world, SpecContext), most int) {
			w := newBareWorld(ctx)
			o := service(w.clock)
			w.use(ctx, o)
			w.create(ctx, accessKey("backup", withUser(o.user)))
			p := w.issued(ctx, "backup", 1)
			before := len(o.server.History())
			w.meddle(ctx, func() { gitops(w, ctx) })
			Expect(len(o.server.History()) - before).To(BeNumerically("<=", most))
			Expect(w.works(p)).To(BeTrue(), "consumers may still use the pair")
			w.expectStalled(ctx, "backup", "SecretContested", `field manager "gitops"`, "accesskey.dev/renew")
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionFalse, "SecretEdited"))

			By("no longer")
			w.changeAccessKey(ctx, "backup", renewNow("now"))
			w.eventually(ctx, func(g Gomega) {
				ak := w.accessKey(ctx, "backup")
				g.Expect(ak).To(BeAtRest())
				g.Expect(ak.Status.LastHandledRenewal).To(Equal("now"))
			})
			Expect(w.works(w.published(ctx, "backup"))).To(BeTrue())
		},
		Entry("IONOS", ionosService, (*world).gitops, 3),
		Entry("ONTAP with one key per user", oneKey, (*world).gitopsWithStringData, 0),
	)

	It("is not repaired at the cost of keys in use where the quota is full", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		first := w.issued(ctx, "backup", 1)
		w.meddle(ctx, func() { w.gitops(ctx) })
		Expect(w.service.History()).To(HaveLen(2), "a user can have two keys")
		Expect(w.works(first)).To(BeTrue())
		w.expectStalled(ctx, "backup", "QuotaExceeded", "is not revoked for the repair", "accesskey.dev/renew")
	})

	It("that deletes it again and again gets few new pairs", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		o := ionosService(w.clock)
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		p := w.issued(ctx, "backup", 1)
		w.meddle(ctx, func() {
			Expect(client.IgnoreNotFound(kube.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "backup"}}))).To(Succeed())
		})
		Expect(len(o.server.History())).To(BeNumerically("<=", 4))
		Expect(w.works(p)).To(BeTrue())
		w.expectStalled(ctx, "backup", "SecretContested", "deleted or changed again and again")
		w.step(ctx, resync)
		w.expect(ctx, "backup", BeAtRest())
		Expect(w.works(w.published(ctx, "backup"))).To(BeTrue())
	})

	It("that changes a label again and again is left alone, and the pair stays", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", templated("a")))
		p := w.issued(ctx, "backup", 1)
		w.requests.reset()
		w.meddle(ctx, func() {
			secret := corev1ac.Secret("backup", w.namespace).WithLabels(map[string]string{"team": "b"})
			Expect(kube.Apply(ctx, secret, client.FieldOwner("gitops"), client.ForceOwnership)).To(Succeed())
		})
		Expect(w.requests.reset()["PATCH secrets"]).To(BeNumerically("<=", 3))
		w.expectStalled(ctx, "backup", "SecretContested", `field manager "gitops"`, "still holds the published pair")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		Expect(w.published(ctx, "backup")).To(Equal(p))
	})

	It("that writes fields of its own again and again costs no writes and no calls", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.settle(ctx)
		w.requests.reset()
		w.service.ResetCalls()
		w.meddle(ctx, func() {
			w.changeSecret(ctx, "backup", func(secret *corev1.Secret) {
				secret.Labels["theirs"], secret.Annotations["theirs"], secret.Data["theirs"] = "label", w.clock.Now().Format(time.RFC3339), []byte("data")
			})
		})
		for call := range w.requests.reset() {
			Expect(call).To(HavePrefix("GET "))
		}
		Expect(w.service.Calls()).To(BeEmpty())
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})
})

var _ = Describe("A policy that changes Secrets", func() {
	It("and removes the record costs no keys, and is told once", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.mutateSecrets(ctx, func(secret *corev1.Secret) { delete(secret.Annotations, v1alpha1.RecordAnnotation) })
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.requests.reset()
		for range 6 {
			w.step(ctx, 10*time.Second)
		}
		Expect(w.requests.reset()).To(BeEmpty())
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		p := w.issued(ctx, "backup", 2)
		Expect(w.service.History()).To(HaveLen(2))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, w.accessKey(ctx, "backup"))).To(Equal(map[string]int{"RecordRemoved": 1, "Rotated": 1}))
		})
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Labels["theirs"] = "label" })
		w.step(ctx, resync)
		Expect(w.issued(ctx, "backup", 2)).To(Equal(p))
		Expect(w.secret(ctx, "backup").Annotations).NotTo(HaveKey(v1alpha1.RecordAnnotation))
	})

	It("and what is around the pair costs no writes and no events", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.mutateSecrets(ctx, func(secret *corev1.Secret) {
			secret.Data["policy"], secret.Labels[v1alpha1.ManagedByLabel] = []byte("data"), "policy"
			secret.Data["AWS_REGION"] = []byte("eu-central-1")
		})
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.settle(ctx)
		w.requests.reset()
		for range 3 {
			w.step(ctx, resync)
		}
		Expect(w.requests.reset()).To(BeEmpty())
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Labels["theirs"] = "label" })
		w.step(ctx, resync)
		before := w.secret(ctx, "backup").ResourceVersion
		w.step(ctx, resync)
		Expect(w.secret(ctx, "backup").ResourceVersion).To(Equal(before))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, w.accessKey(ctx, "backup"))).To(BeEmpty())
		})
	})

	It("and the pair gets no key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.mutateSecrets(ctx, func(secret *corev1.Secret) { secret.Data[v1alpha1.SecretKeySecretAccessKey] = []byte("masked") })
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "SecretRefused", "another value of AWS_SECRET_ACCESS_KEY")
		w.meddle(ctx, func() {})
		Expect(w.service.History()).To(BeEmpty())
	})
})

var _ = Describe("A copy of the published Secret", func() {
	copyTo := func(ctx SpecContext, w *world, published *corev1.Secret, name string) {
		GinkgoHelper()
		w.create(ctx, &corev1.Secret{ // as kubectl get, an editor and kubectl apply make it
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: published.Labels, Annotations: published.Annotations, OwnerReferences: published.OwnerReferences},
			Data:       published.Data,
		})
	}

	DescribeTable("is never deleted",
		func(ctx SpecContext, name string, record bool) {
			w := newBareWorld(ctx)
			w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.S3 = nil }) // no pair waits
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			published := w.secret(ctx, "backup")
			if !record {
				delete(published.Annotations, v1alpha1.RecordAnnotation)
			}
			copyTo(ctx, w, published, name)
			w.step(ctx, resync)
			w.changeAccessKey(ctx, "backup", renewNow("now"))
			w.issued(ctx, "backup", 2)
			w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(p)).To(BeFalse()) })
			w.step(ctx, resync)
			Expect(w.published(ctx, name)).To(Equal(p))
		},
		Entry("whatever its name", "copy", true),
		Entry("without the record", "copy", false),
		Entry("under the name in which a pair would wait", "backup-next", true),
	)

	It("is never deleted under a former secretName", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		published := w.secret(ctx, "backup")
		w.changeAccessKey(ctx, "backup", toSecret("elsewhere"))
		w.issued(ctx, "backup", 2)
		w.delete(ctx, named(&corev1.Secret{}, "backup"))
		copyTo(ctx, w, published, "backup")
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(p)).To(BeFalse()) })
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(w.published(ctx, "backup")).To(Equal(p))
	})
})
