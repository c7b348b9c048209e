// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

var _ = Describe("An operator that starts anew", func() {
	It("goes on in the middle of an overlap", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		fresh := w.issued(ctx, "backup", 2)
		revokeAt := w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time
		w.restart(ctx)
		w.stepTo(ctx, revokeAt.Add(-time.Second))
		w.consistently(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeTrue()) })
		w.restart(ctx)
		w.stepTo(ctx, revokeAt)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		Expect(w.issued(ctx, "backup", 2)).To(Equal(fresh))
		Expect(w.service.History()).To(HaveLen(2))
	})

	It("keeps to the back-off of its predecessor", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		w.service.Inject(simulator.Rule{Path: keysPath, Method: http.MethodPost}.Once(), simulator.Throttle("600"))
		w.create(ctx, accessKey("backup"))
		w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionFalse, "Throttled"))
		next := w.accessKey(ctx, "backup").Status.Failures.NextAttempt.Time
		w.restart(ctx)
		w.stepTo(ctx, next.Add(-time.Second))
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.service.History()).To(BeEmpty()) })
		w.stepTo(ctx, next)
		w.issued(ctx, "backup", 1)
	})

	It("does not renew again for a token that was handled", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		w.restart(ctx)
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.service.History()).To(HaveLen(2)) })
	})

	It("finishes a deletion that waits for the service", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.server.Down(true)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying"))
		w.stop()
		w.server.Down(false)
		w.clock.Step(time.Hour)
		w.start()
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.service.LivePairs()).To(BeEmpty())
	})

	It("publishes the key whose answer came while its predecessor was told to stop", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		made, release := make(chan struct{}), make(chan struct{})
		w.service.Inject(creates.Once(), lateAnswer(made, release))
		w.create(ctx, accessKey("backup"))
		w.eventually(ctx, func(g Gomega) { g.Expect(isClosed(made)).To(BeTrue()) })
		Expect(w.accessKey(ctx, "backup").Status.Intent).To(HaveValue(HaveField("Revision", int64(1))), "the intent was recorded first")
		w.cancel()
		close(release)
		w.stop()
		Expect(w.works(w.published(ctx, "backup"))).To(BeTrue())
		w.start()
		w.issued(ctx, "backup", 1)
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("takes over an AccessKey whose key and status were lost meanwhile", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		lost := w.issued(ctx, "backup", 1)
		w.stop()
		w.service.RemoveKey(lost.id)
		w.wipeStatus(ctx, "backup")
		w.clock.Step(time.Hour)
		w.start()
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.accessKey(ctx, "backup")).To(BeAtRest())
			g.Expect(w.works(w.published(ctx, "backup"))).To(BeTrue())
		})
	})
})

// restart ends the operator and starts another one.
func (w *world) restart(ctx SpecContext) {
	GinkgoHelper()
	w.settle(ctx)
	w.stop()
	w.start()
}
