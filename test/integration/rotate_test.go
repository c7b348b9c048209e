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

var _ = Describe("Rotating a key", func() {
	It("replaces the pair at renewalTime, lets both work in the overlap, and revokes the old one at revokeAt", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		before := w.accessKey(ctx, "backup").Status

		By("not before its time")
		w.stepTo(ctx, before.RenewalTime.Add(-time.Second))
		w.consistently(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(1)) })

		By("in the overlap")
		w.stepTo(ctx, before.RenewalTime.Time)
		fresh := w.issued(ctx, "backup", 2)
		Expect(fresh.id).NotTo(Equal(old.id))
		Expect(w.works(old)).To(BeTrue())
		status := w.accessKey(ctx, "backup").Status
		Expect(status.PreviousKeys).To(HaveLen(1))
		previous := status.PreviousKeys[0]
		Expect(previous.KeyID).To(Equal(old.id))
		Expect(previous.RevokeAt.Time).To(BeTemporally("==", before.ExpiresAt.Time), "as announced")

		By("until its end")
		w.stepTo(ctx, previous.RevokeAt.Add(-time.Second))
		w.consistently(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeTrue()) })
		w.stepTo(ctx, previous.RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(w.published(ctx, "backup")).To(Equal(fresh))
	})

	DescribeTable("lets no key outlive its ttl over many rotations, and revokes none before the time that was announced",
		func(ctx SpecContext, ttl, renewBefore *metav1.Duration) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup", func(ak *v1alpha1.AccessKey) { ak.Spec.TTL, ak.Spec.RenewBefore = ttl, renewBefore }))
			w.issued(ctx, "backup", 1)
			announced := map[string]time.Time{}
			for w.accessKey(ctx, "backup").Status.Revision < 6 {
				status := w.accessKey(ctx, "backup").Status
				announced[status.KeyID] = status.ExpiresAt.Time
				w.stepTo(ctx, w.nextMoment(ctx, "backup"))
				w.eventually(ctx, func(g Gomega) { g.Expect(w.nextMoment(ctx, "backup")).To(BeTemporally(">", w.clock.Now())) })
				Expect(w.works(w.published(ctx, "backup"))).To(BeTrue())
			}
			var ended int
			for _, key := range w.service.History() {
				if !key.Live() {
					ended++
					Expect(key.DeletedAt.Sub(key.CreatedAt)).To(BeNumerically("<=", ttl.Duration+time.Second))
					Expect(key.DeletedAt).To(BeTemporally(">=", announced[key.ID]))
				}
			}
			Expect(ended).To(BeNumerically(">=", 4))
		},
		Entry("of thirty days", days(30), days(10)),
		Entry("of thirty days, with an overlap of more than half", days(30), days(20)),
		Entry("of a minute, the shortest there is", duration(time.Minute), nil),
	)

	It("takes renewBeforePercentage as a share of the ttl", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", func(ak *v1alpha1.AccessKey) {
			ak.Spec.RenewBefore, ak.Spec.RenewBeforePercentage = nil, 10
		}))
		w.issued(ctx, "backup", 1)
		status := w.accessKey(ctx, "backup").Status
		latest := status.ExpiresAt.Add(-3 * day)
		Expect(status.RenewalTime.Time).To(And(BeTemporally("<=", latest), BeTemporally(">", latest.Add(-3*day))))
	})

	It("reports each rotation once, and announces the revocation in the same event", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		fresh := w.issued(ctx, "backup", 2)
		ak := w.accessKey(ctx, "backup")
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"Rotated": 1}))
		})
		event := eventsOf(ctx, Default, ak)[0]
		Expect(event.Note).To(And(ContainSubstring(fresh.id), ContainSubstring("renewal time"),
			ContainSubstring("the previous access key "+old.id+" works until "+ak.Status.PreviousKeys[0].RevokeAt.UTC().Format(time.RFC3339))))
		Expect(event.Type).To(Equal("Normal"))
		Expect(event.ReportingController).To(Equal("accesskey-operator"))
		w.stepTo(ctx, ak.Status.PreviousKeys[0].RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"Rotated": 1})) })
	})

	It("catches up after a time in which the operator did not run", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.stop()
		w.clock.Step(25 * day)
		w.start()
		w.issued(ctx, "backup", 2)
		w.stop()
		w.clock.Step(10 * day)
		w.start()
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		w.issued(ctx, "backup", 2)
	})

	It("follows a changed ttl with the same pair", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { ak.Spec.TTL = days(60) })
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		status := w.accessKey(ctx, "backup").Status
		Expect(status.ExpiresAt.Time).To(BeTemporally("==", status.IssuedAt.Add(60*day)))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Annotations).To(HaveKeyWithValue("accesskey.dev/expires-at", status.ExpiresAt.UTC().Format(time.RFC3339)))
		})
		w.changeAccessKey(ctx, "backup", withoutTTL)
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Annotations).NotTo(HaveKey("accesskey.dev/expires-at"))
		})
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.accessKey(ctx, "backup").Status.ExpiresAt.IsZero()).To(BeTrue())
	})

	It("replaces at once a pair that a shortened ttl makes too old, and revokes it without an overlap", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.step(ctx, 15*day)
		w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { ak.Spec.TTL, ak.Spec.RenewBefore = days(14), days(3) })
		fresh := w.issued(ctx, "backup", 2)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		Expect(w.works(fresh)).To(BeTrue())
	})
})

var _ = Describe("Renewing by annotation", func() {
	It("rotates once per token, and leaves the annotation alone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		first := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("one"))
		second := w.issued(ctx, "backup", 2)
		Expect(w.works(first)).To(BeTrue(), "the overlap is kept")
		ak := w.accessKey(ctx, "backup")
		Expect(ak.Status.LastHandledRenewal).To(Equal("one"))
		Expect(ak.Annotations).To(HaveKeyWithValue("accesskey.dev/renew", "one"))

		By("not again for the same token, nor for none")
		w.step(ctx, resync)
		w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { metav1.SetMetaDataAnnotation(&ak.ObjectMeta, "other", "change") })
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.accessKey(ctx, "backup").Status.Revision).To(BeEquivalentTo(2)) })
		w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { delete(ak.Annotations, "accesskey.dev/renew") })
		w.consistently(ctx, func(g Gomega) { g.Expect(w.accessKey(ctx, "backup").Status.Revision).To(BeEquivalentTo(2)) })

		By("again for another token")
		w.changeAccessKey(ctx, "backup", renewNow("two"))
		third := w.issued(ctx, "backup", 3)
		Expect(third.id).NotTo(Equal(second.id))
		Expect(w.works(second)).To(BeTrue())
		Expect(w.works(first)).To(BeFalse(), "the oldest makes room in the quota")
	})

	It("does not rotate what was issued with the token there already", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", renewNow("from the start")))
		w.issued(ctx, "backup", 1)
		w.step(ctx, resync)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.service.History()).To(HaveLen(1)) })
	})

	DescribeTable("has an overlap without a ttl too",
		func(ctx SpecContext, renewBefore *metav1.Duration, overlap time.Duration) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup", withoutTTL, func(ak *v1alpha1.AccessKey) { ak.Spec.RenewBefore = renewBefore }))
			old := w.issued(ctx, "backup", 1)
			w.changeAccessKey(ctx, "backup", renewNow("now"))
			w.issued(ctx, "backup", 2)
			w.step(ctx, overlap-time.Hour)
			w.consistently(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeTrue()) })
			w.step(ctx, time.Hour)
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		},
		Entry("of a day", nil, day),
		Entry("of renewBefore", duration(3*time.Hour), 3*time.Hour),
	)

	It("makes one pair for tokens that follow each other at once", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.stop()
		w.changeAccessKey(ctx, "backup", renewNow("one"))
		w.changeAccessKey(ctx, "backup", renewNow("two"))
		w.start()
		w.issued(ctx, "backup", 2)
		Expect(w.accessKey(ctx, "backup").Status.LastHandledRenewal).To(Equal("two"))
		Expect(w.service.History()).To(HaveLen(2))
	})
})

var _ = Describe("Suspending an AccessKey", func() {
	It("makes no key until it is resumed", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", suspended))
		w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionUnknown, "Suspended"),
			HaveCondition("Ready", metav1.ConditionUnknown, "Pending"))
		w.consistently(ctx, func(g Gomega) { g.Expect(w.service.History()).To(BeEmpty()) })
		w.changeAccessKey(ctx, "backup", resumed)
		w.issued(ctx, "backup", 1)
	})

	It("neither rotates nor repairs until it is resumed, but revokes on time", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		current := w.issued(ctx, "backup", 2)
		w.changeAccessKey(ctx, "backup", suspended)
		w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionUnknown, "Suspended"),
			HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.service.ResetCalls()
		w.changeAccessKey(ctx, "backup", renewNow("again"))
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) {
			g.Expect(w.works(old)).To(BeTrue())
			g.Expect(w.service.Calls()).NotTo(HaveKey("GET /v1/s3/access-keys/"))
		})

		By("passing the time of the next revocation and rotation")
		w.step(ctx, 29*day)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.consistently(ctx, func(g Gomega) { g.Expect(w.works(current)).To(BeTrue()) })
		Expect(w.accessKey(ctx, "backup").Status.Revision).To(BeEquivalentTo(2))
		Expect(w.accessKey(ctx, "backup").Status.PreviousKeys).To(BeEmpty())

		By("resuming")
		w.changeAccessKey(ctx, "backup", resumed)
		w.issued(ctx, "backup", 3)
	})
})

func resumed(ak *v1alpha1.AccessKey) { ak.Spec.Suspend = nil }

// nextMoment is when the next rotation or revocation of an AccessKey is due.
func (w *world) nextMoment(ctx SpecContext, name string) time.Time {
	GinkgoHelper()
	status := w.accessKey(ctx, name).Status
	next := status.RenewalTime.Time
	for _, previous := range status.PreviousKeys {
		if previous.RevokeAt.Time.Before(next) {
			next = previous.RevokeAt.Time
		}
	}
	return next
}
