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
)

var _ = Describe("A status that was lost", func() {
	It("is found again on the Secret, with the same pair and its previous keys", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", renewNow("one")))
		first := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("two"))
		second := w.issued(ctx, "backup", 2)
		before := w.accessKey(ctx, "backup").Status
		w.wipeStatus(ctx, "backup")
		Expect(w.issued(ctx, "backup", 2)).To(Equal(second))
		after := w.accessKey(ctx, "backup").Status
		after.Conditions, before.Conditions = nil, nil // their times differ
		Expect(after).To(Equal(before))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, w.accessKey(ctx, "backup"))).To(HaveKeyWithValue("Adopted", 1))
		})
		w.stepTo(ctx, after.PreviousKeys[0].RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(first)).To(BeFalse()) })
		Expect(w.works(second)).To(BeTrue())
		Expect(w.service.History()).To(HaveLen(2))
	})

	It("is found again by an operator that was not there when it was lost", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.stop()
		w.wipeStatus(ctx, "backup")
		w.start()
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1))
	})
})

var _ = Describe("A status that was edited", func() {
	DescribeTable("does not turn the operator against a key of the same user that somebody else made",
		func(ctx SpecContext, age time.Duration) {
			w := newStoppedWorld(ctx)
			w.clock.SetTime(time.Now().Add(-age))
			foreign, _, err := w.service.MakeKey(alice)
			Expect(err).NotTo(HaveOccurred())
			w.clock.SetTime(time.Now())
			w.start()
			w.createService(ctx)
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			w.addPreviousKey(ctx, "backup", foreign)
			w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()), HaveField("Status.AccessKeyID", p.id))
			w.eventually(ctx, func(g Gomega) {
				g.Expect(events(ctx, g, w.accessKey(ctx, "backup"))).To(HaveKey("StatusRejected"))
			})
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			Expect(w.service.Keys(alice)).To(ConsistOf(HaveField("ID", foreign.ID)))
		},
		Entry("before the AccessKey", time.Hour),
		Entry("about when the AccessKey was made", time.Duration(0)),
	)

	It("does not turn the operator against another AccessKey's key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("first"), accessKey("second"))
		w.issued(ctx, "first", 1)
		victim := w.issued(ctx, "second", 1)
		w.addPreviousKey(ctx, "first", simulator.Pair{ID: victim.id, AccessKeyID: victim.id})
		w.expect(ctx, "first", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(w.works(victim)).To(BeTrue())
	})
})

// addPreviousKey writes a key that is due to be revoked into a status.
func (w *world) addPreviousKey(ctx SpecContext, name string, key simulator.Pair) {
	GinkgoHelper()
	now := metav1.NewTime(w.clock.Now().Truncate(time.Second))
	w.eventually(ctx, func(g Gomega) {
		ak := w.accessKey(ctx, name)
		ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: key.ID, AccessKeyID: key.ID, IssuedAt: now, RevokeAt: now}}
		g.Expect(kube.Status().Update(ctx, ak)).To(Succeed())
	})
}

// wipeStatus removes the status, as a restore from a backup does.
func (w *world) wipeStatus(ctx SpecContext, name string) {
	GinkgoHelper()
	kubectl(ctx, "patch", "accesskeys", name, "--namespace="+w.namespace, "--subresource=status", "--type=merge",
		`--patch={"status":null}`)
}
