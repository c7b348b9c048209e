// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"path"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ionos"
)

// newIONOSWorld makes a world whose key service is IONOS, and an AccessKey without a user.
func newIONOSWorld(ctx SpecContext) (*world, *ionos.Simulator) {
	GinkgoHelper()
	w := newBareWorld(ctx)
	o := ionosService(w.clock)
	w.use(ctx, o)
	w.create(ctx, accessKey("backup", withUser("")))
	return w, o.server.(*ionos.Simulator)
}

var _ = Describe("IONOS", func() {
	It("is asked once to delete a key that is less than a minute old", func(ctx SpecContext) {
		w, cloud := newIONOSWorld(ctx)
		w.issued(ctx, "backup", 1)
		w.settle(ctx)
		begun := w.clock.Now()
		cloud.ResetCalls()
		w.delete(ctx, accessKey("backup"))
		w.gone(ctx, accessKey("backup"))
		Expect(cloud.Calls()["DELETE /accesskeys/{id}"]).To(Equal(1))
		Expect(w.clock.Since(begun)).To(BeNumerically("<", 30*time.Second))
	})

	It("makes keys fail after it has accepted them, and its reason is told", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		o := ionosService(w.clock)
		cloud := o.server.(*ionos.Simulator)
		const why = "no storage is assigned to the contract"
		lift := cloud.Inject(simulator.Rule{Method: http.MethodPut}, func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(rw, r)
			cloud.FailKey(path.Base(r.URL.Path), why)
		})
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser("")))
		w.expect(ctx, "backup",
			HaveCondition("Synced", metav1.ConditionFalse, "Unavailable", why),
			HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying", why),
			HaveCondition("Ready", metav1.ConditionUnknown, "Pending", why))
		ak := w.accessKey(ctx, "backup")
		w.eventually(ctx, func(g Gomega) {
			g.Expect(eventsOf(ctx, g, ak)).To(ContainElement(And(HaveField("Reason", "Revoked"), HaveField("Note", ContainSubstring(why)))))
		})
		failures := w.failedAgain(ctx, "backup", 2)
		Expect(failures.NextAttempt.Sub(failures.LastTime.Time)).To(BeNumerically(">", 10*time.Second), "the pauses grow")

		By("working again")
		lift()
		w.stepToAttempt(ctx, "backup")
		w.issued(ctx, "backup", 1)
		Expect(cloud.Keys("alice")).To(HaveLen(1))
		Expect(w.accessKey(ctx, "backup").Status.Failures).To(BeNil())
	})
})
