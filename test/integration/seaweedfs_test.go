// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator"
)

// SeaweedFS has no quota of keys, no date of a key and no last use, and it answers a list of an unknown user with an empty list. make
// test-e2e builds it, because that takes minutes, and sets the variable. Without the variable, there are no specs of it.
var _ = Describe("SeaweedFS, a real server with the IAM API of AWS", Ordered, ContinueOnFailure, func() {
	binary := os.Getenv("SEAWEEDFS")
	if binary == "" {
		return
	}
	var seaweedFS *s3.SeaweedFS
	BeforeAll(func(ctx SpecContext) {
		var err error
		seaweedFS, err = s3.StartSeaweedFS(ctx, binary)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(seaweedFS.Stop)
	})
	users := 0
	newUser := func(ctx SpecContext) *realServer {
		GinkgoHelper()
		users++
		return newRealServer(ctx, seaweedFS.Admin, seaweedFS.URL, fmt.Sprint("user-", users))
	}
	fourKeys := func(aws *v1alpha1.AWSService) { aws.KeysPerUser = 4 }

	It("lets the pair in the Secret open its S3 server until the key is revoked", func(ctx SpecContext) {
		server := newUser(ctx)
		w := newRealWorld(ctx, server)
		w.expectService(ctx, BeAtRest(), HaveField("Status.Version", HavePrefix("SeaweedFS 4.")))
		w.liveAndDie(ctx, server, func() {})
	})

	It("refuses an old key in quarantine, and accepts it again when it is enabled", func(ctx SpecContext) {
		server := newUser(ctx)
		w := newRealWorld(ctx, server)
		w.quarantine(ctx, server)
	})

	It("has as many keys of a user as the KeyService says", func(ctx SpecContext) {
		server := newUser(ctx)
		w := newRealWorld(ctx, server, fourKeys)
		w.create(ctx, server.accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		foreign := server.makeKey()
		fresh := w.rotatedNow(ctx)
		for _, p := range []pair{old, foreign, fresh} {
			Expect(server.opens(p)).To(BeEmpty())
		}
	})

	It("lets the operator choose the ID of a key, so that it finds and deletes the key whose answer was lost", func(ctx SpecContext) {
		server := newUser(ctx)
		w := newRealWorld(ctx, server, fourKeys)
		w.create(ctx, server.accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		server.Inject(simulator.Rule{Path: "/CreateAccessKey"}.Once(), simulator.DropAnswer())
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expect(ctx, "backup", HaveCondition("Synced", metav1.ConditionFalse, "Ambiguous"), HaveField("Status.Intent", Not(BeNil())))
		lost := server.LivePairs()[1]
		w.expect(ctx, "backup", HaveField("Status.Intent.KeyID", lost.ID))
		foreign := server.makeKey() // has no date either
		w.step(ctx, settled)
		fresh := w.issued(ctx, "backup", 2)
		for _, works := range []pair{p, foreign, fresh} {
			Expect(server.opens(works)).To(BeEmpty())
		}
		Expect(server.keys(server.user)).To(ConsistOf(HaveField("ID", p.id), HaveField("ID", foreign.id), HaveField("ID", fresh.id)))
	})

	It("names a user that it does not know", func(ctx SpecContext) {
		server := newUser(ctx)
		w := newRealWorld(ctx, server)
		w.create(ctx, server.accessKey("backup", withUser("nobody")))
		w.expectStalled(ctx, "backup", "UserNotFound", "nobody")
	})

	It("does not keep a key of a user in its configuration file, and no such key is published", func(ctx SpecContext) {
		server := newUser(ctx)
		w := newRealWorld(ctx, server)
		w.create(ctx, server.accessKey("backup", withUser(seaweedFS.Static)))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "to accept access key", "InvalidAccessKeyId"))
		for range 4 {
			w.step(ctx, settled)
			w.settle(ctx)
		}
		w.expect(ctx, "backup", HaveCondition("Stalled", metav1.ConditionTrue, Not(BeEmpty()), "create the user by the IAM API instead"))
		Expect(kube.Get(ctx, w.named("backup"), &corev1.Secret{})).To(MatchError(apierrors.IsNotFound, "not found"))
	})
})
