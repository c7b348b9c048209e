// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
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
		w.expect(ctx, "backup", BeAtRest(), verified)
		after := w.accessKey(ctx, "backup").Status
		Expect(after.IssueReason).To(Equal(v1alpha1.IssuedAdopted))
		for _, status := range []*v1alpha1.AccessKeyStatus{&before, &after} { // the Secret says that the pair was adopted, and it was verified again
			status.Conditions, status.Verification, status.SecretResourceVersion, status.IssueReason = nil, nil, "", ""
		}
		Expect(after).To(Equal(before))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, w.accessKey(ctx, "backup"))).To(HaveKeyWithValue("Adopted", 1))
		})
		w.stepTo(ctx, before.PreviousKeys[0].RevokeAt.Time)
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

// wipeStatus removes the status, as a restore from a backup does.
func (w *world) wipeStatus(ctx SpecContext, name string) {
	GinkgoHelper()
	ak := named(&v1alpha1.AccessKey{}, name)
	ak.Namespace = w.namespace
	Expect(statusLoss().Status().Patch(ctx, ak, client.RawPatch(types.MergePatchType, []byte(`{"status":null}`)))).To(Succeed())
}
