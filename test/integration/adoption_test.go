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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

// backedUp returns an object as a backup tool restores it: without what the API server added, and without owners and status.
func backedUp[T client.Object](object T) T {
	object.SetResourceVersion("")
	object.SetUID("")
	object.SetGeneration(0)
	object.SetManagedFields(nil)
	object.SetOwnerReferences(nil)
	object.SetFinalizers(nil)
	object.SetCreationTimestamp(metav1.Time{})
	if ak, ok := client.Object(object).(*v1alpha1.AccessKey); ok {
		ak.Status = v1alpha1.AccessKeyStatus{}
	}
	return object
}

// destroy removes the AccessKey and its Secret while no operator runs, as the loss of a cluster does.
func (w *world) destroy(ctx SpecContext, name string) {
	GinkgoHelper()
	w.stop()
	w.changeAccessKey(ctx, name, func(ak *v1alpha1.AccessKey) { ak.Finalizers = nil })
	w.delete(ctx, named(&v1alpha1.AccessKey{}, name))
	Expect(client.IgnoreNotFound(kube.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}}))).To(Succeed())
	w.gone(ctx, named(&v1alpha1.AccessKey{}, name), named(&corev1.Secret{}, name))
}

// recorded expects that the status leads to every key of the operator that works, and to no other.
func (w *world) recorded(ctx SpecContext, name string, service keyServer) {
	GinkgoHelper()
	status := w.accessKey(ctx, name).Status
	known := []string{status.AccessKeyID}
	for _, previous := range status.PreviousKeys {
		known = append(known, previous.AccessKeyID)
	}
	Expect(known).To(ConsistOf(operatorsKeys(service)))
}

// operatorsKeys are the access key IDs of the operator's keys that work.
func operatorsKeys(service keyServer) []string {
	var ids []string
	for _, pair := range service.LivePairs() {
		if pair.CreatedBy != simulator.Person {
			ids = append(ids, pair.AccessKeyID)
		}
	}
	return ids
}

var _ = Describe("Adoption", func() {
	for _, row := range services.All() {
		name, service := row.Name, serviceAt(row)
		It("continues after a restore at "+name, func(ctx SpecContext) {
			w := newBareWorld(ctx)
			o := service(w.clock)
			w.use(ctx, o)
			w.create(ctx, accessKey("backup", withUser(o.user)))
			w.issued(ctx, "backup", 1)
			w.changeAccessKey(ctx, "backup", renewNow("now"))
			p := w.issued(ctx, "backup", 2)
			made := len(o.server.History())
			ak, published := backedUp(w.accessKey(ctx, "backup")), backedUp(w.secret(ctx, "backup"))

			By("a restore that creates the Secret first")
			w.destroy(ctx, "backup")
			w.create(ctx, published)
			w.create(ctx, ak)
			w.start()
			Expect(w.issued(ctx, "backup", 2)).To(Equal(p))
			Expect(o.server.History()).To(HaveLen(made), "no key is created")
			Expect(metav1.IsControlledBy(w.secret(ctx, "backup"), w.accessKey(ctx, "backup"))).To(BeTrue())
			w.recorded(ctx, "backup", o.server)

			By("the AccessKey going on")
			w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
			w.issued(ctx, "backup", 3)
			w.clock.Step(time.Minute) // a list that lacks the new key counts from now on
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.eventually(ctx, func(g Gomega) { g.Expect(operatorsKeys(o.server)).To(BeEmpty()) })
		})

		It("issues a new pair after the restore of a backup that is one rotation old at "+name, func(ctx SpecContext) {
			w := newBareWorld(ctx)
			o := service(w.clock)
			w.use(ctx, o)
			w.create(ctx, accessKey("backup", withUser(o.user)))
			old := w.issued(ctx, "backup", 1)
			published := backedUp(w.secret(ctx, "backup"))
			w.changeAccessKey(ctx, "backup", renewNow("now"))
			w.issued(ctx, "backup", 2)
			if previous := w.accessKey(ctx, "backup").Status.PreviousKeys; len(previous) > 0 {
				w.stepTo(ctx, previous[0].RevokeAt.Time)
			}
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
			w.settle(ctx)
			ak := backedUp(w.accessKey(ctx, "backup"))
			w.destroy(ctx, "backup")
			w.create(ctx, published, ak)
			w.start()
			w.expect(ctx, "backup", BeAtRest())
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(w.published(ctx, "backup"))).To(BeTrue()) })
			for _, left := range o.server.LivePairs() { // nothing leads to it where keys carry no mark
				w.excused[left.ID] = true
			}
		})
	}

	DescribeTable("continues after Retain and a new apply",
		func(ctx SpecContext, service func(clock.PassiveClock) other) {
			w := newBareWorld(ctx)
			o := service(w.clock)
			w.use(ctx, o)
			w.create(ctx, accessKey("backup", withUser(o.user), retained))
			p := w.issued(ctx, "backup", 1)
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.consistently(ctx, func(g Gomega) { g.Expect(w.published(ctx, "backup")).To(Equal(p)) })
			Expect(w.secret(ctx, "backup").OwnerReferences).To(BeEmpty())
			Expect(w.works(p)).To(BeTrue())
			w.create(ctx, accessKey("backup", withUser(o.user)))
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			w.recorded(ctx, "backup", o.server)
			ak := w.accessKey(ctx, "backup")
			w.eventually(ctx, func(g Gomega) { g.Expect(events(ctx, g, ak)).To(HaveKeyWithValue("Adopted", 1)) })
		},
		everyService(),
	)

	It("continues at Qumulo after a restore, also when the KeyService has another name and address", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		ak, published := backedUp(w.accessKey(ctx, "backup")), backedUp(w.secret(ctx, "backup"))
		w.destroy(ctx, "backup")
		moved := w.keyService()
		moved.Name, ak.Spec.ServiceRef.Name = "moved", "moved"
		ak.Spec.User = "auth_id:" + w.aliceID
		w.create(ctx, published, moved, ak)
		w.start()
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1))
	})

	DescribeTable("does not take over a copy of a Secret",
		func(ctx SpecContext, change func(*corev1.Secret, *v1alpha1.AccessKey)) {
			w := newWorld(ctx)
			w.service.AddUser("guest")
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			published := backedUp(w.secret(ctx, "backup"))
			ak := accessKey("copy")
			change(published, ak)
			published.Name = ak.SecretName()
			w.create(ctx, published, ak)
			w.expectStalled(ctx, ak.Name, "SecretConflict")
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			Expect(w.service.History()).To(HaveLen(1))
			Expect(w.secret(ctx, published.Name).OwnerReferences).To(BeEmpty())
		},
		Entry("under another name", func(*corev1.Secret, *v1alpha1.AccessKey) {}),
		Entry("for another user", func(_ *corev1.Secret, ak *v1alpha1.AccessKey) { ak.Spec.User = "local:guest" }),
	)

	It("does not take over a Secret that was copied from another namespace", func(ctx SpecContext) {
		other, victim := newTenants(ctx)
		victim.create(ctx, accessKey("backup"))
		p := victim.issued(ctx, "backup", 1)
		stolen := backedUp(victim.secret(ctx, "backup"))
		stolen.Namespace = other.namespace
		other.createService(ctx)
		other.create(ctx, stolen, accessKey("backup"))
		other.expectStalled(ctx, "backup", "SecretConflict")
		Expect(victim.issued(ctx, "backup", 1)).To(Equal(p))
	})

	It("leaves a key to the AccessKey that records it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"), accessKey("second", suspended))
		p := w.issued(ctx, "backup", 1)
		forged := w.forgedSecret(ctx, "second", p.id, "none")
		forged.OwnerReferences = nil
		w.create(ctx, forged)
		w.changeAccessKey(ctx, "second", resumed)
		w.expect(ctx, "second", BeAtRest(), HaveField("Status.KeyID", Not(Equal(p.id))))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "second"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "second"))
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})
})
