// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

func whenIdle(idleFor *metav1.Duration) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		ak.Spec.Rotation = &v1alpha1.Rotation{RevokePrevious: v1alpha1.RevokeWhenIdle, IdleFor: idleFor}
	}
}

var _ = Describe("The last use of an old key", func() {
	const asked = "GET /v5/users/{user_id}/access-keys/{access_key_id}/last-used"

	It("lets an idle key be revoked early, and a key in use stay", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		old, fresh := w.rotated(ctx, accessKey("backup", withUser(user), whenIdle(duration(2*time.Hour))))
		revokeAt := w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time
		w.settle(ctx)

		By("a key that is used stays")
		account.ResetCalls()
		for range 3 {
			Expect(account.Use(old.id, old.secret)).To(BeTrue())
			w.step(ctx, time.Hour)
		}
		w.settle(ctx)
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", ConsistOf(HaveField("LastUsedAt.IsZero()", BeFalse()))))
		Expect(account.Calls()[asked]).To(BeNumerically("~", 3, 1))
		Expect(w.works(old)).To(BeTrue())

		By("one that is no longer used goes, long before its revokeAt")
		w.step(ctx, time.Hour)
		w.step(ctx, time.Hour)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		w.expectEvent(ctx, "backup", "Revoked", "which nobody has used since")
		Expect(w.clock.Now()).To(BeTemporally("<", revokeAt.Add(-9*day)))
		Expect(w.published(ctx, "backup")).To(Equal(fresh))
	})

	It("tells of a consumer that never took the new pair up, once", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		old, _ := w.rotated(ctx, accessKey("backup", withUser(user)))
		previous := w.accessKey(ctx, "backup").Status.PreviousKeys[0]
		w.stepTo(ctx, previous.RevokeAt.Add(-day))
		Expect(account.Use(old.id, old.secret)).To(BeTrue())
		w.step(ctx, time.Hour)
		w.expectEvent(ctx, "backup", "PreviousKeyInUse", "a consumer has not loaded the current pair from Secret backup")
		w.settle(ctx)
		w.requests.reset()
		Expect(account.Use(old.id, old.secret)).To(BeTrue())
		w.step(ctx, time.Hour)
		w.step(ctx, time.Hour)
		w.settle(ctx)
		Expect(w.requests.reset()).To(BeEmpty(), "a key that is used all the time causes no writes all the time")
		Expect(events(ctx, Default, w.accessKey(ctx, "backup"))).To(HaveKeyWithValue("PreviousKeyInUse", 1))
		w.stepTo(ctx, previous.RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
	})

	It("is unknown when the service does not allow to read it, which is told and changes nothing else", func(ctx SpecContext) {
		w, account, user := newHuaweiWorld(ctx)
		old, _ := w.rotated(ctx, accessKey("backup", withUser(user), whenIdle(nil)))
		account.Allow("iam:users:listUsersV5", "iam:credentials:listCredentialsV5", "iam:credentials:createCredentialV5",
			"iam:credentials:updateCredentialV5", "iam:credentials:deleteCredentialV5")
		w.step(ctx, 25*time.Hour)
		w.expectEvent(ctx, "backup", "LastUseUnknown", "so it counts as in use")
		w.expect(ctx, "backup", BeAtRest())
		Expect(w.works(old)).To(BeTrue())
	})

	It("is refused or told where it can have no effect", func(ctx SpecContext) {
		w := newWorld(ctx)
		refused := func(change func(*v1alpha1.Rotation), message string) {
			GinkgoHelper()
			ak := accessKey("refused", whenIdle(nil))
			ak.Namespace = w.namespace
			change(ak.Spec.Rotation)
			Expect(kube.Create(ctx, ak)).To(MatchError(ContainSubstring(message)))
		}
		refused(func(r *v1alpha1.Rotation) { r.IdleFor = duration(59 * time.Minute) }, "idleFor must be at least 1h")
		refused(func(r *v1alpha1.Rotation) { r.IdleFor, r.RevokePrevious = days(1), v1alpha1.RevokeAtExpiry }, "idleFor has no effect without revokePrevious: WhenIdle")
		refused(func(r *v1alpha1.Rotation) { r.IdleFor, r.RevokePrevious = days(1), "" }, "idleFor has no effect without revokePrevious: WhenIdle")
		refused(func(r *v1alpha1.Rotation) { r.Strategy = v1alpha1.StrategyReplace }, "the strategy Replace leaves no old key that could be idle")
		w.create(ctx, accessKey("backup", whenIdle(days(1))))
		w.issued(ctx, "backup", 1)
		w.expect(ctx, "backup", BeAtRest(), HaveCondition("Ready", metav1.ConditionTrue, "Issued", "WhenIdle has no effect, because the service does not tell"))
		w.expectEvent(ctx, "backup", "LastUseUnsupported", "the service does not tell")
	})
})
