// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("A rotation window", func() {
	It("opens for the scheduled rotation, and the old pair works until the end that was announced", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", inWindows(openIn("Europe/Berlin", "0 2 * * *", 4*time.Hour))))
		old := w.issued(ctx, "backup", 1)
		before := w.accessKey(ctx, "backup").Status
		berlin, err := time.LoadLocation("Europe/Berlin")
		Expect(err).NotTo(HaveOccurred())
		Expect(before.RenewalTime.In(berlin).Hour()).To(BeElementOf(2, 3, 4, 5), before.RenewalTime.String())
		Expect(before.ExpiresAt.Sub(before.RenewalTime.Time)).To(BeNumerically(">=", 5*day))

		By("not before it opens")
		w.stepTo(ctx, before.RenewalTime.Add(-time.Second))
		w.consistently(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(1)) })
		w.stepTo(ctx, before.RenewalTime.Time)
		w.issued(ctx, "backup", 2)
		status := w.accessKey(ctx, "backup").Status
		Expect(status.PreviousKeys[0].RevokeAt.Time).To(BeTemporally("==", before.ExpiresAt.Time))
		w.stepTo(ctx, before.ExpiresAt.Add(-time.Second))
		w.consistently(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeTrue()) })
	})

	It("that was missed is followed by the next one", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", inWindows(openIn("UTC", "0 2 * * *", time.Hour))))
		p := w.issued(ctx, "backup", 1)
		missed := w.accessKey(ctx, "backup").Status.RenewalTime.Time
		next := missed.Truncate(day).Add(day + 2*time.Hour) // the renewal can come at any time in a window
		w.stop()
		w.clock.SetTime(missed.Truncate(day).Add(12 * time.Hour))
		w.start()
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.RenewalTime.Time", And(BeTemporally(">=", next), BeTemporally("<", next.Add(time.Hour)))))
		Expect(w.published(ctx, "backup")).To(Equal(p))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.issued(ctx, "backup", 2)
	})

	It("holds up neither a requested rotation nor a repair", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", inWindows(openIn("UTC", "0 2 * * *", time.Hour))))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time) // room for a third key
		w.eventually(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(1)) })
		Expect(kube.Delete(ctx, w.secret(ctx, "backup"))).To(Succeed())
		w.issued(ctx, "backup", 3)
	})

	It("that does not open in time is reported at once, and the pair is rotated without it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", inWindows(openIn("UTC", "0 2 31 2 *", time.Hour))))
		w.expect(ctx, "backup", WithTransform(observed, BeTrue()), HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveCondition("Stalled", metav1.ConditionTrue, "WindowUnsatisfiable",
			"no window of rotation.windows opens from", "so the pair will be rotated outside of them, at "))
		ak := w.accessKey(ctx, "backup")
		Expect(ak.Status.ExpiresAt.Sub(ak.Status.RenewalTime.Time)).To(Equal(5 * day))
		w.stepTo(ctx, ak.Status.RenewalTime.Time)
		w.expect(ctx, "backup", HaveField("Status.Revision", int64(2)), HaveCondition("Stalled", metav1.ConditionTrue, "WindowUnsatisfiable"))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(eventsOf(ctx, g, ak)).To(ContainElements(
				And(HaveField("Reason", "Rotated"), HaveField("Note", ContainSubstring("its renewal time had come, and none of rotation.windows could be used"))),
				And(HaveField("Reason", "WindowUnsatisfiable"), HaveField("Type", "Warning"))))
		})

		By("until a window is added")
		w.changeAccessKey(ctx, "backup", inWindows(openIn("UTC", "@daily", time.Hour)))
		w.issued(ctx, "backup", 2)
	})

	It("moves only the renewal time when it is added to an AccessKey, and costs nothing after that", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		published := w.secret(ctx, "backup").ResourceVersion
		before := w.accessKey(ctx, "backup").Status
		w.changeAccessKey(ctx, "backup", inWindows(openIn("UTC", "0 2 * * *", time.Hour)))
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		after := w.accessKey(ctx, "backup")
		Expect(after.Status.RenewalTime.Time).To(And(BeTemporally(">=", before.RenewalTime.Time), BeTemporally("<", before.RenewalTime.Add(25*time.Hour))))
		Expect(after.Status.ExpiresAt).To(Equal(before.ExpiresAt))
		w.step(ctx, day)
		w.settle(ctx)
		Expect(w.accessKey(ctx, "backup").ResourceVersion).To(Equal(after.ResourceVersion))
		Expect(w.secret(ctx, "backup").ResourceVersion).To(Equal(published))
	})
})

func inWindows(list ...v1alpha1.RotationWindow) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation = &v1alpha1.Rotation{Windows: list} }
}

func openIn(zone, cron string, length time.Duration) v1alpha1.RotationWindow {
	return v1alpha1.RotationWindow{Cron: cron, Duration: duration(length), Timezone: zone}
}
