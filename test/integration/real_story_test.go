// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"accesskey.dev/operator/api/v1alpha1"
)

// A real server knows the real time, and refuses signatures that are 15 minutes off. The clock of a spec starts at the real time, so
// these keys live an hour and overlap for two minutes, and are rotated by the annotation.
func shortLived(ak *v1alpha1.AccessKey) {
	ak.Spec.TTL, ak.Spec.RenewBefore = duration(time.Hour), duration(2*time.Minute)
}

// newRealWorld makes a world with a user at a real server.
func newRealWorld(ctx SpecContext, r *realServer, changes ...func(*v1alpha1.AWSService)) *world {
	GinkgoHelper()
	w := newBareWorld(ctx)
	w.seen = append(w.seen, r.Root.SecretAccessKey)
	w.use(ctx, r.service(changes...))
	return w
}

// accessKey is a key of the server's user.
func (r *realServer) accessKey(name string, changes ...func(*v1alpha1.AccessKey)) *v1alpha1.AccessKey {
	return accessKey(name, append([]func(*v1alpha1.AccessKey){withUser(r.user), shortLived}, changes...)...)
}

// toRevocation moves the clock to the end of the overlap.
func (w *world) toRevocation(ctx SpecContext, name string) {
	GinkgoHelper()
	w.stepTo(ctx, w.accessKey(ctx, name).Status.PreviousKeys[0].RevokeAt.Time)
}

// liveAndDie issues, rotates, revokes and deletes a key, and asks the S3 server each time which pairs it accepts. Before the old key is
// revoked, it calls overlapping.
func (w *world) liveAndDie(ctx SpecContext, server *realServer, overlapping func()) {
	GinkgoHelper()
	report := func(what string) {
		w.settle(ctx)
		AddReportEntry("requests of "+what, fmt.Sprint(server.Calls()))
		server.ResetCalls()
	}
	server.ResetCalls()

	By("issued and verified")
	w.create(ctx, server.accessKey("backup"))
	old := w.issued(ctx, "backup", 1)
	w.expect(ctx, "backup", verified)
	Expect(server.opens(old)).To(BeEmpty())
	report("the first key, with the first listing")

	By("rotated")
	fresh := w.rotatedNow(ctx)
	w.expect(ctx, "backup", verified)
	Expect(server.opens(fresh)).To(BeEmpty())
	Expect(server.opens(old)).To(BeEmpty(), "both pairs work during the overlap")
	report("a rotation")
	overlapping()
	report("the overlap")

	By("revoked")
	w.toRevocation(ctx, "backup")
	w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
	Expect(server.opens(old)).To(Equal("InvalidAccessKeyId"))
	Expect(server.opens(fresh)).To(BeEmpty())
	Expect(server.keys(server.user)).To(ConsistOf(HaveField("ID", fresh.id)))
	report("a revocation")

	By("deleted")
	ak := server.accessKey("backup")
	w.delete(ctx, ak)
	w.gone(ctx, ak)
	Expect(server.opens(fresh)).To(Equal("InvalidAccessKeyId"))
	Expect(server.keys(server.user)).To(BeEmpty())
	report("a deletion")
}

// quarantine rotates a key with a quarantine, in which the S3 server refuses the old pair, enables it, and waits for its deletion.
func (w *world) quarantine(ctx SpecContext, server *realServer) {
	GinkgoHelper()
	w.create(ctx, server.accessKey("backup", withQuarantine(duration(5*time.Minute))))
	old := w.issued(ctx, "backup", 1)
	fresh := w.rotatedNow(ctx)
	w.toRevocation(ctx, "backup")
	w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", ConsistOf(HaveField("State", v1alpha1.KeyDisabled))))
	Expect(server.opens(old)).To(Equal("InvalidAccessKeyId"))
	Expect(server.keys(server.user)).To(ContainElement(And(HaveField("ID", old.id), HaveField("Status", "Inactive"))))

	w.changeAccessKey(ctx, "backup", askToEnable(old.id))
	w.expectEvent(ctx, "backup", "Enabled", "Enabled access key "+old.id)
	Expect(server.opens(old)).To(BeEmpty())
	w.toRevocation(ctx, "backup")
	w.expect(ctx, "backup", HaveField("Status.PreviousKeys", ConsistOf(HaveField("State", v1alpha1.KeyDisabled))))
	w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].DeleteAt.Time)
	w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
	Expect(server.keys(server.user)).To(ConsistOf(HaveField("ID", fresh.id)))
}
