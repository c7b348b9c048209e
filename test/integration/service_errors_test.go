// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const keysPath = "/v1/s3/access-keys/"

// trouble is a way in which a service fails. It returns what ends it.
type trouble func(w *world) (end func())

func down(w *world) func() {
	w.server.Down(true)
	return func() { w.server.Down(false) }
}

// answering makes every request about keys fail.
func answering(effect simulator.Effect) trouble {
	return func(w *world) func() { return w.service.Inject(simulator.Rule{Path: keysPath}, effect) }
}

func withoutPrivileges(w *world) func() {
	w.service.SetPrivileges()
	return func() {
		w.service.SetPrivileges(qumulo.CredentialsRead, qumulo.CredentialsWrite, qumulo.BucketsRead, qumulo.BucketsWrite)
	}
}

var page = simulator.Answer(http.StatusOK, http.Header{"Content-Type": {"text/html"}}, "<html>Welcome to the proxy</html>")

var _ = Describe("A service in trouble", func() {
	DescribeTable("delays the first key, says why, and is asked again until it works",
		func(ctx SpecContext, begin trouble, reason string, message string) {
			w := newWorld(ctx)
			w.expectService(ctx, BeAtRest())
			end := begin(w)
			w.create(ctx, accessKey("backup"))
			w.expect(ctx, "backup",
				HaveCondition("Ready", metav1.ConditionUnknown, "Pending", message),
				HaveCondition("Synced", metav1.ConditionFalse, reason, message),
				HaveField("Status.Failures", Not(BeNil())))
			Expect(w.service.LivePairs()).To(BeEmpty())
			end()
			w.stepToAttempt(ctx, "backup")
			w.issued(ctx, "backup", 1)
			Expect(w.accessKey(ctx, "backup").Status.Failures).To(BeNil())
			Expect(w.service.History()).To(HaveLen(1))
		},
		Entry("down", trouble(down), "Unavailable", "connection"),
		Entry("500", answering(simulator.Answer(500, nil, `{"description":"out of order"}`)), "Unavailable", "500 Internal Server Error: out of order"),
		Entry("403", trouble(withoutPrivileges), "Unauthorized", "PRIVILEGE_S3_CREDENTIALS_READ"),
		Entry("429", answering(simulator.Throttle("")), "Throttled", "429 Too Many Requests"),
		Entry("garbage", answering(page), "Unavailable", "not that of a Qumulo cluster"),
		Entry("answers that end too early", answering(simulator.CutAnswer()), "Unavailable", "closed the connection before its answer was complete"),
	)

	DescribeTable("does not change Ready, whatever the operator tries",
		func(ctx SpecContext, begin trouble, reason string) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			end := begin(w)
			w.step(ctx, resync)
			w.expect(ctx, "backup",
				HaveCondition("Synced", metav1.ConditionFalse, reason),
				HaveCondition("Ready", metav1.ConditionTrue, "Issued"))

			ak := w.accessKey(ctx, "backup")
			w.eventually(ctx, func(g Gomega) {
				g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{reason: 1}), "a warning for the trouble, and one only")
			})

			By("not being able to rotate")
			w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
			for range 5 {
				w.expect(ctx, "backup", HaveField("Status.Failures", Not(BeNil())),
					HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
				w.step(ctx, resync)
				w.settle(ctx)
			}
			Expect(w.published(ctx, "backup")).To(Equal(p))
			Expect(w.works(p)).To(BeTrue())

			By("starting anew")
			w.stop()
			w.start()
			w.settle(ctx)
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"),
				HaveCondition("Synced", metav1.ConditionFalse, reason))

			By("working again")
			end()
			w.step(ctx, resync)
			w.issued(ctx, "backup", 2)
		},
		Entry("down", trouble(down), "Unavailable"),
		Entry("403", trouble(withoutPrivileges), "Unauthorized"),
		Entry("429", answering(simulator.Throttle("30")), "Throttled"),
		Entry("500", answering(simulator.Answer(500, nil, "")), "Unavailable"),
		Entry("garbage", answering(page), "Unavailable"),
	)

	It("is asked by its KeyService alone while it refuses the credentials", func(ctx SpecContext) {
		w := newWorld(ctx)
		const count = 5
		w.issueMany(ctx, count)
		w.service.RevokeTokens()
		w.step(ctx, resync)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unauthorized"))
		for i := range count {
			w.expect(ctx, fmt.Sprint("key-", i), HaveCondition("Synced", metav1.ConditionFalse, "Unauthorized"),
				HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		}

		By("their renewal time having come")
		w.stepTo(ctx, w.accessKey(ctx, "key-0").Status.ExpiresAt.Add(-time.Minute))
		for i := range count {
			w.expect(ctx, fmt.Sprint("key-", i), HaveCondition("Stalled", metav1.ConditionTrue, "Unauthorized", "KeyService qumulo: the service refuses"),
				HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveField("Status.Failures", BeNil()))
		}
		w.settle(ctx)
		w.service.ResetCalls()
		const minutes = 10
		for range minutes {
			w.step(ctx, time.Minute)
			w.settle(ctx)
		}
		Expect(w.service.Calls()).NotTo(HaveKey(ContainSubstring(keysPath)))
		Expect(w.service.Calls()["GET /v1/session/who-am-i"]).To(BeNumerically("<=", minutes+1))

		By("the credentials being mended")
		w.changeToken(ctx)
		for i := range count {
			w.issued(ctx, fmt.Sprint("key-", i), 2)
		}
	})

	It("is left alone for as long as its Retry-After says", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		lift := w.service.Inject(simulator.Rule{Path: keysPath, Method: http.MethodPost}, simulator.Throttle("1800"))
		w.create(ctx, accessKey("backup"))
		w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionFalse, "Throttled"))
		lift()
		failures := w.accessKey(ctx, "backup").Status.Failures
		Expect(failures.NextAttempt.Sub(failures.LastTime.Time)).To(Equal(30 * time.Minute))
		w.settle(ctx)
		w.service.ResetCalls()
		w.stepTo(ctx, failures.NextAttempt.Add(-time.Second))
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.service.Calls()).NotTo(HaveKey("POST " + keysPath)) })
		w.stepTo(ctx, failures.NextAttempt.Time)
		w.issued(ctx, "backup", 1)
	})

	It("is asked less and less often, also by an operator that starts anew", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		w.service.Inject(simulator.Rule{Path: keysPath}, simulator.Answer(500, nil, ""))
		w.create(ctx, accessKey("backup"))
		waits := []time.Duration{
			5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second,
			5 * time.Minute, 5 * time.Minute,
		}
		for count := 0; count < len(waits); {
			failures := w.failedAgain(ctx, "backup", count)
			count = int(failures.Count)
			wait := waits[count-1] // and the jitter
			Expect(failures.NextAttempt.Sub(failures.LastTime.Time)).To(And(BeNumerically(">=", wait), BeNumerically("<=", wait+wait/10)), "after %d failures", count)
			if count == len(waits)/2 {
				w.restart(ctx)
			}
			w.stepToAttempt(ctx, "backup")
		}
	})

	It("is asked at once when it is found to work again", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		w.server.Down(true)
		w.step(ctx, resync)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unavailable"))
		w.create(ctx, accessKey("backup"))
		failures := w.failedAgain(ctx, "backup", 0)
		for failures.NextAttempt.Sub(failures.LastTime.Time) < 5*time.Minute {
			w.stepToAttempt(ctx, "backup")
			failures = w.failedAgain(ctx, "backup", int(failures.Count))
		}
		w.settle(ctx)
		w.server.Down(false)
		w.step(ctx, time.Minute)
		w.issued(ctx, "backup", 1)
		Expect(w.accessKey(ctx, "backup").Status.IssuedAt.Time).To(BeTemporally("<", failures.NextAttempt.Add(-time.Minute)))
	})

	It("that is slow delays its own keys and no others", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		release := make(chan struct{})
		w.service.Inject(simulator.Rule{Path: keysPath}, simulator.Hang(release))
		w.create(ctx, accessKey("slow"))
		w.createFastKey(ctx)
		Expect(w.accessKey(ctx, "slow").Status.KeyID).To(BeEmpty())
		close(release)
		w.issued(ctx, "slow", 1)
	})

	It("that does not answer the resync holds up no others, however many keys it has", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.issueMany(ctx, 2*concurrency)
		release := make(chan struct{})
		w.service.Inject(simulator.Rule{Path: keysPath}, simulator.Hang(release))
		w.step(ctx, resync)
		w.createFastKey(ctx)
		close(release)
	})

	It("that is no Qumulo cluster at all shows at the KeyService too", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest())
		lift := w.service.Inject(simulator.Rule{}, simulator.Answer(404, nil, "nothing here"))
		w.create(ctx, accessKey("backup"))
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", "check that the KeyService's URL is the cluster's REST API"))
		w.step(ctx, resync)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unavailable", "check that the KeyService's URL"))
		lift()
		w.step(ctx, resync)
		w.issued(ctx, "backup", 1)
	})

	It("that says why a key was refused is quoted", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.Inject(simulator.Rule{Path: keysPath, Method: http.MethodPost},
			simulator.Answer(400, nil, `{"error_class":"odd_error","description":"The moon is in the wrong house"}`))
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "Invalid", "odd_error: The moon is in the wrong house")
		Expect(w.service.History()).To(BeEmpty())
	})
})

// failedAgain waits until an AccessKey has failed more often than that, and returns its failures.
func (w *world) failedAgain(ctx SpecContext, name string, than int) *v1alpha1.Failures {
	GinkgoHelper()
	w.expect(ctx, name, HaveField("Status.Failures", HaveValue(HaveField("Count", BeNumerically(">", than)))))
	return w.accessKey(ctx, name).Status.Failures
}

// createFastKey creates an AccessKey of another service, which answers at once, and waits until it is issued.
func (w *world) createFastKey(ctx SpecContext) {
	GinkgoHelper()
	service, server := w.newService()
	token := w.credentialSecret()
	token.Name, token.StringData = "fast-token", map[string]string{"token": service.AddToken(time.Time{})}
	fast := w.keyService(func(spec *v1alpha1.KeyServiceSpec) {
		spec.Qumulo.URL = server.URL
		spec.Qumulo.TokenSecretRef.Name = token.Name
		spec.TLS = &v1alpha1.TLS{CABundle: string(server.CA)}
	})
	fast.Name = "fast"
	w.create(ctx, token, fast, accessKey("fast", func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = "fast" }))
	w.issued(ctx, "fast", 1)
	Expect(service.LivePairs()).To(HaveLen(1))
}
