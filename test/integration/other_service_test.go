// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// another is a second cluster to which a KeyService can lead.
type another struct {
	service *qumulo.Simulator
	lead    func(*v1alpha1.KeyService)
}

// newAnother makes a cluster with the user alice, and a Secret with a token for it.
func (w *world) newAnother(ctx SpecContext) another {
	GinkgoHelper()
	service, server := w.newService()
	token := service.AddToken(time.Time{})
	w.seen = append(w.seen, token)
	w.create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "another"}, StringData: map[string]string{"token": token}})
	return another{service, func(ks *v1alpha1.KeyService) {
		ks.Spec.Qumulo.URL, ks.Spec.Qumulo.TokenSecretRef.Name = server.URL, "another"
		ks.Spec.TLS = &v1alpha1.TLS{CABundle: string(server.CA)}
	}}
}

// back leads the KeyService to the first cluster again.
func (w *world) back(ks *v1alpha1.KeyService) { ks.Spec = w.serviceSpec() }

var _ = Describe("A KeyService that leads to another service", func() {
	It("leaves the keys as they are until it is changed back", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		other := w.newAnother(ctx)
		w.changeService(ctx, other.lead)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "IdentityChanged",
			"the keys of 1 of its AccessKeys ("+w.namespace+"/backup) are at qumulo/"+w.clusterID, "change the KeyService back", "deletionPolicy: Retain"),
			HaveField("Status.Identity", "qumulo/"+w.clusterID))

		By("its renewal time having come, with another operator")
		w.restart(ctx)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expectStalled(ctx, "backup", "IdentityChanged", "qumulo/"+w.clusterID)
		w.step(ctx, resync)
		w.settle(ctx)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveField("Status.KeyID", p.id))
		Expect(other.service.Calls()).NotTo(HaveKey(ContainSubstring(keysPath)))

		By("being changed back")
		w.changeService(ctx, w.back)
		w.expectService(ctx, BeAtRest())
		w.issued(ctx, "backup", 2)
		Expect(other.service.History()).To(BeEmpty())
	})

	It("is taken over once the AccessKeys with keys are deleted with Retain", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", retained))
		p := w.issued(ctx, "backup", 1)
		other := w.newAnother(ctx)
		w.changeService(ctx, other.lead)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "IdentityChanged"))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.excused[p.id] = true
		w.expectService(ctx, BeAtRest(), HaveField("Status.Identity", Not(Equal("qumulo/"+w.clusterID))))
		w.create(ctx, accessKey("new"))
		w.issued(ctx, "new", 1)
		Expect(other.service.LivePairs()).To(HaveLen(1))
		Expect(w.works(p)).To(BeTrue())
	})

	It("is taken over at once where no AccessKey has a key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.DeleteUser("alice")
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "UserNotFound")
		other := w.newAnother(ctx)
		w.changeService(ctx, other.lead)
		w.issued(ctx, "backup", 1)
		w.expectService(ctx, BeAtRest())
		Expect(other.service.LivePairs()).To(HaveLen(1))
	})

	It("is noticed where another cluster answers at the same address", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		other := w.newAnother(ctx)
		var at atomic.Value
		at.Store(http.Handler(w.service))
		address, err := simulator.Serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { at.Load().(http.Handler).ServeHTTP(rw, r) }))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(address.Close)
		w.create(ctx, w.loginSecret(qumulo.DefaultPassword), w.keyService(logIn, func(spec *v1alpha1.KeyServiceSpec) {
			spec.Qumulo.URL, spec.TLS = address.URL, &v1alpha1.TLS{CABundle: string(address.CA)}
		}))
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)

		at.Store(http.Handler(other.service))
		w.step(ctx, resync)
		w.expectStalled(ctx, "backup", "IdentityChanged")
		w.step(ctx, resync)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "IdentityChanged"), HaveField("Status.Identity", "qumulo/"+w.clusterID))
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(w.accessKey(ctx, "backup").Status.KeyID).To(Equal(p.id))
		Expect(other.service.History()).To(BeEmpty())

		at.Store(http.Handler(w.service))
		w.step(ctx, resync)
		w.expectService(ctx, BeAtRest())
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})
})
