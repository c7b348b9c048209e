// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("An API server that does not take the Secret", func() {
	It("because a webhook cannot be reached ends no pair that works", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		o := oneKey(w.clock)
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		p := w.issued(ctx, "backup", 1)
		before := len(o.server.History())
		lift := w.cutWebhook(ctx)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expectTold(ctx, "backup", "failed calling webhook")
		for range 6 {
			w.step(ctx, 10*time.Second)
			Expect(w.works(p)).To(BeTrue())
		}
		Expect(o.server.History()).To(HaveLen(before))
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveCondition("Synced", metav1.ConditionTrue, "ServiceReachable"))
		lift(ctx)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 2)
	})

	It("because a webhook cannot be reached makes no key", func(ctx SpecContext) {
		w := newWorld(ctx)
		lift := w.cutWebhook(ctx)
		w.create(ctx, accessKey("backup"))
		w.expectTold(ctx, "backup", "failed calling webhook")
		w.meddle(ctx, func() {})
		Expect(w.service.History()).To(BeEmpty())
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", "failed calling webhook"))
		lift(ctx)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 1)
	})

	It("because a quota is full makes no key", func(ctx SpecContext) {
		w := newWorld(ctx)
		full := corev1.ResourceList{"count/secrets": resource.MustParse("2")} // those of the KeyService
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "quota"}, Spec: corev1.ResourceQuotaSpec{Hard: full}}
		w.create(ctx, quota)
		quota.Status = corev1.ResourceQuotaStatus{Hard: full, Used: full} // as the controller manager counts
		Expect(kube.Status().Update(ctx, quota)).To(Succeed())
		Eventually(ctx, func() error { return kube.Create(ctx, w.probe(), client.DryRunAll) }).ShouldNot(Succeed())
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "SecretRefused", "exceeded quota", "no key was created or revoked")
		w.meddle(ctx, func() {})
		Expect(w.service.History()).To(BeEmpty())
		w.delete(ctx, quota)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 1)
	})

	It("because its namespace is being deleted makes no key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		Expect(kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}})).To(Succeed())
		w.delete(ctx, named(&corev1.Secret{}, "backup"))
		w.expectTold(ctx, "backup", "is being terminated")
		w.meddle(ctx, func() {})
		Expect(w.service.History()).To(HaveLen(1))
		Expect(w.works(p)).To(BeTrue())
		ak := accessKey("backup")
		w.delete(ctx, ak)
		w.gone(ctx, ak)
		Expect(w.works(p)).To(BeFalse())
	})

	It("because it is immutable gives up no pair", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		o := oneKey(w.clock)
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		p := w.issued(ctx, "backup", 1)
		before := len(o.server.History())
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Immutable = new(true) })
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expectStalled(ctx, "backup", v1alpha1.ReasonSecretRefused, "field is immutable when `immutable` is set")
		w.meddle(ctx, func() {})
		Expect(o.server.History()).To(HaveLen(before))
		Expect(w.works(p)).To(BeTrue())
	})
})
