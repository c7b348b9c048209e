// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// compromised names keys in spec.compromisedKeyIDs.
func compromised(ids ...string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.CompromisedKeyIDs = ids }
}

// revoked waits until a pair no longer works.
func (w *world) revoked(ctx SpecContext, p pair) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) { g.Expect(w.works(p)).To(BeFalse()) })
}

var _ = Describe("A compromised key", func() {
	It("is replaced at once, and revoked as soon as the new pair is published", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		leaked := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", compromised(leaked.id))
		w.revoked(ctx, leaked)
		fresh := w.issued(ctx, "backup", 2)
		ak := w.accessKey(ctx, "backup")
		Expect(ak.Status.PreviousKeys).To(BeEmpty())
		Expect(ak.Status.IssueReason).To(Equal(v1alpha1.IssuedCompromised))
		Expect(ak.Status.History).To(ConsistOf(And(
			HaveField("AccessKeyID", leaked.id), HaveField("IssueReason", v1alpha1.IssuedNew), HaveField("ReplaceReason", v1alpha1.IssuedCompromised),
			HaveField("RevokeReason", v1alpha1.RevokedCompromised), HaveField("ReplacedAt", ak.Status.IssuedAt))))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(eventsOf(ctx, g, ak)).To(ContainElement(HaveField("Note", ContainSubstring("the previous access key "+leaked.id+" is revoked now"))))
		})

		By("once, although the ID stays in the list")
		w.step(ctx, resync)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.published(ctx, "backup")).To(Equal(fresh)) })
		w.expect(ctx, "backup", BeAtRest())

		By("for as long as the list has it, whatever else is revoked")
		for revision := range int64(12) {
			w.changeAccessKey(ctx, "backup", renewNow(string(rune('a'+revision))))
			w.issued(ctx, "backup", revision+3)
		}
		history := w.accessKey(ctx, "backup").Status.History
		Expect(history).To(HaveLen(11))
		Expect(history[10].AccessKeyID).To(Equal(leaked.id))
		Expect(history[0].RevokedAt.Time).To(BeTemporally(">=", history[9].RevokedAt.Time), "newest first")
	})

	It("is revoked at once in its overlap, and nothing is rotated", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		leaked := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		fresh := w.issued(ctx, "backup", 2)
		w.changeAccessKey(ctx, "backup", compromised(leaked.id))
		w.revoked(ctx, leaked)
		Expect(w.issued(ctx, "backup", 2)).To(Equal(fresh))
		Expect(w.accessKey(ctx, "backup").Status.History).To(ConsistOf(And(
			HaveField("AccessKeyID", leaked.id), HaveField("ReplaceReason", v1alpha1.IssuedRequested), HaveField("RevokeReason", v1alpha1.RevokedCompromised))))
	})

	It("is known although the response to its creation is lost", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		leaked := w.issued(ctx, "backup", 1)
		w.service.Inject(simulator.Rule{Method: http.MethodPost, Path: "/v1/s3/access-keys/"}.Once(), simulator.DropAnswer())
		w.changeAccessKey(ctx, "backup", compromised(leaked.id))
		w.expect(ctx, "backup", HaveField("Status.Intent", Not(BeNil())))
		Expect(w.works(leaked)).To(BeTrue(), "its replacement is not published")
		w.step(ctx, settled)
		w.revoked(ctx, leaked)
		w.issued(ctx, "backup", 2)
	})

	DescribeTable("is replaced in place where no second key is possible",
		func(ctx SpecContext, service func(clock.PassiveClock) other, strategy func(*v1alpha1.AccessKey)) {
			w, o := newWorldOf(ctx, service)
			w.create(ctx, accessKey("backup", withUser(o.user), strategy))
			leaked := w.issued(ctx, "backup", 1)
			id := w.accessKey(ctx, "backup").Status.KeyID
			w.changeAccessKey(ctx, "backup", compromised(id))
			w.revoked(ctx, leaked)
			fresh := w.issued(ctx, "backup", 2)
			Expect(w.accessKey(ctx, "backup").Status.History).To(ConsistOf(And(HaveField("KeyID", id), HaveField("RevokeReason", v1alpha1.RevokedCompromised))))

			By("once, although the new pair can be in the key that the list names")
			w.step(ctx, resync)
			w.consistently(ctx, func(g Gomega) { g.Expect(w.published(ctx, "backup")).To(Equal(fresh)) })
		},
		Entry("ONTAP with one key", oneKey, replacedInPlace),
		Entry("ONTAP with two keys and the strategy Replace", twoKeys, replacedInPlace),
		Entry("Huawei with the strategy Replace", huaweiService, replacedInPlace),
	)

	It("is told while a foreign key fills the quota, and replaced in place if the strategy says so", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		leaked := w.issued(ctx, "backup", 1)
		_, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.changeAccessKey(ctx, "backup", compromised(leaked.id))
		w.expectStalled(ctx, "backup", "QuotaExceeded", "access key "+leaked.id+" is compromised, and works until its replacement is published", "set rotation.strategy to Replace")
		Expect(w.works(leaked)).To(BeTrue())
		w.changeAccessKey(ctx, "backup", replacedInPlace)
		w.revoked(ctx, leaked)
		w.issued(ctx, "backup", 2)
	})

	It("is told while the AccessKey is suspended, and replaced afterwards", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		previous := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		current := w.issued(ctx, "backup", 2)
		w.changeAccessKey(ctx, "backup", suspended)
		w.changeAccessKey(ctx, "backup", compromised(previous.id, current.id))
		w.revoked(ctx, previous)
		w.expectStalled(ctx, "backup", "CompromisedKeyInUse", "unset it to replace the key", "access key "+current.id+" is compromised")
		Expect(w.works(current)).To(BeTrue())
		w.changeAccessKey(ctx, "backup", resumed)
		w.revoked(ctx, current)
		w.issued(ctx, "backup", 3)
	})

	It("of another AccessKey, or of somebody else, is told and not touched", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("bob")
		w.create(ctx, accessKey("backup"))
		own := w.issued(ctx, "backup", 1)
		w.create(ctx, accessKey("other", withUser("local:bob")))
		others := w.issued(ctx, "other", 1)
		foreign, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.changeAccessKey(ctx, "backup", compromised(others.id, foreign.AccessKeyID, "TYPO"))
		w.expectStalled(ctx, "backup", "CompromisedKeyUnknown", others.id+", "+foreign.AccessKeyID+", TYPO", "nothing was revoked for them")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.step(ctx, resync)
		w.consistently(ctx, func(g Gomega) {
			g.Expect(w.works(own)).To(BeTrue())
			g.Expect(w.works(others)).To(BeTrue())
			g.Expect(w.service.LivePairs()).To(HaveLen(3))
		})
		Expect(w.issued(ctx, "other", 1)).To(Equal(others))

		By("correcting the list")
		w.changeAccessKey(ctx, "backup", compromised())
		w.expect(ctx, "backup", BeAtRest())
	})

	It("goes with its AccessKey if it cannot be replaced", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		leaked := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", suspended, compromised(leaked.id))
		w.expectStalled(ctx, "backup", "CompromisedKeyInUse", "to revoke it without a replacement, delete this AccessKey")
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.works(leaked)).To(BeFalse())
	})
})

var _ = Describe("The history", func() {
	It("says when and why a key was issued, replaced and revoked, in the write that drops the key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		first := w.accessKeyIssued(ctx, 1)
		w.stepTo(ctx, first.RenewalTime.Time)
		second := w.accessKeyIssued(ctx, 2)
		w.settle(ctx)
		w.requests.reset()
		w.stepTo(ctx, second.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(w.requests.reset()).To(HaveKeyWithValue("PATCH accesskeys/status", 1))
		gone := w.accessKey(ctx, "backup").Status.History
		Expect(gone).To(HaveLen(1))
		Expect(gone[0].RevokedAt.Time).To(BeTemporally(">=", second.PreviousKeys[0].RevokeAt.Time))
		gone[0].RevokedAt = metav1.Time{}
		Expect(gone[0]).To(Equal(v1alpha1.RevokedKey{
			KeyID: first.KeyID, AccessKeyID: first.AccessKeyID, IssuedAt: first.IssuedAt, IssueReason: v1alpha1.IssuedNew,
			ReplacedAt: second.IssuedAt, ReplaceReason: v1alpha1.IssuedScheduled, RevokeReason: v1alpha1.RevokedOverlapEnded,
		}))
	})

	It("has a key that the service lost", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		lost := w.accessKeyIssued(ctx, 1)
		Expect(w.service.RemoveKey(lost.KeyID)).To(BeTrue())
		w.step(ctx, 2*resync)
		w.issued(ctx, "backup", 2)
		Expect(w.accessKey(ctx, "backup").Status.History).To(ConsistOf(And(
			HaveField("KeyID", lost.KeyID), HaveField("ReplaceReason", v1alpha1.IssuedRestored), HaveField("RevokeReason", v1alpha1.RevokedGone))))
	})
})

// accessKeyIssued waits until the AccessKey backup is at rest with this revision, and returns its status.
func (w *world) accessKeyIssued(ctx SpecContext, revision int64) v1alpha1.AccessKeyStatus {
	GinkgoHelper()
	w.issued(ctx, "backup", revision)
	return w.accessKey(ctx, "backup").Status
}

var _ = Describe("Changing secretName", func() {
	It("publishes a new pair, and keeps the former Secret until its pair is revoked", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", toSecret("elsewhere"))
		w.issued(ctx, "backup", 2)
		Expect(w.published(ctx, "backup")).To(Equal(old))
		Expect(w.works(old)).To(BeTrue())
		status := w.accessKey(ctx, "backup").Status
		Expect(status.IssueReason).To(Equal(v1alpha1.IssuedRenamed))

		By("going back while the quota is full, without giving up a key")
		current, former := w.published(ctx, "elsewhere"), w.secret(ctx, "elsewhere")
		w.changeAccessKey(ctx, "backup", toSecret("backup"))
		w.eventually(ctx, func(g Gomega) { g.Expect(w.published(ctx, "backup")).To(Equal(current)) })
		w.gone(ctx, former)
		Expect(w.issued(ctx, "backup", 2)).To(Equal(current))
		Expect(w.works(old)).To(BeTrue(), "its overlap goes on")
		w.stepTo(ctx, status.PreviousKeys[0].RevokeAt.Time)
		w.revoked(ctx, old)
		Expect(w.issued(ctx, "backup", 2)).To(Equal(current))
	})

	DescribeTable("moves the pair where it would be replaced in place",
		func(ctx SpecContext, service func(clock.PassiveClock) other, strategy func(*v1alpha1.AccessKey)) {
			w, o := newWorldOf(ctx, service)
			w.create(ctx, accessKey("backup", withUser(o.user), strategy))
			p := w.issued(ctx, "backup", 1)
			w.changeAccessKey(ctx, "backup", toSecret("elsewhere"))
			w.gone(ctx, w.secret(ctx, "backup"))
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			Expect(w.published(ctx, "elsewhere")).To(Equal(p))
			w.changeAccessKey(ctx, "backup", toSecret("backup"))
			w.gone(ctx, w.secret(ctx, "elsewhere"))
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		},
		Entry("ONTAP with one key", oneKey, replacedInPlace),
		Entry("Huawei with the strategy Replace", huaweiService, replacedInPlace),
	)

	It("to that of a foreign Secret changes nothing, and to another one goes on", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", replacedInPlace))
		p := w.issued(ctx, "backup", 1)
		w.create(ctx, named(&corev1.Secret{}, "taken"))
		w.changeAccessKey(ctx, "backup", toSecret("taken"))
		w.expectStalled(ctx, "backup", "SecretConflict", "choose another secretName")
		Expect(w.published(ctx, "backup")).To(Equal(p))
		w.changeAccessKey(ctx, "backup", toSecret("free"))
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})
})
