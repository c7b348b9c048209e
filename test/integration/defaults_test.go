// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("A Secret without the default keys", func() {
	keys := func(data map[string][]byte) (names []string) {
		for key := range data {
			names = append(names, key)
		}
		return names
	}

	It("has its pair under the operator's own keys, over rotations and restarts", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withoutDefaults))
		w.holdsInData(ctx, "pair", w.issued(ctx, "backup", 1))
		Expect(keys(w.secret(ctx, "backup").Data)).To(ConsistOf("access-key-id", "secret-access-key", "pair"))
		w.restart(ctx)
		w.expectFree(ctx)
		p := w.rotatedNow(ctx)
		w.holdsInData(ctx, "pair", p)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Data["secret-access-key"] = []byte("something else") })
		w.holdsInData(ctx, "pair", w.issued(ctx, "backup", 3))
	})

	It("gets them back with the same pair, and loses them again", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withoutDefaults))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", withData("pair", bothHalves))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(keys(w.secret(ctx, "backup").Data)).To(ConsistOf("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "pair"))
		})
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		w.changeAccessKey(ctx, "backup", withoutDefaults)
		w.eventually(ctx, func(g Gomega) {
			g.Expect(keys(w.secret(ctx, "backup").Data)).To(ConsistOf("access-key-id", "secret-access-key", "pair"))
		})
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1))
	})

	DescribeTable("is adopted with its pair",
		func(ctx SpecContext, lose func(SpecContext, *world), template func(*v1alpha1.AccessKey)) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup", withoutDefaults))
			p := w.issued(ctx, "backup", 1)
			lose(ctx, w)
			if ak := (&v1alpha1.AccessKey{}); kube.Get(ctx, w.named("backup"), ak) != nil {
				w.create(ctx, accessKey("backup", template))
			}
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			w.holdsInData(ctx, "pair", p)
			Expect(w.service.History()).To(HaveLen(1))
		},
		Entry("when the status is lost", func(ctx SpecContext, w *world) { w.stop(); w.wipeStatus(ctx, "backup"); w.start() }, withoutDefaults),
		Entry("when it is applied again", retainedAndDeleted, withoutDefaults),
		Entry("when it is applied again with the default keys", retainedAndDeleted, withData("pair", bothHalves)),
	)
})
