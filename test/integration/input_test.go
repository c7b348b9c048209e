// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

var _ = Describe("Bad input in an AccessKey", func() {
	It("an unknown user is named, and the key is made when there is one", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withUser("local:nobody")))
		w.expectStalled(ctx, "backup", "UserNotFound", "local:nobody", "knows no such user")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", "knows no such user"))
		By("telling of it once, however often it is tried again")
		ak := w.accessKey(ctx, "backup")
		for range 3 {
			w.stepToAttempt(ctx, "backup")
			w.settle(ctx)
		}
		w.eventually(ctx, func(g Gomega) { g.Expect(events(ctx, g, ak)).To(HaveKey("UserNotFound")) })
		w.consistently(ctx, func(g Gomega) { g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"UserNotFound": 1})) })
		Expect(eventsOf(ctx, Default, ak)[0].Type).To(Equal("Warning"))
		w.service.AddUser("nobody")
		w.stepToAttempt(ctx, "backup")
		w.issued(ctx, "backup", 1)
	})

	DescribeTable("a user that cannot be read is explained",
		func(ctx SpecContext, user string, message string) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup", withUser(user)))
			w.expectStalled(ctx, "backup", "Invalid", message)
			Expect(w.service.History()).To(BeEmpty())
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		},
		Entry("none", "", "user"),
		Entry("of an unknown kind", "group:admins", "local:NAME"),
		Entry("without a name", "local:", "there is no name"),
		Entry("a bare number", "1000", "write local:N, uid:N or auth_id:N"),
		Entry("a number that is none", "uid:x", "must be a number"),
	)

	It("a group is no user", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.Inject(simulator.Rule{Path: keysPath, Method: "POST"},
			simulator.Answer(400, nil, `{"error_class":"cred_identity_not_supported_error","description":"a group cannot own access keys"}`))
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "Invalid", "a group cannot own access keys")
	})

	It("a serviceRef that names nothing is explained, and followed when it does", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.create(ctx, accessKey("backup"), accessKey("cluster", withUser("local:bert"), onCluster("no-such-service")))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "KeyService qumulo does not exist"), HaveCondition("Stalled", "absent", ""))
		w.step(ctx, settled)
		w.expectStalled(ctx, "backup", "KeyServiceNotFound", "KeyService qumulo does not exist; create it")
		w.expectStalled(ctx, "cluster", "KeyServiceNotFound", "ClusterKeyService no-such-service does not exist")
		w.create(ctx, w.keyService())
		w.expectStalled(ctx, "backup", "CredentialsNotFound", "does not exist; create it with the key")
		w.create(ctx, w.credentialSecret(), w.authoritySecret())
		w.issued(ctx, "backup", 1)
	})
})

var _ = Describe("Bad input in a KeyService", func() {
	DescribeTable("is explained there and at the AccessKey, and works without a restart once it is mended",
		func(ctx SpecContext, spoil, mend func(SpecContext, *world), reason, message string) {
			w := newBareWorld(ctx)
			spoil(ctx, w)
			w.create(ctx, accessKey("backup"))
			w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, reason, message))
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", message))
			Expect(w.service.History()).To(BeEmpty())
			mend(ctx, w)
			w.step(ctx, resync)
			w.expectService(ctx, BeAtRest())
			w.issued(ctx, "backup", 1)
		},
		Entry("a credential Secret that is missing",
			func(ctx SpecContext, w *world) { w.create(ctx, w.authoritySecret(), w.keyService()) },
			func(ctx SpecContext, w *world) { w.create(ctx, w.credentialSecret()) },
			"CredentialsNotFound", "/credentials does not exist; create it with the key token"),
		Entry("a key that is missing in the credential Secret",
			func(ctx SpecContext, w *world) {
				w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo.TokenSecretRef.Key = "other" })
			},
			func(ctx SpecContext, w *world) {
				w.changeSecret(ctx, credentials, func(secret *corev1.Secret) { secret.Data["other"] = secret.Data["token"] })
			},
			"CredentialsNotFound", "/credentials has no key other, or it is empty; add it"),
		Entry("a CA Secret that is missing",
			func(ctx SpecContext, w *world) { w.create(ctx, w.credentialSecret(), w.keyService()) },
			func(ctx SpecContext, w *world) { w.create(ctx, w.authoritySecret()) },
			"CredentialsNotFound", "/authority does not exist; create it with the key ca.crt"),
		Entry("a CA Secret without a certificate",
			func(ctx SpecContext, w *world) {
				w.createService(ctx)
				w.changeSecret(ctx, authority, func(secret *corev1.Secret) { secret.Data["ca.crt"] = []byte("not PEM") })
			},
			func(ctx SpecContext, w *world) {
				w.changeSecret(ctx, authority, func(secret *corev1.Secret) { secret.Data["ca.crt"] = w.server.CA })
			},
			"KeyServiceInvalid", "the CA bundle holds no PEM certificate"),
		Entry("a URL with a user",
			func(ctx SpecContext, w *world) {
				w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) {
					spec.Qumulo.URL = strings.Replace(spec.Qumulo.URL, "https://", "https://admin@", 1)
				})
			},
			mendURL, "KeyServiceInvalid", "the URL holds a user; credentials belong in a Secret"),
		Entry("a port at which nobody listens",
			func(ctx SpecContext, w *world) {
				w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo.URL = "https://127.0.0.1:1" })
			},
			mendURL, "Unavailable", "cannot dial 127.0.0.1:1: connect: connection refused"),
		Entry("a CA that did not sign the service's certificate",
			func(ctx SpecContext, w *world) {
				_, other := w.newService()
				w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.TLS = &v1alpha1.TLS{CABundle: string(other.CA)} })
			},
			func(ctx SpecContext, w *world) {
				w.changeService(ctx, func(service *v1alpha1.KeyService) {
					service.Spec.TLS = &v1alpha1.TLS{CABundle: string(w.server.CA)}
				})
			},
			"Unavailable", "unknown authority; give its CA in the KeyService's spec.tls"),
		Entry("a wrong token",
			func(ctx SpecContext, w *world) {
				w.createService(ctx)
				w.changeSecret(ctx, credentials, func(secret *corev1.Secret) { secret.Data["token"] = []byte("access-v1:wrong") })
			},
			func(ctx SpecContext, w *world) { w.changeToken(ctx) },
			"Unauthorized", "the token is wrong or has ended"),
		Entry("a wrong password",
			func(ctx SpecContext, w *world) {
				w.create(ctx, w.loginSecret("wrong-password"))
				w.createService(ctx, logIn)
			},
			func(ctx SpecContext, w *world) {
				w.changeSecret(ctx, "login", func(secret *corev1.Secret) { secret.Data["password"] = []byte(qumulo.DefaultPassword) })
			},
			"Unauthorized", "does not accept the username and password of the login Secret"),
	)
})

func mendURL(ctx SpecContext, w *world) {
	w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.Qumulo.URL = w.server.URL })
}
