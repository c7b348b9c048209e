// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

var _ = Describe("Attack on another's Secret by the fields of an AccessKey", func() {
	It("by secretName, at the start and later", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("mallory")
		w.create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, serviceAccountToken(),
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "database"}, StringData: map[string]string{"password": "p"}}, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		before := w.snapshot(ctx)
		Expect(before).To(HaveLen(5))
		w.create(ctx, accessKey("attack", withUser("local:mallory"), toSecret("mine")))
		p := w.issued(ctx, "attack", 1)
		for name := range before {
			w.changeAccessKey(ctx, "attack", toSecret(name))
			conflict := "Secret " + name + " exists"
			if name == "backup" {
				conflict = "Secret backup is controlled by AccessKey backup"
			}
			w.expectStalled(ctx, "attack", "SecretConflict", conflict)
			fresh := accessKey("attack-"+name, withUser("local:mallory"), toSecret(name))
			w.create(ctx, fresh)
			w.expectStalled(ctx, fresh.Name, "SecretConflict")
			w.delete(ctx, fresh)
			w.gone(ctx, fresh)
			w.expectUntouched(ctx, before)
		}
		By("not even when the attacker is deleted while it wants the Secret")
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "attack"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "attack"))
		w.expectUntouched(ctx, before)
		Expect(w.works(p)).To(BeFalse())
	})

	It("by secretName, in a race of two AccessKeys", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("mallory")
		w.create(ctx, accessKey("one", toSecret("shared")), accessKey("two", withUser("local:mallory"), toSecret("shared")))
		w.eventually(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(1)) })
		w.settle(ctx)
		p := w.published(ctx, "shared")
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(w.published(ctx, "shared")).To(Equal(p))
		Expect(w.service.LivePairs()).To(ConsistOf(HaveField("AccessKeyID", p.id)), "whoever lost the race keeps no key")
	})

	It("by the name under which a pair waits", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		o := ionosService(w.clock)
		w.use(ctx, o)
		w.create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "database-next"}, StringData: map[string]string{"password": "p"}},
			accessKey("backup-next", withUser("")))
		w.issued(ctx, "backup-next", 1)
		w.gone(ctx, named(&corev1.Secret{}, "backup-next-next"))
		before := w.snapshot(ctx)
		made := len(o.server.History())
		for _, name := range []string{"backup", "database"} {
			w.create(ctx, accessKey(name, withUser("")))
			w.expectStalled(ctx, name, "SecretConflict", "Secret "+name+"-next, in which a new pair waits")
			w.expectUntouched(ctx, before)
		}
		w.step(ctx, resync)
		w.settle(ctx)
		w.expectUntouched(ctx, before)
		Expect(o.server.History()).To(HaveLen(made), "a key was made that could not wait anywhere")

		By("which goes on once the name is free")
		w.delete(ctx, named(&corev1.Secret{}, "database-next"))
		w.issued(ctx, "database", 1)
	})

	DescribeTable("by its template", func(ctx SpecContext, template v1alpha1.SecretTemplate, message string) {
		w := newWorld(ctx)
		ak := accessKey("attack", func(ak *v1alpha1.AccessKey) { ak.Spec.SecretTemplate = &template })
		ak.Namespace = w.namespace
		Expect(kube.Create(ctx, ak)).To(MatchError(ContainSubstring(message)))
	},
		Entry("which asks for a ServiceAccount's token",
			v1alpha1.SecretTemplate{Type: "kubernetes.io/service-account-token", Annotations: map[string]string{"kubernetes.io/service-account.name": "robot"}}, "Kubernetes' own types"),
		Entry("which asks for a token to join the cluster", v1alpha1.SecretTemplate{Type: "bootstrap.kubernetes.io/token"}, "Kubernetes' own types"),
		Entry("which forges the operator's record", v1alpha1.SecretTemplate{Annotations: map[string]string{"accesskey.dev/record": "{}"}}, "are the operator's own"),
		Entry("which hides it from the operator", v1alpha1.SecretTemplate{Labels: map[string]v1alpha1.LabelValue{"app.kubernetes.io/managed-by": "helm"}}, "are the operator's own"),
	)
})

var _ = Describe("Attack by a Secret that is there before the AccessKey's", func() {
	DescribeTable("whose owner is forged, and not this AccessKey",
		func(ctx SpecContext, name string, forge func(*metav1.OwnerReference)) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup", suspended), accessKey("another", suspended))
			owner := metav1.NewControllerRef(w.accessKey(ctx, name), v1alpha1.GroupVersion.WithKind("AccessKey"))
			forge(owner)
			w.create(ctx, &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{
					Name: "backup", OwnerReferences: []metav1.OwnerReference{*owner}, Labels: map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue},
				},
				StringData: map[string]string{"password": "p"},
			})
			before := w.snapshot(ctx)
			w.changeAccessKey(ctx, "backup", resumed)
			w.expectStalled(ctx, "backup", "SecretConflict")
			w.expectUntouched(ctx, before)
			Expect(w.service.History()).To(BeEmpty())
		},
		Entry("which only owns it, and does not control it", "backup", func(owner *metav1.OwnerReference) { owner.Controller = ptr.To(false) }),
		Entry("but another", "another", func(*metav1.OwnerReference) {}),
	)

	// Anyone who may use the namespace's Secrets has the credentials of its KeyServices, and so may delete the keys anyway.
	It("whose record names a key of the same user: a KeyService of the namespace lets the AccessKey adopt it, but no key of another user", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.service.AddUser("bob")
		w.create(ctx, accessKey("backup", suspended))
		foreign, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		others, _, err := w.service.MakeKey("local:bob")
		Expect(err).NotTo(HaveOccurred())
		w.create(ctx, w.forgedSecret(ctx, "backup", foreign.ID, others.ID))
		w.excused[foreign.ID] = true
		w.changeAccessKey(ctx, "backup", resumed)
		w.expect(ctx, "backup", HaveField("Status.KeyID", foreign.ID), HaveField("Status.PreviousKeys", BeEmpty()))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.service.LivePairs()).To(ConsistOf(HaveField("ID", others.ID)))
	})

	It("whose record names a key of the same user: a ClusterKeyService does not let the AccessKey adopt it", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", alice))
		w.create(ctx, accessKey("backup", onCluster(name), suspended))
		foreign, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.eventually(ctx, func(g Gomega) { g.Expect(w.clusterService(ctx, name)).To(BeAtRest()) })
		forged := w.forgedSecret(ctx, "backup", foreign.ID, foreign.ID)
		w.create(ctx, forged)
		w.changeAccessKey(ctx, "backup", resumed)
		w.expectStalled(ctx, "backup", "AdoptionNotVerified", foreign.ID, "delete the Secret to get a new pair")
		w.step(ctx, 40*day)
		w.settle(ctx)
		Expect(w.service.LivePairs()).To(ConsistOf(HaveField("ID", foreign.ID)))
		By("the Secret being deleted, as the condition says")
		w.delete(ctx, named(&corev1.Secret{}, "backup"))
		w.issued(ctx, "backup", 1)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.service.LivePairs()).To(ConsistOf(HaveField("ID", foreign.ID)))
	})

	It("a Secret of Kubernetes' own kind whose owner is this AccessKey lends its power to nobody", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, accessKey("backup", suspended))
		forged := serviceAccountToken()
		forged.Name, forged.OwnerReferences = "backup", w.forgedSecret(ctx, "backup", "none", "none").OwnerReferences
		w.create(ctx, forged)
		w.changeAccessKey(ctx, "backup", resumed)
		w.expectStalled(ctx, "backup", "SecretConflict")
		Expect(w.service.History()).To(BeEmpty())
	})
})

var _ = Describe("Attack on a Secret of another namespace", func() {
	It("by secretName, and by the owner of a Secret", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		victim.create(ctx, accessKey("backup"))
		p := victim.issued(ctx, "backup", 1)
		before := victim.snapshot(ctx)
		for _, name := range []string{victim.namespace + "/backup", "../" + victim.namespace + "/backup", "..%2fbackup", "..", "backup\x00"} {
			ak := accessKey("attack", toSecret(name))
			ak.Namespace = mallory.namespace
			Expect(kube.Create(ctx, ak)).To(MatchError(ContainSubstring("secretName must be the name of a Secret")))
		}
		By("a Secret of mallory's that claims the victim's AccessKey for its owner, and its key")
		forged := victim.forgedSecret(ctx, "backup", p.id, p.id)
		mallory.create(ctx, forged)
		victim.step(ctx, resync)
		Expect(victim.issued(ctx, "backup", 1)).To(Equal(p))
		victim.expectUntouched(ctx, before)
		victim.stepTo(ctx, victim.accessKey(ctx, "backup").Status.RenewalTime.Time)
		victim.issued(ctx, "backup", 2)
		victim.stepTo(ctx, victim.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		victim.eventually(ctx, func(g Gomega) { g.Expect(victim.works(p)).To(BeFalse(), "the victim's key was to be revoked") })
	})
})

var _ = Describe("Attack that keeps another's key alive, by a Secret that claims it", func() {
	It("the victim's key is revoked all the same", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		victim.create(ctx, accessKey("backup"))
		p := victim.issued(ctx, "backup", 1)
		// It takes no credential of the service to name the service.
		mallory.create(ctx, mallory.keyService(), accessKey("attack", withUser("local:nobody"), suspended))
		claim := func(keyID string) {
			forged := mallory.forgedSecret(ctx, "attack", keyID, "none")
			forged.Name = "claim-" + strings.ToLower(keyID)
			mallory.create(ctx, forged)
		}
		claim(p.id)
		victim.changeAccessKey(ctx, "backup", renewNow("now"))
		fresh := victim.issued(ctx, "backup", 2)
		claim(fresh.id)
		victim.step(ctx, 11*day)
		victim.eventually(ctx, func(g Gomega) { g.Expect(victim.works(p)).To(BeFalse()) })
		Expect(victim.issued(ctx, "backup", 2)).To(Equal(fresh))
		victim.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		victim.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(victim.works(fresh)).To(BeFalse())
	})
})

// forgedSecret looks like one that the operator wrote for an AccessKey, with a key in it and a previous one that is due.
func (w *world) forgedSecret(ctx SpecContext, name, keyID, previousID string) *corev1.Secret {
	GinkgoHelper()
	ak, now := w.accessKey(ctx, name), metav1.NewTime(w.clock.Now().Truncate(time.Second))
	content, err := secret.Template{AccessKey: ak}.Render(secret.Pair{AccessKeyID: keyID, SecretAccessKey: "forged"}, plan.Record{
		UID: ak.UID, Namespace: ak.Namespace, Name: ak.Name, Service: "qumulo/" + w.clusterID, User: "auth_id:" + w.aliceID,
		KeyID: keyID, AccessKeyID: keyID, Revision: 1, IssuedAt: now,
		PreviousKeys: []v1alpha1.PreviousKey{{KeyID: previousID, AccessKeyID: previousID, IssuedAt: now, RevokeAt: now}},
	})
	Expect(err).NotTo(HaveOccurred())
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: ak.SecretName(), Labels: content.Labels, Annotations: content.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ak, v1alpha1.GroupVersion.WithKind("AccessKey"))},
		},
		Data: content.Data,
	}
}
