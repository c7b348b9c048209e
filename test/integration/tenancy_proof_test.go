// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("Attack by a record that the operator did not write", func() {
	for place, forge := range forgeries {
		It("on a younger key of the same user, in the status "+place, func(ctx SpecContext) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("attack", withoutTTL))
			w.issued(ctx, "attack", 1)
			foreign, secret, err := w.service.MakeKey(alice)
			Expect(err).NotTo(HaveOccurred())
			w.kept = w.everyKeyOf(alice)
			w.attackByStatus(ctx, "attack", foreign.ID, forge)
			Expect(w.works(pair{foreign.AccessKeyID, secret})).To(BeTrue())
		})
	}

	It("on a younger key of the same user, on a Secret", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("attack", suspended))
		foreign, secret, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.create(ctx, w.forgedSecret(ctx, "attack", foreign.ID, "none"))
		w.changeAccessKey(ctx, "attack", resumed)
		w.settle(ctx)
		w.step(ctx, 30*day)
		w.settle(ctx)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "attack"))
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(w.works(pair{foreign.AccessKeyID, secret})).To(BeTrue())
	})

	It("on a key of another user, by deleting an AccessKey whose user does not exist", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("bob")
		w.create(ctx, accessKey("attack", withUser("local:nobody")))
		w.expectStalled(ctx, "attack", "UserNotFound")
		foreign, secret, err := w.service.MakeKey("local:bob")
		Expect(err).NotTo(HaveOccurred())
		w.addPreviousKey(ctx, "attack", foreign)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "attack"))
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(w.works(pair{foreign.AccessKeyID, secret})).To(BeTrue())
	})
})

var _ = Describe("Attack that keeps another's key alive, by claiming it", func() {
	DescribeTable("the victim's key is revoked all the same",
		func(ctx SpecContext, claim func(ctx SpecContext, mallory *world, keyID string)) {
			mallory, victim := newTenants(ctx)
			victim.create(ctx, accessKey("backup"))
			p := victim.issued(ctx, "backup", 1)
			// No credential of the service is needed to name it.
			mallory.create(ctx, mallory.keyService(), accessKey("attack", withUser("local:nobody"), suspended))
			claim(ctx, mallory, p.id)
			victim.changeAccessKey(ctx, "backup", renewNow("now"))
			fresh := victim.issued(ctx, "backup", 2)
			victim.step(ctx, 11*day)
			victim.eventually(ctx, func(g Gomega) { g.Expect(victim.works(p)).To(BeFalse()) })
			claim(ctx, mallory, fresh.id)
			victim.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			victim.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			Expect(victim.works(fresh)).To(BeFalse())
		},
		Entry("in a status", func(ctx SpecContext, mallory *world, keyID string) {
			mallory.forgeStatus(ctx, "attack", keyID, forgeries["as the current key"])
		}),
	)

	It("nor does an intent of the attacker's hold up the victim's rotation", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		victim.create(ctx, accessKey("backup"))
		victim.issued(ctx, "backup", 1)
		mallory.create(ctx, mallory.keyService(), accessKey("attack", suspended))
		mallory.forgeStatus(ctx, "attack", "", func(status *v1alpha1.AccessKeyStatus, _ string, now metav1.Time) {
			status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 1, StartedAt: metav1.NewTime(now.Add(day))}
		})
		victim.settle(ctx)
		victim.changeAccessKey(ctx, "backup", renewNow("now"))
		victim.issued(ctx, "backup", 2)
	})
})
