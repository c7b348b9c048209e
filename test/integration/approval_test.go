// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/test/simulator/ontap"
)

// retryApproval is when the operator sends a change again that waits for an approval.
const retryApproval = 5 * time.Minute

// protectedCluster is an ONTAP cluster on which multi-admin verification protects the users of its S3 servers.
func (w *world) protectedCluster(ctx SpecContext, options ontap.Options, commands ...string) *ontap.Simulator {
	GinkgoHelper()
	options.Clock = w.clock
	cluster := ontap.New(options)
	cluster.Protect(commands...)
	o := ontapService(options.Version, false)(w.clock)
	o.server = cluster
	w.use(ctx, o)
	return cluster
}

// minute lets a minute pass, second by second, and returns how many requests the cluster has got so far.
func (w *world) minute(ctx SpecContext, cluster *ontap.Simulator) (sent int) {
	GinkgoHelper()
	for range 60 {
		w.step(ctx, time.Second)
	}
	w.settle(ctx)
	for _, calls := range maps.All(cluster.Calls()) {
		sent += calls
	}
	return sent
}

var _ = Describe("A cluster with multi-admin verification", func() {
	DescribeTable("is asked for a key at most six times in a minute, and the condition says what to approve",
		func(ctx SpecContext, options ontap.Options) {
			w := newBareWorld(ctx)
			options.Version = ontap.V9161
			cluster := w.protectedCluster(ctx, options, "create")
			w.create(ctx, accessKey("backup", withUser("alice")))
			sent := w.minute(ctx, cluster)
			GinkgoWriter.Printf("FIGURE requests in 60 s: %d %v\n", sent, cluster.Calls())
			Expect(sent).To(BeNumerically("<=", 6), "%v", cluster.Calls())
			w.expectStalled(ctx, "backup", "ApprovalRequired", "another administrator", "multi-admin-verify request approve -index 1")
			ak := w.accessKey(ctx, "backup")
			Expect(ak.Status.Intent).To(BeNil(), "nothing was carried out")
			Expect(ak).To(HaveCondition("Ready", metav1.ConditionUnknown, "Pending"))
			Expect(cluster.Approvals()).To(Equal(1))

			By("being approved")
			cluster.Approve(1)
			w.step(ctx, retryApproval)
			w.issued(ctx, "backup", 1)
			Expect(cluster.Keys("alice")).To(HaveLen(1))
		},
		Entry("an error with status 202", ontap.Options{}),
		Entry("an error with status 403", ontap.Options{ApprovalStatus: 403}),
		Entry("the request", ontap.Options{Approval: ontap.ApprovalRequest}),
		Entry("a link to the request", ontap.Options{Approval: ontap.ApprovalLink}),
	)
})
