// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("A ClusterKeyService", func() {
	It("gives a namespace that it grants keys of the users that it grants", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", "local:al*"))
		w.create(ctx, accessKey("backup", onCluster(name)))
		w.issued(ctx, "backup", 1)

		By("its Secrets being in the operator's namespace, and held there")
		secret := &corev1.Secret{}
		Expect(kube.Get(ctx, client.ObjectKey{Namespace: w.clusterNamespace, Name: credentials}, secret)).To(Succeed())
		Expect(secret.Finalizers).To(ConsistOf("accesskey.dev/in-use"))
		w.eventually(ctx, func(g Gomega) {
			service := w.clusterService(ctx, name)
			g.Expect(service).To(BeAtRest())
			g.Expect(service.Finalizers).To(ConsistOf("accesskey.dev/in-use"))
			g.Expect(service.Status.Version).To(Equal("Qumulo Core 7.9.2.2"))
		})

		By("letting go of them with the last AccessKey")
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.clusterService(ctx, name).Finalizers).To(BeEmpty())
			g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
			g.Expect(secret.Finalizers).To(BeEmpty())
		})
	})

	DescribeTable("makes no key for whom it does not grant one",
		func(ctx SpecContext, team string, grants ...v1alpha1.Grant) {
			w := newBareWorld(ctx)
			w.label(ctx, team)
			name := w.createClusterService(ctx, grants...)
			w.create(ctx, accessKey("backup", onCluster(name)))
			w.expectStalled(ctx, "backup", "NotGranted",
				"ClusterKeyService "+name+` does not grant keys of user "local:alice" to namespace `+w.namespace+"; ask its owner for a grant")
			w.consistently(ctx, func(g Gomega) { g.Expect(w.service.Calls()).NotTo(HaveKey("POST " + keysPath)) })
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		},
		Entry("without any grant", "a"),
		Entry("with a grant for another namespace", "a", grant("b", "*")),
		Entry("with a grant for another user", "a", grant("a", "local:bert", "alice", "local:alice2", "local:?")),
		Entry("with a grant for each half", "a", grant("a", "local:bert"), grant("b", "local:alice")),
		Entry("with a grant that needs all of the text", "a", grant("a", "local:al", "alice", "ocal:alice")),
		Entry("with a glob that is no regular expression", "a", grant("a", "local.alice", "local:[a-z]*", "local:.*")),
	)

	It("grants everybody with an empty selector", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		name := w.createClusterService(ctx, v1alpha1.Grant{NamespaceSelector: &metav1.LabelSelector{}, Users: []string{"local:?????"}})
		w.create(ctx, accessKey("backup", onCluster(name)))
		w.issued(ctx, "backup", 1)
	})

	It("follows the namespace's labels", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		name := w.createClusterService(ctx, grant("a", "*"))
		w.create(ctx, accessKey("backup", onCluster(name)))
		w.expectStalled(ctx, "backup", "NotGranted")
		w.label(ctx, "a")
		p := w.issued(ctx, "backup", 1)

		By("leaving what was issued alone when the label goes, and telling at once that it is replaced no more")
		w.label(ctx, "b")
		w.expectWithdrawn(ctx, "backup", p)
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expectWithdrawn(ctx, "backup", p)
		w.label(ctx, "a")
		w.issued(ctx, "backup", 2)
	})

	It("follows its grants", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx)
		w.create(ctx, accessKey("backup", onCluster(name)))
		w.expectStalled(ctx, "backup", "NotGranted")
		w.changeClusterService(ctx, name, func(service *v1alpha1.ClusterKeyService) {
			service.Spec.Grants = []v1alpha1.Grant{grant("a", alice)}
		})
		p := w.issued(ctx, "backup", 1)

		By("leaving what was issued alone when they go, or change")
		for _, grants := range [][]v1alpha1.Grant{nil, {grant("b", alice)}, {grant("a", "local:bob")}, {grant("a", "alice")}} {
			w.changeClusterService(ctx, name, func(service *v1alpha1.ClusterKeyService) { service.Spec.Grants = grants })
			w.expectWithdrawn(ctx, "backup", p)
			w.changeAccessKey(ctx, "backup", renewNow(fmt.Sprint(grants)))
			w.expectWithdrawn(ctx, "backup", p)
		}
		w.changeClusterService(ctx, name, func(service *v1alpha1.ClusterKeyService) {
			service.Spec.Grants = []v1alpha1.Grant{grant("a", alice)}
		})
		w.issued(ctx, "backup", 2)
	})

	It("still revokes what it granted once", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", "*"))
		w.create(ctx, accessKey("backup", onCluster(name)))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		w.changeClusterService(ctx, name, func(service *v1alpha1.ClusterKeyService) { service.Spec.Grants = nil })
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.service.LivePairs()).To(HaveLen(1)) })
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.service.LivePairs()).To(BeEmpty())
	})

	It("stays, when it is deleted first, until the last key is revoked", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", "*"))
		w.create(ctx, accessKey("backup", onCluster(name)))
		w.issued(ctx, "backup", 1)
		Expect(kube.Delete(ctx, w.clusterService(ctx, name))).To(Succeed())
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.clusterService(ctx, name)).To(HaveCondition("Ready", metav1.ConditionFalse, "Deleting", w.namespace+"/backup"))
		})
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(client.IgnoreNotFound(kube.Get(ctx, client.ObjectKey{Name: name}, &v1alpha1.ClusterKeyService{}))).To(Succeed())
			g.Expect(kube.Get(ctx, client.ObjectKey{Name: name}, &v1alpha1.ClusterKeyService{})).NotTo(Succeed())
		})
	})

	It("knows that a KeyService of the same cluster has the same keys", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", "*"))
		w.create(ctx, accessKey("first"), accessKey("second", onCluster(name)))
		first := w.issued(ctx, "first", 1)
		second := w.issued(ctx, "second", 1)
		Expect(w.service.History()).To(HaveLen(2))
		w.create(ctx, accessKey("third"))
		w.expectStalled(ctx, "third", "QuotaExceeded", first.id, second.id)
	})
})

// expectWithdrawn: a pair that was granted once is left alone, and a person learns that it will not be replaced.
func (w *world) expectWithdrawn(ctx SpecContext, name string, p pair) {
	GinkgoHelper()
	w.expect(ctx, name, WithTransform(observed, BeTrue()), HaveCondition("Ready", metav1.ConditionTrue, "Issued"),
		HaveCondition("Stalled", metav1.ConditionTrue, "NotGranted", "ask its owner for a grant", p.id+" was issued under a former grant; it keeps working but is not rotated"))
	w.settle(ctx)
	Expect(w.published(ctx, name)).To(Equal(p))
	Expect(w.works(p)).To(BeTrue())
	Expect(w.service.History()).To(HaveLen(1))
}

// grant lets the namespaces of a team have keys of users.
func grant(team string, users ...string) v1alpha1.Grant {
	return v1alpha1.Grant{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": team}},
		Users:             users,
	}
}

// createClusterService creates a ClusterKeyService for the world's cluster, with its Secrets, and returns its name.
func (w *world) createClusterService(ctx SpecContext, grants ...v1alpha1.Grant) string {
	GinkgoHelper()
	for _, secret := range []*corev1.Secret{w.credentialSecret(), w.authoritySecret()} {
		secret.Namespace = w.clusterNamespace
		w.create(ctx, secret)
	}
	return w.createShared(ctx, func(spec *v1alpha1.ClusterKeyServiceSpec) {
		*spec = v1alpha1.ClusterKeyServiceSpec{KeyServiceSpec: w.serviceSpec(), Grants: grants}
	})
}

// createShared creates a ClusterKeyService and returns its name. It is gone after the spec, since every operator sees it.
func (w *world) createShared(ctx SpecContext, set func(*v1alpha1.ClusterKeyServiceSpec)) string {
	GinkgoHelper()
	service := &v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{GenerateName: "shared-"}}
	set(&service.Spec)
	Expect(kube.Create(ctx, service)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		Expect(client.IgnoreNotFound(kube.Delete(ctx, service))).To(Succeed())
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		Expect(client.IgnoreNotFound(kube.Patch(ctx, service, patch))).To(Succeed())
	})
	return service.Name
}

func (w *world) clusterService(ctx SpecContext, name string) *v1alpha1.ClusterKeyService {
	GinkgoHelper()
	service := &v1alpha1.ClusterKeyService{}
	Expect(kube.Get(ctx, client.ObjectKey{Name: name}, service)).To(Succeed())
	return service
}

func (w *world) changeClusterService(ctx SpecContext, name string, change func(*v1alpha1.ClusterKeyService)) {
	GinkgoHelper()
	service := w.clusterService(ctx, name)
	patch := client.MergeFrom(service.DeepCopy())
	change(service)
	Expect(kube.Patch(ctx, service, patch)).To(Succeed())
}

// label makes the world's namespace one of a team.
func (w *world) label(ctx SpecContext, team string) {
	GinkgoHelper()
	namespace := &corev1.Namespace{}
	Expect(kube.Get(ctx, client.ObjectKey{Name: w.namespace}, namespace)).To(Succeed())
	patch := client.MergeFrom(namespace.DeepCopy())
	metav1.SetMetaDataLabel(&namespace.ObjectMeta, "team", team)
	Expect(kube.Patch(ctx, namespace, patch)).To(Succeed())
}
