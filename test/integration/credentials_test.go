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
	"accesskey.dev/operator/test/simulator/ontap"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// login is a key service whose password can be changed.
type login struct {
	other
	// another user of the service.
	another string
	// refuse makes the service refuse the password. refused counts how often it was sent since.
	refuse  func() (lift func())
	refused func() int
}

func ontapLogin(c clock.PassiveClock) login {
	o := twoKeys(c)
	server := o.server.(*ontap.Simulator)
	return login{o, "bert", func() func() {
		server.ResetCalls()
		return server.Inject(simulator.Rule{}, simulator.Answer(http.StatusUnauthorized, nil, `{"error":{"message":"User is not authorized.","code":"6691623"}}`))
	}, func() int { return sum(server.Calls()) }}
}

func qumuloLogin(c clock.PassiveClock) login {
	o := qumuloService(c)
	server := o.server.(*qumulo.Simulator)
	const path = "/v1/session/login"
	return login{
		o, o.addUser("bert"),
		func() func() {
			server.RevokeTokens()
			server.ResetCalls()
			return server.Inject(simulator.Rule{Path: path}, simulator.Answer(http.StatusUnauthorized, nil, `{"description":"Incorrect username or password."}`))
		},
		func() int { return server.Calls()["POST "+path] },
	}
}

func sum(calls map[string]int) (total int) {
	for _, count := range calls {
		total += count
	}
	return total
}

var _ = DescribeTable("A password that was changed at the service",
	func(ctx SpecContext, service func(clock.PassiveClock) login) {
		w := newBareWorld(ctx)
		l := service(w.clock)
		w.use(ctx, l.other)
		w.create(ctx, accessKey("first", withUser(l.user)))
		p := w.issued(ctx, "first", 1)
		begin := w.clock.Now()
		lift := l.refuse()

		By("being sent four times in the first ten minutes, whoever needs it")
		w.changeAccessKey(ctx, "first", renewNow("now"))
		w.create(ctx, accessKey("second", withUser(l.another)))
		w.expect(ctx, "second", HaveCondition("Synced", metav1.ConditionFalse, "Unauthorized"))
		for w.clock.Now().Sub(begin) < 10*time.Minute-10*time.Second {
			w.step(ctx, 5*time.Second)
		}
		w.settle(ctx)
		AddReportEntry("logins in the first ten minutes", l.refused())
		Expect(l.refused()).To(BeNumerically("<=", 4))

		By("less and less often after that, also by an operator that starts anew")
		w.step(ctx, resync)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unauthorized", "the operator tries the credentials again at"))
		for range 3 {
			w.restart(ctx)
			w.step(ctx, time.Minute)
		}
		w.settle(ctx)
		Expect(l.refused()).To(BeNumerically("<=", 6))
		w.expect(ctx, "first", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		Expect(w.works(p)).To(BeTrue())
		next := get(ctx, w, serviceName, &v1alpha1.KeyService{}).Status.RefusedCredentials.NextAttempt
		before := l.refused()
		w.stepTo(ctx, next.Add(-time.Second))
		w.settle(ctx)
		Expect(l.refused()).To(Equal(before))

		By("at once when the Secret changes")
		lift()
		w.changeSecret(ctx, credentials, func(secret *corev1.Secret) { secret.Data["changed"] = []byte("yes") })
		w.expectService(ctx, BeAtRest(), HaveField("Status.RefusedCredentials", BeNil()))
		w.issued(ctx, "second", 1)
		w.issued(ctx, "first", 2)
	},
	Entry("ONTAP", ontapLogin),
	Entry("Qumulo", qumuloLogin),
)

var _ = Describe("The Secret with the credentials", func() {
	It("can be deleted and created again with a new token", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.delete(ctx, named(&corev1.Secret{}, credentials))
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "CredentialsDeleting",
			"Secret "+w.namespace+"/"+credentials+" is being deleted", "edit the Secret in place", "the finalizer is removed within seconds"))
		w.gone(ctx, named(&corev1.Secret{}, credentials))
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "CredentialsNotFound", "does not exist; create it with the key token",
			"until then the operator uses what it read before"))
		w.expect(ctx, "backup", BeAtRest())

		w.token = w.service.AddToken(time.Time{})
		w.seen = append(w.seen, w.token)
		w.create(ctx, w.credentialSecret())
		w.expectService(ctx, BeAtRest())
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, credentials).Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		})
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})

	It("is not needed to revoke the keys until the operator restarts", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("first"), accessKey("second"))
		first := w.issued(ctx, "first", 1)
		second := w.issued(ctx, "second", 1)
		w.delete(ctx, named(&corev1.Secret{}, credentials))
		w.gone(ctx, named(&corev1.Secret{}, credentials))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "first"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "first"))
		Expect(w.works(first)).To(BeFalse())

		w.restart(ctx)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "second"))
		w.expectStalled(ctx, "second", "CredentialsNotFound", "create it with the key token")
		Expect(w.works(second)).To(BeTrue())
		w.create(ctx, w.credentialSecret())
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "second"))
		Expect(w.works(second)).To(BeFalse())
	})

	It("stays while an AccessKey that needs it is being deleted", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		lift := w.service.Inject(simulator.Rule{Path: keysPath, Method: http.MethodDelete}, simulator.Answer(500, nil, ""))
		w.delete(ctx, named(&corev1.Secret{}, credentials))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.step(ctx, time.Minute)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "CredentialsDeleting", "AccessKeys are being deleted"))
		w.restart(ctx)
		w.step(ctx, time.Minute)
		w.settle(ctx)
		Expect(w.secret(ctx, credentials).Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		lift()
		w.step(ctx, resync)
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"), named(&corev1.Secret{}, credentials))
		Expect(w.service.LivePairs()).To(BeEmpty())
	})

	It("can be deleted at once where its content is of no use", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.service.RevokeTokens()
		w.restart(ctx)
		w.step(ctx, time.Minute)
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unauthorized"))
		w.delete(ctx, named(&corev1.Secret{}, credentials))
		w.gone(ctx, named(&corev1.Secret{}, credentials))
		w.token = w.service.AddToken(time.Time{})
		w.seen = append(w.seen, w.token)
		w.create(ctx, w.credentialSecret())
		w.expectService(ctx, BeAtRest())
	})

	It("is not sent with a blank that nobody can have meant", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		secret := w.loginSecret(" " + qumulo.DefaultPassword)
		w.create(ctx, secret, w.authoritySecret(), w.keyService(logIn))
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "KeyServiceInvalid",
			"the value of key password in Secret "+w.namespace+"/login begins or ends with a blank; remove it"))
		Expect(w.service.Calls()).To(BeEmpty())
		w.changeSecret(ctx, "login", func(secret *corev1.Secret) {
			secret.Data["username"] = []byte("\ufeff" + qumulo.DefaultUsername + "\r\n")
			secret.Data["password"] = []byte("\ufeff" + qumulo.DefaultPassword + "\r\n")
		})
		w.expectService(ctx, BeAtRest())
	})
})
