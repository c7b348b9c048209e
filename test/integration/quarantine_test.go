// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
)

func withQuarantine(d *metav1.Duration) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation = &v1alpha1.Rotation{Quarantine: d} }
}

// askToEnable sets the annotation that asks to enable a key.
func askToEnable(value string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		metav1.SetMetaDataAnnotation(&ak.ObjectMeta, v1alpha1.EnableAnnotation, value)
	}
}

// newHuaweiWorld makes a world with an account at Huawei Cloud.
func newHuaweiWorld(ctx SpecContext) (*world, *huawei.Simulator, string) {
	GinkgoHelper()
	w := newBareWorld(ctx)
	o := huaweiService(w.clock)
	w.use(ctx, o)
	return w, o.server.(*huawei.Simulator), o.user
}

// rotated issues and rotates the pair of an AccessKey, and returns both pairs.
func (w *world) rotated(ctx SpecContext, ak *v1alpha1.AccessKey) (old, fresh pair) {
	GinkgoHelper()
	w.create(ctx, ak)
	old = w.issued(ctx, ak.Name, 1)
	w.stepTo(ctx, w.accessKey(ctx, ak.Name).Status.RenewalTime.Time)
	return old, w.issued(ctx, ak.Name, 2)
}

func (w *world) expectEvent(ctx SpecContext, name, reason, says string) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		g.Expect(eventsOf(ctx, g, w.accessKey(ctx, name))).To(ContainElement(And(HaveField("Reason", reason), HaveField("Note", ContainSubstring(says)))))
	})
}

var _ = Describe("The quarantine of an old key", func() {
	It("keeps the key disabled before it is deleted, and a forgotten consumer is rescued by the annotation", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		old, fresh := w.rotated(ctx, accessKey("backup", withUser(user), withQuarantine(days(3))))
		revokeAt := w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time

		By("disabled at the end of its overlap, which costs a write and an event")
		w.stepTo(ctx, revokeAt.Add(-time.Second))
		w.settle(ctx)
		w.requests.reset()
		w.stepTo(ctx, revokeAt)
		w.expectEvent(ctx, "backup", "Disabled", "Disabled access key "+old.id)
		w.settle(ctx)
		Expect(w.requests.reset()).To(And(HaveKeyWithValue("PATCH accesskeys/status", 1), HaveKeyWithValue("POST events", 1), Not(HaveKey(HavePrefix("PATCH secrets")))))
		Expect(w.works(old)).To(BeFalse())
		Expect(account.Keys(user)).To(HaveLen(2))
		quarantined := w.accessKey(ctx, "backup").Status.PreviousKeys[0]
		Expect(quarantined.State).To(Equal(v1alpha1.KeyDisabled))
		Expect(quarantined.DeleteAt.Time).To(BeTemporally("~", revokeAt.Add(3*day), time.Minute))
		w.expect(ctx, "backup", BeAtRest())

		By("left alone in the steady state")
		account.ResetCalls()
		w.step(ctx, resync)
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(account.Calls()).NotTo(HaveKey(ContainSubstring("PUT")))
		Expect(w.requests.reset()).To(BeEmpty())

		By("enabled by the annotation, once")
		w.changeAccessKey(ctx, "backup", askToEnable(old.id))
		w.expectEvent(ctx, "backup", "Enabled", "Enabled access key "+old.id)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeTrue()) })
		status := w.accessKey(ctx, "backup").Status
		Expect(status.LastHandledEnable).To(Equal(old.id))
		Expect(status.PreviousKeys[0].RevokeAt.Sub(status.PreviousKeys[0].EnabledAt.Time)).To(Equal(10 * day))
		Expect(w.accessKey(ctx, "backup").Annotations).To(HaveKeyWithValue(v1alpha1.EnableAnnotation, old.id), "GitOps tools would report its removal as drift")
		w.settle(ctx)
		Expect(w.published(ctx, "backup")).To(Equal(fresh))
	})

	It("ends with the deletion of the key", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		old, fresh := w.rotated(ctx, accessKey("backup", withUser(user), withQuarantine(days(3))))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", HaveField("Status.PreviousKeys", ConsistOf(HaveField("State", v1alpha1.KeyDisabled))))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].DeleteAt.Time)
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(account.Keys(user)).To(HaveLen(1))
		w.changeAccessKey(ctx, "backup", askToEnable(old.id))
		w.expectEvent(ctx, "backup", "EnableRefused", "no previous key of this AccessKey")
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.LastHandledEnable", old.id))
		Expect(w.published(ctx, "backup")).To(Equal(fresh))
	})

	It("ends early when the next rotation needs the place, and that is told", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		w.rotated(ctx, accessKey("backup", withUser(user), withQuarantine(days(30))))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", HaveField("Status.PreviousKeys", ConsistOf(HaveField("State", v1alpha1.KeyDisabled))))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.issued(ctx, "backup", 3)
		w.expectEvent(ctx, "backup", "QuarantineEnded", "a new one needs the place")
		Expect(account.Keys(user)).To(HaveLen(2))
	})

	It("does not delay the deletion of the AccessKey", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		w.rotated(ctx, accessKey("backup", withUser(user), withQuarantine(days(3))))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", HaveField("Status.PreviousKeys", ConsistOf(HaveField("State", v1alpha1.KeyDisabled))))
		ak := accessKey("backup")
		w.delete(ctx, ak)
		w.gone(ctx, ak)
		Expect(account.Keys(user)).To(BeEmpty())
	})

	It("is resumed when somebody enables the key at the service", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		old, _ := w.rotated(ctx, accessKey("backup", withUser(user), withQuarantine(days(3))))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", HaveField("Status.PreviousKeys", ConsistOf(HaveField("State", v1alpha1.KeyDisabled))))
		w.settle(ctx)
		account.SetActive(old.id, true)
		w.step(ctx, resync)
		w.step(ctx, resync)
		w.eventually(ctx, func(g Gomega) { g.Expect(account.Active(old.id)).To(BeFalse()) })
		w.expectEvent(ctx, "backup", "Disabled", "somebody had enabled")
	})

	It("is refused or told where it can have no effect", func(ctx SpecContext) {
		w := newWorld(ctx)
		replacing := accessKey("replacing", withQuarantine(days(3)))
		replacing.Namespace = w.namespace
		replacing.Spec.Rotation.Strategy = v1alpha1.StrategyReplace
		Expect(kube.Create(ctx, replacing)).To(MatchError(ContainSubstring("quarantine keeps the old key, and the strategy Replace leaves none")))
		old, _ := w.rotated(ctx, accessKey("backup", withQuarantine(days(3))))
		w.expect(ctx, "backup", BeAtRest(), HaveCondition("Ready", metav1.ConditionTrue, "Issued", "rotation.quarantine has no effect, because the service cannot disable keys"))
		w.expectEvent(ctx, "backup", "QuarantineUnsupported", "the service cannot disable keys")
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(w.works(old)).To(BeFalse())
		Expect(w.service.LivePairs()).To(HaveLen(1))
		Expect(w.service.History()[0].DeletedBy).NotTo(Equal(simulator.Person))
	})
})
