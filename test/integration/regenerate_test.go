// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

var (
	// regenerationAtONTAP and regenerationAtIONOS match the requests that regenerate a key.
	regenerationAtONTAP = simulator.Rule{Method: http.MethodPatch, Query: "regenerate_keys"}
	regenerationAtIONOS = simulator.Rule{Method: http.MethodPut, Path: "/accesskeys/"}
)

// atOnce bounds the time until a pair works again, on a clock that moves with each look at the world.
const atOnce = 45 * time.Second

var _ = Describe("A regeneration in place whose answer was lost", func() {
	DescribeTable("is regenerated again at once, and published",
		func(ctx SpecContext, service func(clock.PassiveClock) other, regeneration simulator.Rule, effect simulator.Effect, last int64) {
			w, o := newWorldOf(ctx, service)
			w.create(ctx, accessKey("backup", withUser(o.user), replacedInPlace))
			old := w.issued(ctx, "backup", 1)
			o.server.Inject(regeneration.Once(), effect)
			lost := w.clock.Now()
			w.changeAccessKey(ctx, "backup", renewNow("now"))
			fresh := w.regenerated(ctx, "backup", old)
			Expect(w.clock.Since(lost)).To(BeNumerically("<", atOnce))
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveField("Status.Revision", BeEquivalentTo(2)))

			By("until the first request can no longer be carried out")
			w.step(ctx, settled)
			rested := w.issued(ctx, "backup", last)
			Expect(rested == fresh).To(Equal(last == 2), "where a list does not show a late request, the pair is regenerated once more")
			Expect(w.accessKey(ctx, "backup").Status.Intent).To(BeNil())
		},
		Entry("ONTAP with one key, carried out", oneKey, regenerationAtONTAP, simulator.DropAnswer(), int64(2)),
		Entry("ONTAP with one key, not carried out", oneKey, regenerationAtONTAP, simulator.Drop(), int64(2)),
		Entry("ONTAP with one key, answered with half an answer", oneKey, regenerationAtONTAP, simulator.CutAnswer(), int64(2)),
		Entry("ONTAP with two keys and the strategy Replace", twoKeys, regenerationAtONTAP, simulator.DropAnswer(), int64(2)),
		Entry("IONOS with the strategy Replace", ionosService, regenerationAtIONOS, simulator.DropAnswer(), int64(3)),
	)

	It("and that is carried out late is answered by regenerating once more", func(ctx SpecContext) {
		w, o := newWorldOf(ctx, oneKey)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		old := w.issued(ctx, "backup", 1)
		carryOut, done := make(chan struct{}), make(chan struct{})
		o.server.Inject(regenerationAtONTAP.Once(), dropAndCarryOutLate(carryOut, done))
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		second := w.regenerated(ctx, "backup", old)
		w.step(ctx, 30*time.Second)
		w.settle(ctx)
		Expect(w.published(ctx, "backup")).To(Equal(second))
		Expect(w.works(second)).To(BeTrue())

		By("carrying the first one out")
		close(carryOut)
		Eventually(ctx, done).Should(BeClosed())
		Expect(w.works(second)).To(BeFalse())
		landed := w.clock.Now()
		third := w.regenerated(ctx, "backup", second)
		Expect(w.clock.Since(landed)).To(BeNumerically("<", atOnce))
		w.step(ctx, settled)
		Expect(w.issued(ctx, "backup", 3)).To(Equal(third))
		Expect(w.accessKey(ctx, "backup").Status.Intent).To(BeNil())
	})

	It("is settled by an operator that starts anew, and after a second answer that was lost", func(ctx SpecContext) {
		w, o := newWorldOf(ctx, oneKey)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		old := w.issued(ctx, "backup", 1)
		rule := regenerationAtONTAP
		rule.Times = 2
		o.server.Inject(rule, simulator.DropAnswer())
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expect(ctx, "backup", HaveField("Status.Intent", Not(BeNil())))
		w.stop()
		w.start()
		fresh := w.regenerated(ctx, "backup", old)
		w.step(ctx, settled)
		w.step(ctx, settled) // a process counts from its own start
		Expect(w.issued(ctx, "backup", 2)).To(Equal(fresh))
	})

	It("leaves a deleted AccessKey until the request can no longer be carried out, and then nothing", func(ctx SpecContext) {
		w, o := newWorldOf(ctx, oneKey)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		old := w.issued(ctx, "backup", 1)
		o.server.Inject(regenerationAtONTAP.Once(), simulator.DropAnswer())
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.regenerated(ctx, "backup", old)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.accessKey(ctx, "backup").Finalizers).NotTo(BeEmpty()) })
		w.step(ctx, settled)
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(o.server.LivePairs()).NotTo(ContainElement(HaveField("Owner", o.user)))
	})
})

var _ = Describe("The first pair at ONTAP whose answer was lost", func() {
	It("is regenerated at once, because its user shows that the request was carried out", func(ctx SpecContext) {
		w, o := newWorldOf(ctx, oneKey)
		o.server.Inject(simulator.Rule{Method: http.MethodPost}.Once(), simulator.DropAnswer())
		begun := w.clock.Now()
		w.create(ctx, accessKey("backup", withUser(o.user)))
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveField("Status.Revision", BeEquivalentTo(1)))
		Expect(w.clock.Since(begun)).To(BeNumerically("<", atOnce))
		p := w.published(ctx, "backup")
		Expect(w.works(p)).To(BeTrue())
		w.step(ctx, settled)
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})
})

func replacedInPlace(ak *v1alpha1.AccessKey) {
	ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: v1alpha1.StrategyReplace}
}

// regenerated waits until the Secret holds another pair, and the pair works.
func (w *world) regenerated(ctx SpecContext, name string, old pair) (fresh pair) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		fresh = w.published(ctx, name)
		g.Expect(fresh).NotTo(Equal(old))
		g.Expect(w.works(fresh)).To(BeTrue())
		g.Expect(w.accessKey(ctx, name).Status.AccessKeyID).To(Equal(fresh.id))
	})
	return fresh
}

// dropAndCarryOutLate closes the connection, and carries the request out later.
func dropAndCarryOutLate(carryOut <-chan struct{}, done chan<- struct{}) simulator.Effect {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		body, _ := io.ReadAll(r.Body)
		late := r.Clone(context.Background())
		late.Body = io.NopCloser(bytes.NewReader(body))
		go func() {
			<-carryOut
			next.ServeHTTP(httptest.NewRecorder(), late)
			close(done)
		}()
		panic(http.ErrAbortHandler)
	}
}
