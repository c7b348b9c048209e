// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
)

// keyServer is what the four simulators have in common.
type keyServer interface {
	http.Handler
	LivePairs() []simulator.Pair
	History() []simulator.Pair
	Valid(accessKeyID, secret string) bool
	Working(valid func(accessKeyID, secret string) bool) map[string]string
	Secrets() []string
	Inject(rule simulator.Rule, effect simulator.Effect) (lift func())
}

// other is a key service beside Qumulo, ready to be named by a KeyService.
type other struct {
	server  keyServer
	user    string
	secret  map[string]string
	spec    func(spec *v1alpha1.KeyServiceSpec, url string)
	version string
	// overlap: two keys of the user work side by side.
	overlap bool
}

func ionosService(c clock.PassiveClock) other { return ionosDescribing(128)(c) }

// ionosDescribing refuses descriptions of more characters than that.
func ionosDescribing(most int) func(clock.PassiveClock) other {
	return func(c clock.PassiveClock) other {
		return ionosWith(ionos.Options{Clock: c, Provisioning: 3 * time.Second, Destroying: 3 * time.Second, MaxDescription: most})
	}
}

func ionosWith(options ionos.Options) other {
	server := ionos.New(options)
	return other{
		server: server,
		secret: map[string]string{"token": server.AddUser("operator")},
		spec: func(spec *v1alpha1.KeyServiceSpec, url string) {
			spec.IONOS = &v1alpha1.IONOSService{URL: url, TokenSecretRef: v1alpha1.TokenReference{Name: credentials, Key: "token"}}
		},
		version: "IONOS Object Storage Management API 0.1.0",
		overlap: true,
	}
}

func huaweiService(c clock.PassiveClock) other {
	server := huawei.New(huawei.Options{Clock: c})
	server.AddUser("alice")
	return other{
		server: server,
		user:   "alice",
		secret: map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey},
		spec: func(spec *v1alpha1.KeyServiceSpec, url string) {
			spec.Huawei = &v1alpha1.HuaweiService{URL: url, DomainID: huawei.DefaultDomainID, CredentialsSecretRef: v1alpha1.SecretReference{Name: credentials}}
		},
		version: "Huawei Cloud IAM v5",
		overlap: true,
	}
}

func ontapService(version string, overlap bool) func(clock.PassiveClock) other {
	return func(c clock.PassiveClock) other {
		return other{
			server: ontap.New(ontap.Options{Clock: c, Version: version}),
			user:   "alice",
			secret: map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword},
			spec: func(spec *v1alpha1.KeyServiceSpec, url string) {
				spec.ONTAP = &v1alpha1.ONTAPService{URL: url, SVM: ontap.DefaultSVM, CredentialsSecretRef: v1alpha1.SecretReference{Name: credentials}}
			},
			version: "ONTAP " + version,
			overlap: overlap,
		}
	}
}

// use makes the key service the world's, and creates what names it.
func (w *world) use(ctx SpecContext, o other) {
	GinkgoHelper()
	server, err := simulator.Serve(o.server)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Close)
	w.services = append(w.services, o.server)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: credentials}, StringData: o.secret}
	ca := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: authority}, Data: map[string][]byte{"ca.crt": server.CA}}
	w.create(ctx, secret, ca, w.keyService(func(spec *v1alpha1.KeyServiceSpec) {
		spec.Qumulo = nil
		o.spec(spec, server.URL)
	}))
}

var _ = DescribeTable("The life of a key at the other key services",
	func(ctx SpecContext, service func(clock.PassiveClock) other) {
		w := newBareWorld(ctx)
		o := service(w.clock)
		w.use(ctx, o)

		By("issued")
		w.create(ctx, accessKey("backup", withUser(o.user)))
		old := w.issued(ctx, "backup", 1)
		Expect(w.works(old)).To(BeTrue())
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionTrue, "ServiceReachable"), HaveField("Status.Version", o.version))

		By("rotated")
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		fresh := w.issued(ctx, "backup", 2)
		Expect(w.works(fresh)).To(BeTrue())
		Expect(w.works(old)).To(Equal(o.overlap))

		By("the old one revoked")
		for _, previous := range w.accessKey(ctx, "backup").Status.PreviousKeys {
			w.stepTo(ctx, previous.RevokeAt.Time)
		}
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		Expect(w.published(ctx, "backup")).To(Equal(fresh))

		By("deleted")
		ak := accessKey("backup")
		w.delete(ctx, ak)
		w.gone(ctx, ak)
		Expect(o.server.LivePairs()).NotTo(ContainElement(HaveField("CreatedBy", Not(Equal(simulator.Person)))))
		Expect(len(o.server.History())).To(BeNumerically(">=", 2))
	},
	Entry("IONOS", ionosService),
	Entry("IONOS with descriptions of 64 characters", ionosDescribing(64)),
	Entry("Huawei Cloud", huaweiService),
	Entry("ONTAP with one key per user", ontapService(ontap.V9141, false)),
	Entry("ONTAP with two keys per user", ontapService(ontap.V9191, true)),
)
var _ = Describe("A user that ONTAP keeps the operator's key in", func() {
	It("is made again when an administrator deletes it, and the loss of its groups is told", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		server := ontap.New(ontap.Options{Clock: w.clock, Version: ontap.V9191})
		o := ontapService(ontap.V9191, true)(w.clock)
		o.server = server
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		old := w.issued(ctx, "backup", 1)
		w.step(ctx, resync)
		Expect(server.RemoveUser(o.user)).To(BeTrue())
		w.step(ctx, resync)
		w.step(ctx, resync)
		fresh := w.issued(ctx, "backup", 2)
		Expect(w.works(old)).To(BeFalse())
		Expect(w.works(fresh)).To(BeTrue())
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, w.accessKey(ctx, "backup"))).To(HaveKeyWithValue("UserRecreated", 1))
		})
	})

	It("goes with its AccessKey although a person deleted the key", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		server := ontap.New(ontap.Options{Clock: w.clock, Version: ontap.V9141})
		o := ontapService(ontap.V9141, false)(w.clock)
		o.server = server
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		w.issued(ctx, "backup", 1)
		Expect(server.RemoveKey(o.user)).To(BeTrue())
		ak := accessKey("backup")
		w.delete(ctx, ak)
		w.gone(ctx, ak)
		Expect(server.Users()).To(BeEmpty())
	})
})
