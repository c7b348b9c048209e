// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ontap"
)

var _ = Describe("A pair that ONTAP ends by itself", func() {
	DescribeTable("is rotated before that, whatever became of its ttl since",
		func(ctx SpecContext, service func(clock.PassiveClock) other, ttl, renewBefore *metav1.Duration, later func(*v1alpha1.AccessKey)) {
			w, o := newWorldOf(ctx, service)
			w.create(ctx, accessKey("backup", withUser(o.user), withTTL(ttl, renewBefore)))
			old := w.issued(ctx, "backup", 1)
			announced := w.accessKey(ctx, "backup").Status.ExpiresAt.Time

			By("known from what was announced")
			w.changeAccessKey(ctx, "backup", later)
			w.expectEnd(ctx, "backup", announced)
			By("known from the shared listing")
			w.step(ctx, min(2*resync, ttl.Duration/10))
			w.expectEnd(ctx, "backup", announced)
			By("known after a restart")
			w.stop()
			w.start()
			w.expectEnd(ctx, "backup", announced)

			By("rotated")
			renewal := w.accessKey(ctx, "backup").Status.RenewalTime.Time
			w.stepTo(ctx, renewal.Add(-time.Second))
			w.consistently(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeTrue()) })
			w.stepTo(ctx, renewal)
			fresh := w.issued(ctx, "backup", 2)
			Expect(w.clock.Now()).To(BeTemporally("<", announced))
			Expect(w.works(old)).To(Equal(o.overlap))

			By("with the new ttl")
			status := w.accessKey(ctx, "backup").Status
			if ttl := w.accessKey(ctx, "backup").Spec.TTL; ttl == nil {
				Expect(status.ExpiresAt.IsZero()).To(BeTrue())
			} else {
				Expect(status.ExpiresAt.Time).To(BeTemporally("==", status.IssuedAt.Add(ttl.Duration)))
			}
			w.stepTo(ctx, announced)
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
			Expect(w.published(ctx, "backup")).To(Equal(fresh))
			Expect(w.works(fresh)).To(BeTrue())
		},
		Entry("two keys, increased", twoKeys, days(30), days(10), withTTL(days(90), days(10))),
		Entry("two keys, removed", twoKeys, days(30), days(10), withoutTTL),
		Entry("two keys, increased with a renewBefore that is longer than the life", twoKeys, days(30), days(10), withTTL(days(90), days(60))),
		Entry("one key, increased", oneKey, days(30), days(10), withTTL(days(90), days(10))),
		Entry("one key, removed", oneKey, days(30), days(10), withoutTTL),
		Entry("increased by less than a minute", twoKeys, duration(10*time.Minute), duration(time.Minute), withTTL(duration(10*time.Minute+50*time.Second), duration(time.Minute))),
	)

	DescribeTable("ends earlier if its ttl is shortened, and when ONTAP ends it if that is taken back",
		func(ctx SpecContext, service func(clock.PassiveClock) other) {
			w, o := newWorldOf(ctx, service)
			w.create(ctx, accessKey("backup", withUser(o.user)))
			old := w.issued(ctx, "backup", 1)
			status := w.accessKey(ctx, "backup").Status
			w.changeAccessKey(ctx, "backup", withTTL(days(14), days(3)))
			w.expectEnd(ctx, "backup", status.IssuedAt.Add(14*day))
			w.step(ctx, 2*resync)
			w.changeAccessKey(ctx, "backup", withTTL(days(60), days(3)))
			w.expect(ctx, "backup", BeAtRest(), HaveField("Status.ExpiresAt.Time", BeTemporally("~", status.ExpiresAt.Time, 5*time.Second)))
			w.changeAccessKey(ctx, "backup", withTTL(days(14), days(3)))
			w.expectEnd(ctx, "backup", status.IssuedAt.Add(14*day))

			By("rotated by the shorter ttl")
			w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
			fresh := w.issued(ctx, "backup", 2)
			w.stepTo(ctx, status.IssuedAt.Add(14*day))
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
			w.settle(ctx)
			Expect(w.works(fresh)).To(BeTrue())
			w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		},
		Entry("two keys", twoKeys),
		Entry("one key", oneKey),
	)

	DescribeTable("is reported as expired from then on if nothing could rotate it",
		func(ctx SpecContext, hinder, release func(SpecContext, *world, other), says string) {
			w, o := newWorldOf(ctx, oneKey)
			w.create(ctx, accessKey("backup", withUser(o.user), withTTL(duration(2*time.Minute), duration(30*time.Second))))
			old := w.issued(ctx, "backup", 1)
			end := w.accessKey(ctx, "backup").Status.ExpiresAt.Time
			hinder(ctx, w, o)
			w.stepTo(ctx, end.Add(-time.Second))
			w.settle(ctx)
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued", "valid until "+end.UTC().Format(time.RFC3339)))
			Expect(w.works(old)).To(BeTrue())
			w.stepTo(ctx, end.Add(2*time.Second)) // the service may have answered a second later
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionFalse, "Expired", "The service ended access key "+old.id, says))
			Expect(w.works(old)).To(BeFalse())
			Expect(w.clock.Since(end)).To(BeNumerically("<", 30*time.Second))

			By("an operator that knows only the status")
			w.stop()
			w.start()
			w.step(ctx, time.Minute)
			w.settle(ctx)
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionFalse, "Expired"))
			release(ctx, w, o)
			w.issued(ctx, "backup", 2)
		},
		Entry("because it is suspended",
			func(ctx SpecContext, w *world, _ other) { w.changeAccessKey(ctx, "backup", suspended) },
			func(ctx SpecContext, w *world, _ other) { w.changeAccessKey(ctx, "backup", resumed) },
			"spec.suspend is set, so no new pair is issued"),
		Entry("because the operator's password is wrong",
			func(ctx SpecContext, w *world, _ other) { w.changeSecret(ctx, credentials, withPassword("wrong")) },
			func(ctx SpecContext, w *world, _ other) {
				w.changeSecret(ctx, credentials, withPassword(ontap.DefaultPassword))
			},
			"a new pair will be issued"),
		Entry("because the service is away",
			func(_ SpecContext, _ *world, o other) { o.server.Inject(simulator.Rule{}, simulator.Refuse()) },
			func(ctx SpecContext, w *world, o other) {
				o.server.(interface{ LiftAll() }).LiftAll()
				w.step(ctx, 6*time.Minute) // the longest back-off
			},
			"a new pair will be issued"),
	)
})

var _ = Describe("A pair that its service does not end", func() {
	It("stays Ready after its ttl while it cannot be rotated, and says so", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", suspended)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.ExpiresAt.Time)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued", "still works although it should have been rotated before"))
		Expect(w.works(p)).To(BeTrue())
	})
})

// newWorldOf makes a world with another key service than Qumulo.
func newWorldOf(ctx SpecContext, service func(clock.PassiveClock) other) (*world, other) {
	GinkgoHelper()
	w := newBareWorld(ctx)
	o := service(w.clock)
	w.use(ctx, o)
	return w, o
}

func withTTL(ttl, renewBefore *metav1.Duration) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.TTL, ak.Spec.RenewBefore = ttl, renewBefore }
}

func withPassword(password string) func(*corev1.Secret) {
	return func(secret *corev1.Secret) { secret.Data["password"] = []byte(password) }
}

// expectEnd waits until an AccessKey is at rest and announces this end of its pair, in the status and on the Secret.
func (w *world) expectEnd(ctx SpecContext, name string, end time.Time) {
	GinkgoHelper()
	w.expect(ctx, name, BeAtRest(), HaveField("Status.ExpiresAt.Time", BeTemporally("==", end)))
	w.settle(ctx)
	w.expect(ctx, name, BeAtRest(), HaveField("Status.ExpiresAt.Time", BeTemporally("==", end)))
	Expect(w.secret(ctx, name).Annotations).To(HaveKeyWithValue(v1alpha1.ExpiresAtAnnotation, end.UTC().Format(time.RFC3339)))
}
