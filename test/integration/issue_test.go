// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/qumulo"
)

var _ = Describe("Issuing a key", func() {
	It("publishes the pair in a Secret of the AccessKey's name", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)

		ak, secret := w.accessKey(ctx, "backup"), w.secret(ctx, "backup")
		Expect(secret.Type).To(Equal(corev1.SecretTypeOpaque))
		Expect(secret.Data).To(Equal(map[string][]byte{
			"AWS_ACCESS_KEY_ID":     []byte(p.id),
			"AWS_SECRET_ACCESS_KEY": []byte(p.secret),
			"AWS_ENDPOINT_URL_S3":   []byte(w.planeServer.URL),
			"AWS_REGION":            []byte("us-east-1"),
			"AWS_DEFAULT_REGION":    []byte("us-east-1"),
		}))
		Expect(secret.Labels).To(Equal(map[string]string{"app.kubernetes.io/managed-by": "accesskey-operator"}))
		Expect(secret.Annotations).To(HaveKeyWithValue("accesskey.dev/access-key-id", p.id))
		Expect(secret.Annotations).To(HaveKeyWithValue("accesskey.dev/expires-at", ak.Status.ExpiresAt.UTC().Format(time.RFC3339)))
		Expect(secret.OwnerReferences).To(ConsistOf(metav1.OwnerReference{
			APIVersion: "accesskey.dev/v1alpha1", Kind: "AccessKey", Name: "backup", UID: ak.UID,
			Controller: ptr.To(true),
		}))
	})

	It("records the key, its times and what is true of it", func(ctx SpecContext) {
		w := newWorld(ctx)
		begun := w.clock.Now().Truncate(time.Second)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)

		ak := w.accessKey(ctx, "backup")
		Expect(ak.Finalizers).To(ConsistOf("accesskey.dev/revoke"))
		Expect(ak.Status.AccessKeyID).To(Equal(p.id))
		Expect(ak.Status.KeyID).To(Equal(p.id))
		Expect(ak.Status.SecretName).To(Equal("backup"))
		Expect(ak.Status.Intent).To(BeNil())
		Expect(ak.Status.Failures).To(BeNil())
		Expect(ak.Status.PreviousKeys).To(BeEmpty())
		Expect(ak.Status.IssuedAt.Time).To(BeTemporally("~", begun, 5*time.Second))
		Expect(ak.Status.ExpiresAt.Time).To(BeTemporally("==", ak.Status.IssuedAt.Add(30*day)))
		latest := ak.Status.ExpiresAt.Add(-10 * day)
		Expect(ak.Status.RenewalTime.Time).To(And(BeTemporally("<=", latest), BeTemporally(">=", latest.Add(-2*day))),
			"renewBefore before the end, and a tenth of the time until then earlier at most")
		Expect(conditionsOf(ak)).To(HaveLen(3))
		Expect(ak).To(verified)
		Expect(ak).To(HaveCondition("Ready", metav1.ConditionTrue, "Issued", "Secret backup holds access key "+p.id, "valid until"))
		Expect(ak).To(HaveCondition("Synced", metav1.ConditionTrue, "ServiceReachable"))
	})

	It("says what is found at the key service", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest(), HaveCondition("Ready", metav1.ConditionTrue, "ServiceReachable"))
		status := get(ctx, w, serviceName, &v1alpha1.KeyService{}).Status
		Expect(status.Version).To(Equal("Qumulo Core 7.9.2.2"))
		Expect(status.Limits).To(Equal(&v1alpha1.ServiceLimits{KeysPerUser: 2, Overlap: ptr.To(true), Regenerate: ptr.To(false), Disable: ptr.To(false), LastUse: ptr.To(false)}))
	})

	It("holds the key service and its Secrets while an AccessKey needs them", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.expectService(ctx, BeAtRest(), HaveField("Finalizers", BeEmpty()))
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.expectService(ctx, HaveField("Finalizers", ConsistOf("accesskey.dev/in-use")))
		Expect(w.secret(ctx, credentials).Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		Expect(w.secret(ctx, authority).Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		Expect(w.secret(ctx, "backup").Finalizers).To(BeEmpty())
	})

	It("uses the Secret's name, type, labels and annotations of the spec", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", func(ak *v1alpha1.AccessKey) {
			ak.Spec.SecretName = "s3-credentials"
			ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{
				Type: "example.com/s3", Labels: map[string]v1alpha1.LabelValue{"team": "a"}, Annotations: map[string]string{"note": "b"},
			}
			ak.Labels, ak.Annotations = map[string]string{"own": "label"}, map[string]string{"own": "annotation"}
		}))
		w.issued(ctx, "backup", 1)
		secret := w.secret(ctx, "s3-credentials")
		Expect(secret.Type).To(BeEquivalentTo("example.com/s3"))
		Expect(secret.Labels).To(Equal(map[string]string{"team": "a", "app.kubernetes.io/managed-by": "accesskey-operator"}))
		Expect(secret.Annotations).To(HaveKeyWithValue("note", "b"))
		Expect(secret.Annotations).NotTo(HaveKey("own"), "GitOps tools would prune the Secret")
	})

	It("gives a pair without a ttl no end", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withoutTTL))
		p := w.issued(ctx, "backup", 1)
		ak := w.accessKey(ctx, "backup")
		Expect(ak.Status.ExpiresAt.IsZero()).To(BeTrue())
		Expect(ak.Status.RenewalTime.IsZero()).To(BeTrue())
		Expect(w.secret(ctx, "backup").Annotations).NotTo(HaveKey("accesskey.dev/expires-at"))
		w.step(ctx, 100*day)
		w.settle(ctx)
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})

	It("publishes no endpoint where the key service names none", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.S3 = nil })
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		Expect(w.secret(ctx, "backup").Data).To(HaveLen(2))
	})

	It("gives two AccessKeys of one user its two keys", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("first"), accessKey("second"))
		first, second := w.issued(ctx, "first", 1), w.issued(ctx, "second", 1)
		Expect(first).NotTo(Equal(second))
		Expect(w.service.History()).To(HaveLen(2), "no key was made in vain")
	})

	It("makes keys of many users at once", func(ctx SpecContext) {
		w := newWorld(ctx)
		users := []string{"anna", "bert", "carl", "dora", "emil"}
		for _, user := range users {
			w.service.AddUser(user)
			w.create(ctx, accessKey(user, withUser("local:"+user)))
		}
		for _, user := range users {
			w.issued(ctx, user, 1)
		}
		Expect(w.service.History()).To(HaveLen(len(users)))
	})

	It("copes with long names and odd users", func(ctx SpecContext) {
		w := newWorld(ctx)
		name := text(63) + "." + text(63) + "." + text(63) + "." + text(56)
		w.service.AddUser("Jörg Ö. O'Neill & Söhne")
		w.create(ctx, accessKey(name, withUser("local:Jörg Ö. O'Neill & Söhne")))
		w.issued(ctx, name, 1)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, name))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, name))
	})

	It("reports it by its conditions alone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued", "Secret backup holds access key "+p.id))
		w.step(ctx, resync)
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(events(ctx, g, w.accessKey(ctx, "backup"))).To(BeEmpty()) })
	})
})

var _ = Describe("Signing in to the key service", func() {
	DescribeTable("works",
		func(ctx SpecContext, configure func(*world, *v1alpha1.KeyServiceSpec)) {
			w := newBareWorld(ctx)
			w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { configure(w, spec) })
			w.create(ctx, w.loginSecret(qumulo.DefaultPassword), accessKey("backup"))
			w.issued(ctx, "backup", 1)
		},
		Entry("with a token", func(*world, *v1alpha1.KeyServiceSpec) {}),
		Entry("with a username and password", func(_ *world, spec *v1alpha1.KeyServiceSpec) { logIn(spec) }),
		Entry("with the CA in the spec", func(w *world, spec *v1alpha1.KeyServiceSpec) {
			spec.TLS = &v1alpha1.TLS{CABundle: string(w.server.CA)}
		}),
		Entry("without a look at the certificate, if so asked", func(_ *world, spec *v1alpha1.KeyServiceSpec) {
			spec.TLS = &v1alpha1.TLS{InsecureSkipVerify: ptr.To(true)}
		}),
	)

	It("logs in again when the session has ended", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.create(ctx, w.authoritySecret(), w.loginSecret(qumulo.DefaultPassword), w.keyService(logIn))
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.settle(ctx)
		w.service.ResetCalls()
		w.step(ctx, 11*time.Hour)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		Expect(w.service.Calls()).To(HaveKeyWithValue("POST /v1/session/login", 1))
	})
})

// loginSecret holds a username and password for the cluster.
func (w *world) loginSecret(password string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "login"},
		StringData: map[string]string{"username": qumulo.DefaultUsername, "password": password},
	}
}

func logIn(spec *v1alpha1.KeyServiceSpec) {
	spec.Qumulo.TokenSecretRef, spec.Qumulo.LoginSecretRef = nil, &v1alpha1.SecretReference{Name: "login"}
}
