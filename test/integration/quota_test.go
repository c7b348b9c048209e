// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("The quota of a user", func() {
	It("that foreign keys use up is explained with their IDs, and they are left alone", func(ctx SpecContext) {
		w := newWorld(ctx)
		first, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		second, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "QuotaExceeded", `user "local:alice" has 2 keys of at most 2`, first.ID, second.ID)
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(w.service.Keys(alice)).To(HaveLen(2))
		w.service.RemoveKey(first.ID)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 1)
	})

	It("that leaves no room for a rotation stalls it, and the published pair stays", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		foreign, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expectStalled(ctx, "backup", "QuotaExceeded", foreign.ID, p.id)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		Expect(w.works(p)).To(BeTrue())
		w.service.RemoveKey(foreign.ID)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 2)
	})

	It("that two AccessKeys use up leaves no room for a third", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("first"), accessKey("second"))
		w.issued(ctx, "first", 1)
		w.issued(ctx, "second", 1)
		w.create(ctx, accessKey("third"))
		w.expectStalled(ctx, "third", "QuotaExceeded")
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.step(ctx, resync)
		w.issued(ctx, "third", 1)
	})

	It("that two AccessKeys share leaves neither of them room to rotate, and both go on working", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("first"), accessKey("second"))
		first, second := w.issued(ctx, "first", 1), w.issued(ctx, "second", 1)
		w.step(ctx, 25*day)
		for _, name := range []string{"first", "second"} {
			w.expectStalled(ctx, name, "QuotaExceeded", first.id, second.id)
			w.expect(ctx, name, HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		}
		Expect(w.works(first)).To(BeTrue())
		Expect(w.works(second)).To(BeTrue())
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.step(ctx, resync)
		w.issued(ctx, "second", 2)
	})
})
