// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

func trustConfigMap(spec *v1alpha1.KeyServiceSpec) {
	spec.TLS = &v1alpha1.TLS{CARef: &v1alpha1.CASource{Kind: v1alpha1.CAConfigMap, Name: "bundle", Key: "trust.pem"}}
}

func (w *world) bundle(certificates string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "bundle"}, Data: map[string]string{"trust.pem": certificates}}
}

var _ = Describe("The certificates to trust", func() {
	It("can be in a ConfigMap, whose changes are noticed", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.createService(ctx, trustConfigMap)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "CredentialsNotFound",
			"ConfigMap "+w.namespace+"/bundle does not exist; create it with the key trust.pem"))
		_, stranger := w.newService()
		w.create(ctx, w.bundle(string(stranger.CA)))
		w.step(ctx, time.Minute)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unavailable", "signed by an unknown authority"))

		bundle := get(ctx, w, "bundle", &corev1.ConfigMap{})
		bundle.Data["trust.pem"] += string(w.server.CA)
		Expect(kube.Update(ctx, bundle)).To(Succeed())
		w.step(ctx, time.Minute)
		w.expectService(ctx, BeAtRest())
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)

		By("being deleted")
		w.delete(ctx, bundle)
		w.step(ctx, resync)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "CredentialsNotFound", "create it with the key trust.pem", "uses what it read before"))
		w.expect(ctx, "backup", BeAtRest())
		w.create(ctx, w.bundle(string(w.server.CA)))
		w.step(ctx, resync)
		w.expectService(ctx, BeAtRest())
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})

	It("can be in a Secret that caRef names, which gets the in-use finalizer", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) {
			spec.TLS = &v1alpha1.TLS{CARef: &v1alpha1.CASource{Kind: v1alpha1.CASecret, Name: authority, Key: "ca.crt"}}
		})
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		Expect(w.secret(ctx, authority).Finalizers).To(ConsistOf("accesskey.dev/in-use"))
	})

	It("are for the serverName, and the names of another certificate are told", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		named := func(name string) func(*v1alpha1.KeyServiceSpec) {
			return func(spec *v1alpha1.KeyServiceSpec) { spec.TLS.ServerName = name }
		}
		w.createService(ctx, named("qumulo.example"))
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unavailable",
			"the service's certificate is not valid for qumulo.example, but for "+simulator.Host+", 127.0.0.1; "+
				"use one of these names in the KeyService's url, or set its tls.serverName to one of them"))
		w.changeService(ctx, func(ks *v1alpha1.KeyService) { named(simulator.Host)(&ks.Spec) })
		w.expectService(ctx, BeAtRest())
	})
})
