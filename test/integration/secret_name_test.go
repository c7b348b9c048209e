// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var _ = Describe("A changed secretName", func() {
	It("gets a new pair, and the old Secret stays until its key is revoked", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", toSecret("elsewhere"))
		fresh := w.issued(ctx, "backup", 2)
		Expect(w.published(ctx, "elsewhere")).To(Equal(fresh))
		Expect(w.published(ctx, "backup")).To(Equal(old))
		Expect(w.works(old)).To(BeTrue())
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.gone(ctx, named(&corev1.Secret{}, "backup"))
		Expect(w.works(old)).To(BeFalse())
		Expect(w.issued(ctx, "backup", 2)).To(Equal(fresh))
	})

	It("that leads to a foreign Secret loses nothing", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", toSecret(credentials))
		w.expectStalled(ctx, "backup", "SecretConflict", "Secret credentials exists")
		Expect(w.published(ctx, "backup")).To(Equal(p))
		Expect(w.works(p)).To(BeTrue())
		w.changeAccessKey(ctx, "backup", toSecret(""))
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("that leads to a copy of the published Secret gets a new pair there", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		published := w.secret(ctx, "backup")
		w.create(ctx, &corev1.Secret{ // as kubectl get, an editor and kubectl apply make it
			ObjectMeta: metav1.ObjectMeta{Name: "copy", Labels: published.Labels, Annotations: published.Annotations, OwnerReferences: published.OwnerReferences},
			Data:       published.Data,
		})
		w.changeAccessKey(ctx, "backup", toSecret("copy"))
		fresh := w.issued(ctx, "backup", 2)
		Expect(w.published(ctx, "copy")).To(Equal(fresh))
		Expect(w.published(ctx, "backup")).To(Equal(old))
		Expect(w.works(old)).To(BeTrue())
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.gone(ctx, named(&corev1.Secret{}, "backup"))
		Expect(w.issued(ctx, "backup", 2)).To(Equal(fresh))
	})

	It("can be changed back", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", toSecret("elsewhere"))
		w.issued(ctx, "backup", 2)
		w.changeAccessKey(ctx, "backup", toSecret(""))
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.SecretName", "backup"))
		Expect(w.works(w.published(ctx, "backup"))).To(BeTrue())
		w.step(ctx, 30*day)
		w.gone(ctx, named(&corev1.Secret{}, "elsewhere"))
	})
})
