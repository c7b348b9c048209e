// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// slowService is a second Qumulo cluster, which answers nothing about keys until it is released.
type slowService struct {
	*qumulo.Simulator
	release chan struct{}

	mu             sync.Mutex
	waiting, asked int
}

func (s *slowService) hang(w http.ResponseWriter, r *http.Request, next http.Handler) {
	s.count(1)
	defer s.count(-1)
	simulator.Hang(s.release)(w, r, next)
}

func (s *slowService) count(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += change
	s.asked += max(change, 0)
}

// requests that wait for an answer now, and that came so far.
func (s *slowService) requests() (waiting, asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting, s.asked
}

// slowName names the KeyService of the slow service.
const slowName = "slow"

// addSlow adds it with AccessKeys of as many users, and waits until none of their passes can go on.
func (w *world) addSlow(ctx SpecContext, count int) *slowService {
	GinkgoHelper()
	service, server := w.newService()
	slow := &slowService{Simulator: service, release: make(chan struct{})}
	token := service.AddToken(time.Time{})
	w.seen = append(w.seen, token)
	secret := w.credentialSecret()
	secret.Name, secret.StringData["token"] = slowName, token
	keyService := w.keyService(func(spec *v1alpha1.KeyServiceSpec) {
		spec.Qumulo.URL, spec.Qumulo.TokenSecretRef.Name = server.URL, slowName
		spec.TLS = &v1alpha1.TLS{CABundle: string(server.CA)}
	})
	keyService.Name = slowName
	w.create(ctx, secret, keyService)
	w.eventually(ctx, func(g Gomega) {
		g.Expect(get(ctx, w, slowName, &v1alpha1.KeyService{})).To(HaveCondition("Ready", metav1.ConditionTrue, "ServiceReachable"))
	})
	service.Inject(simulator.Rule{Path: keysPath}, slow.hang)
	passes := w.queues.passes()
	for i := range count {
		user := fmt.Sprint("slow-", i)
		service.AddUser(user)
		w.create(ctx, accessKey(user, withUser("local:"+user), onService(slowName)))
	}
	w.calms(ctx, func() bool {
		waiting, _ := slow.requests()
		return w.queues.passes()-passes >= int64(count-concurrency) && waiting > 0 && w.queues.underWay() == int64(waiting)
	})
	return slow
}

var _ = Describe("A service that does not answer", func() {
	It("has its share of the workers, and the keys of others are issued meanwhile", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		const count = 3 * concurrency
		slow := w.addSlow(ctx, count)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		waiting, asked := slow.requests()
		Expect(waiting).To(Equal(concurrency/4), "a quarter of the workers")
		Expect(asked).To(Equal(waiting))
		for i := range count {
			ak := w.accessKey(ctx, fmt.Sprint("slow-", i))
			Expect(ak.Status.Failures).To(BeNil(), "to wait is no failure")
			Expect(ak.Status.Intent).To(BeNil())
		}

		By("the service answering again")
		close(slow.release)
		for i := range count {
			w.issued(ctx, fmt.Sprint("slow-", i), 1)
		}
		Expect(slow.History()).To(HaveLen(count))
	})

	It("gets no requests while its slots are taken, and its AccessKeys cause no writes", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		const count = 100
		slow := w.addSlow(ctx, count)
		_, asked := slow.requests()
		passes, before := w.queues.passes(), w.versions(ctx)
		w.requests.reset()
		for range 8 {
			w.clock.Step(time.Minute)
			w.consistently(ctx, func(Gomega) {})
		}
		Expect(w.queues.passes()-passes).To(BeNumerically("<", 8*2*count), "an AccessKey asks for a slot about once per step")
		Expect(w.versions(ctx)).To(Equal(before))
		Expect(w.requests.reset()).To(BeEmpty())
		_, again := slow.requests()
		Expect(again).To(Equal(asked))
		close(slow.release)
		for i := range count {
			w.clock.Step(time.Second) // so that those that wait ask for a slot again
			w.issued(ctx, fmt.Sprint("slow-", i), 1)
		}
	})
})

var _ = Describe("An operation on a user", func() {
	It("holds up the other AccessKeys of that user, and nobody else's", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("other")
		w.create(ctx, accessKey("other", withUser("local:other")))
		w.issued(ctx, "other", 1)
		arrived, release := make(chan struct{}), make(chan struct{})
		w.service.Inject(simulator.Rule{Path: keysPath, Method: http.MethodPost}.Once(), func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			close(arrived)
			simulator.Hang(release)(rw, r, next)
		})
		w.create(ctx, accessKey("first"))
		Eventually(ctx, arrived).Should(BeClosed())
		w.create(ctx, accessKey("second"))
		w.changeAccessKey(ctx, "other", renewNow("now"))
		w.issued(ctx, "other", 2)
		w.expect(ctx, "second", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "for another AccessKey of the same user"))
		Expect(w.service.Keys("local:backup")).To(BeEmpty())
		close(release)
		w.issued(ctx, "first", 1)
		w.step(ctx, 2*time.Second)
		w.issued(ctx, "second", 1)
	})
})
