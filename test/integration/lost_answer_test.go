// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// creates matches the requests that make keys.
var creates = simulator.Rule{Path: keysPath, Method: http.MethodPost}

// settled is how long an intent stays open at most before the operator acts on what the service lists.
const settled = 2 * time.Minute

var _ = Describe("A create whose answer was lost", func() {
	DescribeTable("leaks no key",
		func(ctx SpecContext, effect simulator.Effect, made int) {
			w := newWorld(ctx)
			w.service.Inject(creates.Once(), effect)
			w.create(ctx, accessKey("backup"))
			w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionFalse, "Ambiguous"),
				HaveField("Status.Intent", Not(BeNil())))
			w.step(ctx, settled)
			w.issued(ctx, "backup", 1)
			Expect(w.service.History()).To(HaveLen(made))
			Expect(w.service.LivePairs()).To(HaveLen(1))
		},
		Entry("carried out, no answer", simulator.DropAnswer(), 2),
		Entry("carried out, half an answer", simulator.CutAnswer(), 2),
		Entry("carried out, and answered by a proxy", simulator.ReplaceAnswer("<html>OK</html>"), 2),
		Entry("not carried out", simulator.Drop(), 1),
		Entry("refused with 500", simulator.Answer(500, nil, ""), 1),
		Entry("answered with a key without its secret", simulator.ReplaceAnswer(`{"access_key_id":"0123456789abcABCDEFG"}`), 2),
	)

	It("leaves the published pair alone in a rotation", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.service.Inject(creates.Once(), simulator.DropAnswer())
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expect(ctx, "backup", HaveField("Status.Intent", Not(BeNil())), HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		Expect(w.works(old)).To(BeTrue())
		w.step(ctx, settled)
		w.issued(ctx, "backup", 2)
		Expect(w.works(old)).To(BeTrue())
		Expect(w.service.History()).To(HaveLen(3))
		Expect(w.service.LivePairs()).To(HaveLen(2))
	})

	It("is settled by an operator that starts anew", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.Inject(creates.Once(), simulator.DropAnswer())
		w.create(ctx, accessKey("backup"))
		w.expect(ctx, "backup", HaveField("Status.Intent", Not(BeNil())))
		w.stop()
		w.clock.Step(settled)
		w.start()
		w.expect(ctx, "backup", HaveField("Status.Intent", Not(BeNil())))
		w.step(ctx, settled) // a process counts from its own start
		w.issued(ctx, "backup", 1)
		Expect(w.service.LivePairs()).To(HaveLen(1))
	})

	It("is settled before the AccessKey is let go", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.Inject(creates.Once(), simulator.DropAnswer())
		w.create(ctx, accessKey("backup"))
		w.expect(ctx, "backup", HaveField("Status.Intent", Not(BeNil())))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.step(ctx, settled)
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.service.LivePairs()).To(BeEmpty())
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("keeps another AccessKey of the user waiting, and is told apart from its key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.Inject(creates.Once(), simulator.DropAnswer())
		w.create(ctx, accessKey("first"))
		w.expect(ctx, "first", HaveField("Status.Intent", Not(BeNil())))
		w.create(ctx, accessKey("second"))
		w.expect(ctx, "second", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "another AccessKey of the same user"))
		w.step(ctx, settled)
		w.issued(ctx, "first", 1)
		w.issued(ctx, "second", 1)
		Expect(w.service.History()).To(HaveLen(3))
		Expect(w.service.LivePairs()).To(HaveLen(2))
	})

	DescribeTable("is told apart from what another AccessKey makes meanwhile, however that names the same user",
		func(ctx SpecContext, other func(SpecContext, *world) *v1alpha1.AccessKey) {
			w := newWorld(ctx)
			w.service.Inject(creates.Once(), simulator.Drop())
			w.create(ctx, accessKey("first"))
			w.expect(ctx, "first", HaveField("Status.Intent", Not(BeNil())))
			made, release := make(chan struct{}), make(chan struct{})
			w.service.Inject(creates.Once(), lateAnswer(made, release))
			w.create(ctx, other(ctx, w))

			w.eventually(ctx, func(g Gomega) {
				g.Expect(isClosed(made) || w.waits(ctx, "second")).To(BeTrue(), "the other makes its key, or waits until it is its turn")
			})
			w.clock.Step(90 * time.Second) // an intent of its own is old enough by then, but a pass may take longer
			w.consistently(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(len(w.service.History()))) })
			close(release)
			w.step(ctx, 2*settled) // the second may wait for the first
			w.issued(ctx, "second", 1)
			w.issued(ctx, "first", 1)
			for _, key := range w.service.History() {
				Expect(key.Live()).To(BeTrue(), "nothing was made in vain, so nothing was to be deleted")
			}
		},
		Entry("by its auth_id", func(SpecContext, *world) *v1alpha1.AccessKey {
			return accessKey("second", withUser("auth_id:1000"))
		}),
		Entry("at a KeyService whose URL has a slash at its end", func(ctx SpecContext, w *world) *v1alpha1.AccessKey {
			twin := w.keyService(func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo.URL += "/" })
			twin.Name = "twin"
			w.create(ctx, twin)
			return accessKey("second", func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = "twin" })
		}),
	)

	It("is for a person to decide when a foreign key was made at the same time, and nothing is deleted", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.Inject(creates.Once(), simulator.DropAnswer())
		w.create(ctx, accessKey("backup"))
		w.eventually(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(1)) })
		orphan := w.service.LivePairs()[0]
		foreign, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.step(ctx, settled)
		w.expectStalled(ctx, "backup", "AmbiguousKeys", foreign.ID, orphan.ID, "delete the one that nobody uses")
		w.create(ctx, accessKey("second"))
		w.expect(ctx, "second", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "("+w.namespace+"/backup) to finish its operation"))
		w.step(ctx, 10*time.Minute)
		w.expectStalled(ctx, "second", "UserBusy", "("+w.namespace+"/backup) has had an open operation since")
		second := accessKey("second")
		w.delete(ctx, second)
		w.gone(ctx, second)
		w.step(ctx, time.Hour)
		w.settle(ctx)
		Expect(w.service.LivePairs()).To(HaveLen(2))

		By("deciding")
		w.service.RemoveKey(orphan.ID)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 1)
		Expect(w.service.Keys(alice)).To(ContainElement(HaveField("ID", foreign.ID)))
	})
})

// lateAnswer carries the request out, says so, and answers when it is released.
func lateAnswer(made chan<- struct{}, release <-chan struct{}) simulator.Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		close(made)
		<-release
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	}
}

// waits reports whether an AccessKey waits for another one.
func (w *world) waits(ctx SpecContext, name string) bool {
	GinkgoHelper()
	reconciling := meta.FindStatusCondition(conditionsOf(w.accessKey(ctx, name)), v1alpha1.ConditionReconciling)
	return reconciling != nil && strings.Contains(reconciling.Message, "another AccessKey of the same user")
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}
