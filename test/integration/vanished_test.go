// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/test/simulator"
)

var _ = Describe("A key that vanished at the service", func() {
	It("is noticed by the resync, and replaced", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		lost := w.issued(ctx, "backup", 1)
		w.service.RemoveKey(lost.id)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 2)
		Expect(w.accessKey(ctx, "backup").Status.PreviousKeys).To(BeEmpty(), "there is nothing to revoke")
	})

	DescribeTable("just after its issue is noticed by the first listing after the list lag, not by the second",
		func(ctx SpecContext, service func(clock.PassiveClock) other) {
			w, o := newWorldOf(ctx, service)
			w.create(ctx, accessKey("other", withUser(o.user)))
			w.issued(ctx, "other", 1)
			listed := w.clock.Now()
			w.stepTo(ctx, listed.Add(resync-2*time.Minute))
			user := o.user
			if !o.overlap {
				user = o.addUser("bob")
			}
			w.create(ctx, accessKey("backup", withUser(user)))
			w.issued(ctx, "backup", 1)
			issued := w.clock.Now()
			Expect(o.server.(interface{ RemoveKey(id string) bool }).RemoveKey(w.accessKey(ctx, "backup").Status.KeyID)).To(BeTrue())

			w.stepTo(ctx, listed.Add(resync+10*time.Second))
			w.settle(ctx)
			w.stepTo(ctx, issued.Add(resync))
			w.issued(ctx, "backup", 2)
			Expect(w.clock.Now()).To(BeTemporally("<", listed.Add(2*resync)), "before the next listing")
		},
		everyService(),
	)

	It("shows in Ready while it cannot be replaced", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		lost := w.issued(ctx, "backup", 1)
		w.service.RemoveKey(lost.id)
		lift := w.service.Inject(simulator.Rule{Path: keysPath, Method: http.MethodPost}, simulator.Throttle("60"))
		w.step(ctx, resync)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionFalse, "KeyMissing", lost.id))
		lift()
		w.step(ctx, time.Minute)
		w.issued(ctx, "backup", 2)
	})

	It("is forgotten where it was in its overlap", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		p := w.issued(ctx, "backup", 2)
		w.service.RemoveKey(old.id)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(w.issued(ctx, "backup", 2)).To(Equal(p))
	})
})
