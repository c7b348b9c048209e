// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("The steady state", func() {
	It("costs no kube writes, and of the service only the shared resync", func(ctx SpecContext) {
		w := newWorld(ctx)
		const count = 5
		w.issueMany(ctx, count)
		w.step(ctx, resync) // the first listing after the last create
		w.settle(ctx)

		before := w.versions(ctx)
		w.requests.reset()
		w.service.ResetCalls()
		const periods = 6 // an hour
		for range periods {
			passes := w.queues.passes()
			w.step(ctx, resync)
			Eventually(ctx, func() int64 { return w.queues.passes() - passes }).Should(BeNumerically(">=", count+1), "every AccessKey and the KeyService are looked at")
			w.settle(ctx)
		}
		Expect(w.versions(ctx)).To(Equal(before))
		Expect(w.requests.reset()).To(BeEmpty(), "not even one that changes nothing")
		Expect(w.service.Calls()).To(Equal(map[string]int{
			"GET " + keysPath: periods, "GET /v1/version": 1, "GET /v1/session/who-am-i": 1,
		}))
	})

	It("costs no writes and no keys to start in", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.issueMany(ctx, 3)
		w.settle(ctx)
		before := w.versions(ctx)
		for range 3 {
			w.stop()
			w.clock.Step(time.Minute)
			w.service.ResetCalls()
			w.requests.reset()
			w.start()
			w.settle(ctx)
			w.consistently(ctx, func(g Gomega) { g.Expect(w.versions(ctx)).To(Equal(before)) })
			Expect(w.requests.reset()).NotTo(HaveKey(Not(HavePrefix("GET"))))
			Expect(w.service.Calls()).To(Equal(map[string]int{
				"GET " + keysPath: 1, "GET /v1/version": 1, "GET /v1/session/who-am-i": 1, "GET /v1/node/state": 1,
			}))
		}
	})

	It("costs no writes while the service is down", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.issueMany(ctx, 3)
		w.server.Down(true)
		w.step(ctx, resync)
		for i := range 3 {
			w.expect(ctx, fmt.Sprint("key-", i), HaveCondition("Synced", "False", "Unavailable"))
		}
		w.expectService(ctx, HaveCondition("Ready", "False", "Unavailable"))
		w.settle(ctx)
		before := w.versions(ctx)
		w.requests.reset()
		for range 10 {
			w.step(ctx, time.Minute)
			w.settle(ctx)
		}
		w.consistently(ctx, func(g Gomega) { g.Expect(w.versions(ctx)).To(Equal(before)) })
		Expect(w.requests.reset()).To(BeEmpty())
	})

	It("is not left for changes that are none of the operator's business", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.issueMany(ctx, 1)
		w.settle(ctx)
		w.service.ResetCalls()
		w.changeAccessKey(ctx, "key-0", func(ak *v1alpha1.AccessKey) { ak.Labels = map[string]string{"a": "b"} })
		w.changeSecret(ctx, "key-0", func(secret *corev1.Secret) { secret.Labels["theirs"] = "label" })
		w.changeSecret(ctx, credentials, func(secret *corev1.Secret) { secret.Labels = map[string]string{"theirs": "label"} })
		w.settle(ctx)
		before := w.versions(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.versions(ctx)).To(Equal(before)) })
		Expect(w.service.Calls()).To(BeEmpty())
	})
})

var _ = Describe("What kubectl shows", func() {
	It("has the columns that people look for", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		status := w.accessKey(ctx, "backup").Status
		w.expectService(ctx, BeAtRest())

		expires, renews := status.ExpiresAt.UTC().Format(time.RFC3339), status.RenewalTime.UTC().Format(time.RFC3339)
		Expect(w.kubectl(ctx, "get", "accesskeys")).To(And(
			MatchRegexp(`NAME +READY +SERVICE +USER +SECRET +EXPIRES +RENEWS +AGE\n`),
			MatchRegexp(`backup +True +qumulo +local:alice +backup +%s +%s +\d+s\n`, expires, renews)))
		Expect(w.kubectl(ctx, "get", "accesskeys", "--output=wide")).To(And(
			MatchRegexp(`AGE +KEY ID +REASON\n`), MatchRegexp(` %s +Issued\n`, p.id)))
		Expect(w.kubectl(ctx, "get", "keyservices")).To(And(
			MatchRegexp(`NAME +READY +VERSION +KEYS PER USER +AGE\n`),
			MatchRegexp(`qumulo +True +Qumulo Core 7.9.2.2 +2 +\d+s\n`)))
	})

	It("is found by every name of the kinds", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		for _, kind := range []string{"accesskey", "accesskeys", "ak", "accesskeys.accesskey.dev", "AccessKey"} {
			Expect(w.kubectl(ctx, "get", kind, "backup", "--output=name")).To(Equal("accesskey.accesskey.dev/backup\n"), kind)
		}
		for _, kind := range []string{"keyservice", "keyservices", "ks"} {
			Expect(w.kubectl(ctx, "get", kind, serviceName, "--output=name")).To(Equal("keyservice.accesskey.dev/qumulo\n"), kind)
		}
		for _, kind := range []string{"clusterkeyservice", "clusterkeyservices", "cks"} {
			w.kubectl(ctx, "get", kind)
		}
	})

	It("can be waited for", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.kubectl(ctx, "wait", "--for=condition=Ready", "accesskeys/backup", "--timeout=60s")
		w.kubectl(ctx, "wait", "--for=condition=Ready", "keyservices/qumulo", "--timeout=60s")
		w.issued(ctx, "backup", 1)
	})

	It("explains every field", func(ctx SpecContext) {
		w := newWorld(ctx)
		for _, kind := range []string{"accesskeys", "keyservices", "clusterkeyservices"} {
			Expect(w.kubectl(ctx, "explain", kind, "--recursive")).To(ContainSubstring("spec"))
			Expect(w.kubectl(ctx, "explain", kind+".spec")).NotTo(ContainSubstring("<no description>"))
		}
	})
})

func (w *world) kubectl(ctx SpecContext, arguments ...string) string {
	GinkgoHelper()
	return kubectl(ctx, append(arguments, "--namespace="+w.namespace)...)
}

// issueMany makes AccessKeys of as many users.
func (w *world) issueMany(ctx SpecContext, count int) {
	GinkgoHelper()
	for i := range count {
		w.service.AddUser(fmt.Sprint("user-", i))
		w.create(ctx, accessKey(fmt.Sprint("key-", i), withUser(fmt.Sprint("local:user-", i))))
	}
	for i := range count {
		w.issued(ctx, fmt.Sprint("key-", i), 1)
	}
	w.expectService(ctx, BeAtRest())
}

// versions are the resource versions of everything in the world's namespace that the operator writes.
func (w *world) versions(ctx SpecContext) map[string]string {
	GinkgoHelper()
	return w.versionsIn(ctx, kube, &v1alpha1.AccessKeyList{}, &v1alpha1.KeyServiceList{}, &corev1.SecretList{}, &eventsv1.EventList{})
}

// causes are the resource versions of what the operator acts on in the world's namespace.
func (w *world) causes(ctx SpecContext, from client.Reader) map[string]string {
	GinkgoHelper()
	return w.versionsIn(ctx, from, &v1alpha1.AccessKeyList{}, &v1alpha1.KeyServiceList{}, metadataList("", "Secret"))
}

func (w *world) versionsIn(ctx SpecContext, from client.Reader, lists ...client.ObjectList) map[string]string {
	GinkgoHelper()
	versions := map[string]string{}
	for _, list := range lists {
		Expect(from.List(ctx, list, client.InNamespace(w.namespace))).To(Succeed())
		items, err := meta.ExtractList(list)
		Expect(err).NotTo(HaveOccurred())
		for _, item := range items {
			object, err := meta.Accessor(item)
			Expect(err).NotTo(HaveOccurred())
			versions[fmt.Sprintf("%T %s", item, object.GetName())] = object.GetResourceVersion()
		}
	}
	return versions
}
