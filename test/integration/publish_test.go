// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// lift takes the policy away.
var lift func(SpecContext)

// obstacles are what makes the API server refuse a Secret, what it says then, and what takes them away.
var obstacles = []struct {
	name    string
	put     func(SpecContext, *world)
	message string
	remove  func(SpecContext, *world)
}{
	{
		"a policy",
		func(ctx SpecContext, w *world) { lift = w.refuseSecrets(ctx) },
		"denied: [redacted]",
		func(ctx SpecContext, _ *world) { lift(ctx) },
	},
	{
		"an immutable Secret",
		func(ctx SpecContext, w *world) {
			w.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Immutable = ptr.To(true) })
		},
		"field is immutable when `immutable` is set",
		func(ctx SpecContext, w *world) { w.delete(ctx, named(&corev1.Secret{}, "backup")) },
	},
}

var _ = Describe("A Secret that the API server refuses", func() {
	for _, obstacle := range obstacles {
		It("costs no key in a rotation, and the published pair stays: "+obstacle.name, func(ctx SpecContext) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			obstacle.put(ctx, w)
			w.changeAccessKey(ctx, "backup", renewNow("now"))
			w.expect(ctx, "backup", HaveField("Status.Failures", Not(BeNil())), HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
			w.expectTold(ctx, "backup", obstacle.message)
			Expect(w.published(ctx, "backup")).To(Equal(p))
			w.eventually(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(1)) })
			obstacle.remove(ctx, w)
			w.step(ctx, resync)
			w.issued(ctx, "backup", 2)
		})

		It("is told of where only what is around the pair is to change: "+obstacle.name, func(ctx SpecContext) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			obstacle.put(ctx, w)
			w.changeService(ctx, withoutEndpoint)
			w.expectTold(ctx, "backup", obstacle.message)
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
			Expect(w.published(ctx, "backup")).To(Equal(p))
			obstacle.remove(ctx, w)
			w.step(ctx, resync)
			w.expect(ctx, "backup", BeAtRest())
			w.eventually(ctx, func(g Gomega) { g.Expect(w.secret(ctx, "backup").Data).To(HaveLen(2)) })
		})
	}
})

// expectTold waits until a condition of an AccessKey has the text.
func (w *world) expectTold(ctx SpecContext, name, text string) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		g.Expect(conditionsOf(w.accessKey(ctx, name))).To(ContainElement(HaveField("Message", ContainSubstring(text))))
	})
}
