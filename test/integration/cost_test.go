// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// requests counts what the operator asks of the API server, but for watches and what they begin with.
type requests struct {
	mu    sync.Mutex
	calls map[string]int
}

// dryRun stands for the method of a request that changes nothing.
const dryRun = "DRY-RUN"

// count is a wrapper of the client's transport.
func (r *requests) count(next http.RoundTripper) http.RoundTripper {
	return counting{r, next}
}

type counting struct {
	requests *requests
	next     http.RoundTripper
}

func (c counting) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	if request.Method != http.MethodGet || !query.Has("watch") && !query.Has("limit") && !query.Has("resourceVersion") {
		c.requests.mu.Lock()
		if c.requests.calls == nil {
			c.requests.calls = map[string]int{}
		}
		verb := request.Method
		if query.Has("dryRun") {
			verb = dryRun
		}
		c.requests.calls[verb+" "+resourceOf(request.URL.Path)]++
		c.requests.mu.Unlock()
	}
	return c.next.RoundTrip(request)
}

// resourceOf /apis/GROUP/VERSION/namespaces/NS/RESOURCE/NAME/SUB, as RESOURCE or RESOURCE/SUB.
func resourceOf(path string) string {
	_, rest, found := strings.Cut(path, "/namespaces/")
	if !found {
		return path
	}
	parts := strings.Split(rest, "/")
	switch len(parts) {
	case 2, 3:
		return parts[1]
	case 4:
		return parts[1] + "/" + parts[3]
	default:
		return "namespaces"
	}
}

// reset starts the count anew and returns what was counted.
func (r *requests) reset() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counted := maps.Clone(r.calls)
	clear(r.calls)
	return counted
}

var _ = Describe("What a key costs", func() {
	DescribeTable("no reads, three calls of the service, one of the data plane, and", func(ctx SpecContext, perKey int, prepare func(*world, SpecContext)) {
		const count = 20
		w := newWorld(ctx)
		prepare(w, ctx)
		w.create(ctx, accessKey("first")) // with the connection, and the finalizers on the KeyService and its Secrets
		w.issued(ctx, "first", 1)
		w.settle(ctx)
		w.requests.reset()
		w.service.ResetCalls()
		w.plane.Asked()

		for i := range count {
			name := fmt.Sprintf("key-%d", i)
			w.service.AddUser(name)
			w.create(ctx, accessKey(name, withUser("local:"+name)))
		}
		for i := range count {
			w.issued(ctx, fmt.Sprintf("key-%d", i), 1)
		}
		w.settle(ctx)

		kube, service := w.requests.reset(), w.service.Calls()
		AddReportEntry("requests of the operator for 20 keys", fmt.Sprintf("%v, service %v", kube, service))
		writes, reads, dryRuns := 0, 0, 0
		for what, n := range kube {
			switch verb, _, _ := strings.Cut(what, " "); verb {
			case http.MethodGet:
				reads += n
			case dryRun:
				dryRuns += n
			default:
				writes += n
			}
		}
		calls := 0
		for _, n := range service {
			calls += n
		}
		Expect(writes).To(Equal(perKey*count), "%v", kube)
		Expect(dryRuns).To(BeNumerically("<=", 2*count), "of the Secret, and of the one in which the pair may have to wait: %v", kube)
		Expect(w.plane.Asked()).To(HaveLen(count), "one probe of each pair")
		// A scope that comes before the Secret's event reads once more: two reads and a list. Slow machines see that often.
		const slack = count
		Expect(reads).To(BeNumerically("<=", 2*slack), "none before the create: %v", kube)
		Expect(calls).To(BeNumerically("<=", 3*count+slack+1), "user, list, create, and a resync: %v", service)
		Expect(kube).NotTo(HaveKey(ContainSubstring("keyservices")))
		Expect(w.accessKey(ctx, "key-0").Status.Conditions).To(ContainElement(HaveField("Type", v1alpha1.ConditionReady)))
	},
		Entry("three writes: the intent, the Secret, the status", 3, func(*world, SpecContext) {}),
		Entry("four where the API server does not add the finalizer", 4, (*world).addNoFinalizers),
	)
})

var _ = Describe("What a rotation costs", func() {
	It("is five writes, two reads and four calls of the service, with the revocation", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.settle(ctx)
		w.requests.reset()
		w.service.ResetCalls()

		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.issued(ctx, "backup", 2)
		ak := w.accessKey(ctx, "backup")
		w.eventually(ctx, func(g Gomega) { g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"Rotated": 1})) })
		w.settle(ctx)
		w.stepTo(ctx, ak.Status.PreviousKeys[0].RevokeAt.Time)
		w.expect(ctx, "backup", HaveField("Status.PreviousKeys", BeEmpty()))
		w.settle(ctx)

		kube, service := w.requests.reset(), w.service.Calls()
		AddReportEntry("requests of the operator for a rotation", fmt.Sprintf("%v, service %v", kube, service))
		Expect(kube).To(Equal(map[string]int{
			"PATCH accesskeys/status": 3, "PATCH secrets": 1, "POST events": 1, // the intent, the pair, the revocation
			"GET secrets": 1, "GET accesskeys": 1, // before the create, and before the revocation
			"DRY-RUN secrets": 2,
		}))
	})
})

// withoutPolicy is a label of the namespaces in which the API server adds no finalizers to AccessKeys.
const withoutPolicy = "test/without-finalizer-policy"

// addNoFinalizers takes the namespace from the policy of config/finalizer.
func (w *world) addNoFinalizers(ctx SpecContext) {
	GinkgoHelper()
	kubectl(ctx, "label", "namespace", w.namespace, withoutPolicy+"=yes")
	Eventually(ctx, func(g Gomega) {
		probe := accessKey("probe")
		probe.Namespace = w.namespace
		g.Expect(kube.Create(ctx, probe, client.DryRunAll)).To(Succeed())
		g.Expect(probe.Finalizers).To(BeEmpty())
	}).Should(Succeed())
}
