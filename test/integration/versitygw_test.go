// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator"
)

// newVersitygwWorld makes a world with the user alice at versitygw.
func newVersitygwWorld(ctx SpecContext) (*world, *realServer) {
	GinkgoHelper()
	binary, err := s3.Binary(ctx)
	Expect(err).NotTo(HaveOccurred())
	server, err := s3.StartIAM(ctx, binary)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Stop)
	r := newRealServer(ctx, server.Admin, server.Endpoint, "alice")
	return newRealWorld(ctx, r), r
}

var _ = Describe("versitygw, a real server with the IAM API of AWS", func() {
	It("lets the pair in the Secret open its S3 server until the key is revoked", func(ctx SpecContext) {
		w, server := newVersitygwWorld(ctx)
		w.expectService(ctx, BeAtRest(), HaveField("Status.Version", "IAM API (account 000000000000)"))
		w.liveAndDie(ctx, server, func() {
			w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Add(-5*time.Second))
			w.expect(ctx, "backup", HaveField("Status.PreviousKeys", ConsistOf(HaveField("LastUsedAt.IsZero()", BeFalse()))))
		})
	})

	It("is sent at most four requests for each key", func(ctx SpecContext) {
		const count = 10
		w, server := newVersitygwWorld(ctx)
		w.create(ctx, server.accessKey("first")) // with the connection
		w.issued(ctx, "first", 1)
		w.settle(ctx)
		server.ResetCalls()
		for i := range count {
			name := fmt.Sprint("user-", i)
			server.addUser(ctx, name)
			w.create(ctx, server.accessKey(name, withUser(name)))
		}
		for i := range count {
			w.issued(ctx, fmt.Sprint("user-", i), 1)
		}
		w.settle(ctx)
		calls := server.Calls()
		AddReportEntry("requests for 10 keys", fmt.Sprint(calls))
		Expect(calls).To(HaveKeyWithValue("POST /CreateAccessKey", count))
		Expect(calls["POST /GetUser"] + calls["POST /ListAccessKeys"]).To(BeNumerically("<=", 3*count))
	})

	It("refuses an old key in quarantine, and accepts it again when it is enabled", func(ctx SpecContext) {
		w, server := newVersitygwWorld(ctx)
		w.quarantine(ctx, server)
	})

	It("has room for two keys of a user, and a foreign one is named and left alone", func(ctx SpecContext) {
		w, server := newVersitygwWorld(ctx)
		w.create(ctx, server.accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		foreign := server.makeKey()
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expectStalled(ctx, "backup", "QuotaExceeded", `user "alice" has 2 keys of at most 2`, foreign.id, p.id)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		Expect(server.opens(p)).To(BeEmpty())
		Expect(server.opens(foreign)).To(BeEmpty())
		Expect(server.RemoveKey(foreign.id)).To(BeTrue())
		w.step(ctx, resync)
		w.issued(ctx, "backup", 2)
	})

	DescribeTable("keeps no key whose secret nobody has, if the answer to CreateAccessKey is lost,",
		func(ctx SpecContext, revision int64, effect simulator.Effect) {
			w, server := newVersitygwWorld(ctx)
			lose := func() { server.Inject(simulator.Rule{Path: "/CreateAccessKey"}.Once(), effect) }
			if revision == 1 {
				lose()
				w.create(ctx, server.accessKey("backup"))
			} else {
				w.create(ctx, server.accessKey("backup"))
				w.issued(ctx, "backup", 1)
				lose()
				w.changeAccessKey(ctx, "backup", renewNow("now"))
			}
			w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionFalse, "Ambiguous"), HaveField("Status.Intent", Not(BeNil())))
			working := server.LivePairs()
			Expect(working).To(HaveLen(int(revision)), "with the lost key")

			w.step(ctx, settled)
			w.issued(ctx, "backup", revision)
			Expect(server.LivePairs()).To(HaveLen(int(revision)))
			lost := working[revision-1]
			Expect(server.keys(server.user)).NotTo(ContainElement(HaveField("ID", lost.ID)))
			Expect(server.Calls()["POST /CreateAccessKey"]).To(BeEquivalentTo(revision + 1))
		},
		Entry("of the first pair", int64(1), simulator.DropAnswer()),
		Entry("of a rotation, which leaves no room for another key", int64(2), simulator.DropAnswer()),
		Entry("of a rotation, because a proxy sends a page of its own", int64(2), simulator.ReplaceAnswer("<html>Welcome</html>")),
	)

	It("names the user that it does not know", func(ctx SpecContext) {
		w, server := newVersitygwWorld(ctx)
		w.create(ctx, server.accessKey("backup", withUser("bob")))
		w.expectStalled(ctx, "backup", "UserNotFound", "The user with name bob cannot be found")
		server.addUser(ctx, "bob")
		w.step(ctx, resync)
		w.issued(ctx, "backup", 1)
	})

	It("has the keys of a user who was renamed, and they are revoked with the AccessKey", func(ctx SpecContext) {
		w, server := newVersitygwWorld(ctx)
		ak := server.accessKey("backup")
		w.create(ctx, ak)
		p := w.issued(ctx, "backup", 1)
		server.renameUser(ctx, "alicia")
		w.step(ctx, resync)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expectStalled(ctx, "backup", "UserNotFound", "alice")
		Expect(server.opens(p)).To(BeEmpty())
		w.delete(ctx, ak)
		w.gone(ctx, ak)
		Expect(server.opens(p)).To(Equal("InvalidAccessKeyId"))
		Expect(server.keys("alicia")).To(BeEmpty())
	})

	It("knows one user by any case of its name", func(ctx SpecContext) {
		w, server := newVersitygwWorld(ctx)
		w.create(ctx, server.accessKey("first"), server.accessKey("second", withUser("ALICE")))
		w.issued(ctx, "first", 1)
		w.issued(ctx, "second", 1)
		for _, name := range []string{"first", "second"} {
			Expect(w.accessKey(ctx, name).Status.UserID).To(Equal("alice"))
		}
		Expect(server.keys("Alice")).To(HaveLen(2))
	})

	DescribeTable("says what is wrong with the operator's credentials, and Ready stays",
		func(ctx SpecContext, key, wrong string, says string) {
			w, server := newVersitygwWorld(ctx)
			w.create(ctx, server.accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			w.changeSecret(ctx, credentials, func(secret *corev1.Secret) { secret.Data[key] = []byte(wrong) })
			w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unauthorized", says))
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
			Expect(server.opens(p)).To(BeEmpty())
		},
		Entry("a wrong secret", "secret-access-key", "wrong", "SignatureDoesNotMatch"),
		Entry("an unknown key", "access-key-id", "AKIA00000000000000000", "InvalidClientTokenId"),
	)

	It("may be down, which changes no Ready condition", func(ctx SpecContext) {
		w, server := newVersitygwWorld(ctx)
		w.create(ctx, server.accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		lift := server.Inject(simulator.Rule{}, simulator.Refuse())
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionFalse, "Unavailable"), HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		Expect(server.opens(p)).To(BeEmpty())
		lift()
		w.stepToAttempt(ctx, "backup")
		w.issued(ctx, "backup", 2)
	})
})
