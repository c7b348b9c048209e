// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
)

// keyServer is what the simulators have in common.
type keyServer = services.Server

// other is an account at a key service, ready to be named by a KeyService.
type other struct {
	server  keyServer
	user    string
	secret  map[string]string
	spec    func(spec *v1alpha1.KeyServiceSpec, url, secret string)
	version string
	// overlap: two keys of the user work side by side.
	overlap bool
	// makeKey makes a key of the user by hand. addUser adds a user and returns its name.
	makeKey func() (simulator.Pair, string, error)
	addUser func(name string) string
}

// ofAlice is an account with the user alice.
func ofAlice(account *services.Account) other {
	user := account.AddUser("alice")
	return other{
		server: account.Server, user: user.Name, secret: user.Secret, spec: account.Spec, version: account.Version, overlap: account.Quota > 1,
		makeKey: func() (simulator.Pair, string, error) { return account.MakeKey(user) },
		addUser: func(name string) string { return account.AddUser(name).Name },
	}
}

// serviceAt opens a service of the table.
func serviceAt(service services.Service) func(clock.PassiveClock) other {
	return func(c clock.PassiveClock) other { return ofAlice(service.Open(services.Options{Clock: c})) }
}

// Services that specs are about. oneKey and twoKeys are ONTAP clusters that hold so many keys per user.
var (
	qumuloService = serviceAt(services.Qumulo())
	ionosService  = serviceAt(services.IONOS())
	huaweiService = serviceAt(services.Huawei())
	oneKey        = serviceAt(services.ONTAP(ontap.V9141))
	twoKeys       = serviceAt(services.ONTAP(ontap.V9191))
)

// everyService returns an entry for each service of the table.
func everyService() []TableEntry {
	var all []TableEntry
	for _, service := range services.All() {
		all = append(all, Entry(service.Name, serviceAt(service)))
	}
	return all
}

// ionosDescribing64 refuses descriptions of more than 64 characters.
func ionosDescribing64(c clock.PassiveClock) other {
	return ofAlice(services.OpenIONOS(ionos.Options{Clock: c, Provisioning: 3 * time.Second, Destroying: 3 * time.Second, MaxDescription: 64}))
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
		o.spec(spec, server.URL, credentials)
	}))
}

var _ = DescribeTable("The life of a key",
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
	everyService(),
	Entry("IONOS with descriptions of 64 characters", ionosDescribing64),
)
var _ = Describe("A user that ONTAP keeps the operator's key in", func() {
	It("is made again when an administrator deletes it, and the loss of its groups is told", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		server := ontap.New(ontap.Options{Clock: w.clock, Version: ontap.V9191})
		o := twoKeys(w.clock)
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
		o := oneKey(w.clock)
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
