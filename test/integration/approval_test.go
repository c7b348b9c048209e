// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator/ontap"
)

// retryApproval is when the operator sends a change again that waits for an approval.
const retryApproval = 5 * time.Minute

// protectedCluster is an ONTAP cluster on which multi-admin verification protects the users of its S3 servers.
func (w *world) protectedCluster(ctx SpecContext, options ontap.Options, commands ...string) *ontap.Simulator {
	GinkgoHelper()
	options.Clock = w.clock
	o := ofAlice(services.OpenONTAP(options))
	cluster := o.server.(*ontap.Simulator)
	cluster.Protect(commands...)
	w.use(ctx, o)
	return cluster
}

// minute lets a minute pass, in steps of three seconds, and returns how many requests the cluster got meanwhile, and how many of them
// were changes.
func (w *world) minute(ctx SpecContext, cluster *ontap.Simulator) (sent, changes int) {
	GinkgoHelper()
	for range 20 {
		w.step(ctx, 3*time.Second)
	}
	w.settle(ctx)
	for route, calls := range cluster.Calls() {
		sent += calls
		if !strings.HasPrefix(route, http.MethodGet) {
			changes += calls
		}
	}
	cluster.ResetCalls()
	return sent, changes
}

// expectUnapproved waits until an AccessKey says which request to approve, and checks that it is not sent again and again.
func (w *world) expectUnapproved(ctx SpecContext, cluster *ontap.Simulator, request string) {
	GinkgoHelper()
	sent, _ := w.minute(ctx, cluster)
	Expect(sent).To(BeNumerically("<=", 6), "the requests of the first minute")
	w.expectStalled(ctx, "backup", "ApprovalRequired", "another administrator must approve it", "multi-admin-verify request approve -index "+request)
	Expect(w.accessKey(ctx, "backup").Status.Intent).To(BeNil(), "nothing was carried out")
	_, changes := w.minute(ctx, cluster)
	Expect(changes).To(BeZero(), "the changes of the second minute")
}

var _ = Describe("A cluster with multi-admin verification", func() {
	DescribeTable("is asked for the first key in one request, and the condition says what to approve",
		func(ctx SpecContext, options ontap.Options) {
			w := newBareWorld(ctx)
			options.Version = ontap.V9161
			cluster := w.protectedCluster(ctx, options, "create")
			w.create(ctx, accessKey("backup", withUser("alice")))
			w.expectUnapproved(ctx, cluster, "1")
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", "another administrator must approve it"))
			cluster.Approve(1)
			w.step(ctx, retryApproval)
			w.issued(ctx, "backup", 1)
			Expect(cluster.Keys("alice")).To(HaveLen(1))
			Expect(cluster.Approvals()).To(Equal(1))
		},
		Entry("an error with status 202", ontap.Options{}),
		Entry("an error with status 403", ontap.Options{ApprovalStatus: 403}),
		Entry("the request", ontap.Options{Approval: ontap.ApprovalRequest}),
		Entry("a link to the request", ontap.Options{Approval: ontap.ApprovalLink}),
	)

	DescribeTable("delays a rotation, and the published pair keeps working",
		func(ctx SpecContext, version string, commands ...string) {
			w := newBareWorld(ctx)
			cluster := w.protectedCluster(ctx, ontap.Options{Version: version})
			w.create(ctx, accessKey("backup", withUser("alice")))
			old := w.issued(ctx, "backup", 1)
			renewal := w.accessKey(ctx, "backup").Status.RenewalTime.Time
			w.stepTo(ctx, renewal.Add(-time.Minute)) // for the checks of the KeyService to be over
			w.expect(ctx, "backup", BeAtRest())
			w.settle(ctx)
			cluster.Protect(commands...)
			cluster.ResetCalls()
			w.stepTo(ctx, renewal)
			for i := range commands {
				w.expectUnapproved(ctx, cluster, fmt.Sprint(i+1))
				Expect(w.published(ctx, "backup")).To(Equal(old))
				Expect(w.works(old)).To(BeTrue())
				Expect(w.accessKey(ctx, "backup")).To(HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
				cluster.Approve(i + 1)
				w.step(ctx, retryApproval)
			}
			w.issued(ctx, "backup", 2)
		},
		Entry("with one key per user", ontap.V9161, "regenerate-keys"),
		Entry("with two keys per user", ontap.V9191, "modify", "regenerate-keys"),
	)

	It("keeps an AccessKey until the deletion of its user is approved", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		cluster := w.protectedCluster(ctx, ontap.Options{Version: ontap.V9161})
		w.create(ctx, accessKey("backup", withUser("alice")))
		p := w.issued(ctx, "backup", 1)
		w.settle(ctx)
		cluster.Protect("delete", "delete-keys")
		cluster.ResetCalls()
		ak := accessKey("backup")
		w.delete(ctx, ak)
		w.expectUnapproved(ctx, cluster, "1")
		Expect(w.works(p)).To(BeTrue())
		cluster.Approve(1)
		w.step(ctx, retryApproval)
		w.gone(ctx, ak)
		Expect(cluster.Users()).To(BeEmpty())
	})
})
