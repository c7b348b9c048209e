// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

func withSecretName(name string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = name }
}

// keptBack issues a pair, and a second one that the data plane rejects until it is held. It returns the first.
func (w *world) keptBack(ctx SpecContext, changes ...func(*v1alpha1.AccessKey)) pair {
	GinkgoHelper()
	w.create(ctx, accessKey("backup", changes...))
	old := w.issued(ctx, "backup", 1)
	w.plane.AcceptAfter(never)
	w.changeAccessKey(ctx, "backup", renewNow("now"))
	w.unaccepted(ctx, "backup")
	w.step(ctx, 2*time.Minute)
	w.expectStalled(ctx, "backup", "VerificationFailed")
	return old
}

// waiting returns the pair in the next Secret.
func (w *world) waiting(ctx SpecContext, name string) pair {
	GinkgoHelper()
	return w.pairOf(w.secret(ctx, name))
}

var _ = Describe("While a pair is held", func() {
	It("the Secret follows its template, and a new secretName gets the held pair", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.keptBack(ctx)
		held := w.waiting(ctx, "backup-next")
		w.changeAccessKey(ctx, "backup", withData("pair", bothHalves))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Data).To(HaveKeyWithValue("pair", []byte(old.id+":"+old.secret)))
		})
		w.expectStalled(ctx, "backup", "VerificationFailed")

		w.changeAccessKey(ctx, "backup", withSecretName("moved"))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(kube.Get(ctx, w.named("moved"), &corev1.Secret{})).To(Succeed())
		})
		w.nothingWaits(ctx, "backup")
		w.nothingWaits(ctx, "moved")
		Expect(w.published(ctx, "moved")).To(Equal(held), "no key is made for the new name")
		Expect(w.published(ctx, "backup")).To(Equal(old))
		Expect(w.works(old)).To(BeTrue())
		Expect(w.service.History()).To(HaveLen(2))
	})

	It("a foreign Secret of the new name changes nothing, and neither does the way back", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.keptBack(ctx)
		held := w.waiting(ctx, "backup-next")
		w.create(ctx, byHand("taken", pair{"AKIAFOREIGN", "foreign"}))
		w.changeAccessKey(ctx, "backup", withSecretName("taken"))
		w.expectStalled(ctx, "backup", "SecretConflict", "Secret taken exists")
		Expect(w.waiting(ctx, "backup-next")).To(Equal(held))
		w.changeAccessKey(ctx, "backup", withSecretName("backup"))
		w.expectStalled(ctx, "backup", "VerificationFailed")
		Expect(w.published(ctx, "backup")).To(Equal(old))
		w.plane.AcceptAfter(0)
		w.step(ctx, 15*time.Minute)
		Expect(w.issued(ctx, "backup", 2)).To(Equal(held))
		w.nothingWaits(ctx, "backup")
	})

	It("it is revoked if it is compromised, and so is what it would replace", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.keptBack(ctx)
		held := w.waiting(ctx, "backup-next")
		w.changeAccessKey(ctx, "backup", compromised(held.id))
		w.revoked(ctx, held)
		w.unaccepted(ctx, "backup") // another one
		Expect(w.accessKey(ctx, "backup").Status.History).To(ConsistOf(And(HaveField("AccessKeyID", held.id), HaveField("RevokeReason", v1alpha1.RevokedCompromised))))
		Expect(w.published(ctx, "backup")).To(Equal(old))
		w.changeAccessKey(ctx, "backup", compromised(held.id, old.id))
		w.revoked(ctx, old)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveCondition("Verified", metav1.ConditionFalse, "Rejected"))
		w.nothingWaits(ctx, "backup")
	})

	It("Retain names the key that is left at the service", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.keptBack(ctx, retained)
		held := w.waiting(ctx, "backup-next")
		w.excused[held.id], w.excused[old.id] = true, true
		ak := w.accessKey(ctx, "backup")
		w.delete(ctx, ak)
		w.gone(ctx, ak)
		w.eventually(ctx, func(g Gomega) {
			g.Expect(eventsOf(ctx, g, ak)).To(ContainElements(HaveField("Note", ContainSubstring("Kept the keys "+old.id)), HaveField("Note", ContainSubstring("so key "+held.id+" of user"))))
		})
		Expect(w.works(old)).To(BeTrue())
	})
})
