// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("Deleting an AccessKey", func() {
	It("revokes its keys, and lets go of all that it held", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		ak := w.accessKey(ctx, "backup")
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"), named(&corev1.Secret{}, "backup"))
		Expect(w.service.LivePairs()).To(BeEmpty())
		w.expectService(ctx, HaveField("Finalizers", BeEmpty()))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, credentials).Finalizers).To(BeEmpty())
			g.Expect(w.secret(ctx, authority).Finalizers).To(BeEmpty())
			g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"Rotated": 1, "Revoked": 2}))
		})
	})

	It("touches neither the keys of other AccessKeys nor foreign ones", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("bert")
		foreign, _, err := w.service.MakeKey("local:bert")
		Expect(err).NotTo(HaveOccurred())
		w.create(ctx, accessKey("first"), accessKey("second"), accessKey("third", withUser("local:bert")))
		first, second := w.issued(ctx, "first", 1), w.issued(ctx, "second", 1)
		w.issued(ctx, "third", 1)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "first"), named(&v1alpha1.AccessKey{}, "third"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "first"), named(&v1alpha1.AccessKey{}, "third"))
		Expect(w.works(first)).To(BeFalse())
		Expect(w.works(second)).To(BeTrue())
		Expect(w.service.Keys("local:bert")).To(ConsistOf(HaveField("ID", foreign.ID)))
	})

	It("waits for a service that is down, says so, and finishes when it is back", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.server.Down(true)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.expect(ctx, "backup",
			HaveCondition("Synced", metav1.ConditionFalse, "Unavailable"),
			HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying", "list keys"))
		w.step(ctx, time.Hour)
		w.settle(ctx)
		ak := w.accessKey(ctx, "backup")
		Expect(ak.Finalizers).To(ContainElement("accesskey.dev/revoke"))
		Expect(ak.Status.Failures.Count).To(BeNumerically(">", 1))
		Expect(w.works(p)).To(BeTrue())
		w.server.Down(false)
		w.stepToAttempt(ctx, "backup")
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.works(p)).To(BeFalse())
	})

	It("waits for credentials that work again, and needs no restart to use them", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.service.RevokeTokens()
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.expectStalled(ctx, "backup", "Unauthorized", "the token is wrong or has ended")
		w.changeToken(ctx)
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.works(p)).To(BeFalse())
	})

	It("takes a key that is gone already for revoked", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.service.RemoveKey(w.issued(ctx, "backup", 1).id)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
	})

	It("works although suspended", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", suspended)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
	})

	It("waits for its Secret where the user deletes in the foreground", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.kubectl(ctx, "delete", "accesskeys/backup", "--cascade=foreground", "--wait=false")
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"), named(&corev1.Secret{}, "backup"))
		Expect(w.works(p)).To(BeFalse())
	})

	It("makes way for one of the same name", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.create(ctx, accessKey("backup"))
		fresh := w.issued(ctx, "backup", 1)
		Expect(fresh).NotTo(Equal(old))
		Expect(w.works(old)).To(BeFalse())
	})

	It("needs no service where no key was ever made", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "KeyService qumulo does not exist"))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
	})

	It("is taken up by an operator that starts later", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.stop()
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.start()
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
	})

	DescribeTable("revokes the key of a user that was deleted at the service",
		func(ctx SpecContext, restart bool) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			w.service.DeleteUser("alice")
			if restart {
				w.stop()
				w.start()
			}
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			Expect(w.works(p)).To(BeFalse())
		},
		Entry("by an operator that knows the user's auth_id", false),
		Entry("by an operator that was started since", true),
	)
})

var _ = Describe("Deleting with Retain", func() {
	It("leaves the keys at the service, and names them", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", retained))
		p := w.issued(ctx, "backup", 1)
		w.excused[p.id] = true
		ak := w.accessKey(ctx, "backup")
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.works(p)).To(BeTrue())
		w.eventually(ctx, func(g Gomega) {
			g.Expect(eventsOf(ctx, g, ak)).To(ContainElement(And(HaveField("Reason", "Retained"), HaveField("Note", ContainSubstring(p.id)))))
		})
	})

	It("lets go of a service that is gone for good, also when set afterwards", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.excused[w.issued(ctx, "backup", 1).id] = true
		w.server.Down(true)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying"))
		w.changeAccessKey(ctx, "backup", retained)
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
	})
})

// changeToken puts a new token into the credential Secret.
func (w *world) changeToken(ctx SpecContext) {
	GinkgoHelper()
	token := w.service.AddToken(time.Time{})
	w.seen = append(w.seen, token)
	w.changeSecret(ctx, credentials, func(secret *corev1.Secret) { secret.Data["token"] = []byte(token) })
}
