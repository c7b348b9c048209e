// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

func retained(ak *v1alpha1.AccessKey) { ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain }

// live returns the access key IDs that work at a service.
func (s *service) live() (ids []string) {
	for _, pair := range s.LivePairs() {
		ids = append(ids, pair.AccessKeyID)
	}
	return ids
}

// expectFree expects that an object exists and has no finalizer.
func expectFree(ctx SpecContext, object client.Object) {
	GinkgoHelper()
	Expect(kube.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
	Expect(object.GetFinalizers()).To(BeEmpty())
	Expect(object.GetDeletionTimestamp()).To(BeNil())
}

// awaitOthers waits until the AccessKeys of the specs before are gone.
func awaitOthers(ctx SpecContext) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		aks := &v1alpha1.AccessKeyList{}
		g.Expect(kube.List(ctx, aks)).To(Succeed())
		g.Expect(aks.Items).To(BeEmpty())
	}).Should(Succeed())
}

var _ = Describe("kubectl accesskey release --yes", func() {
	It("revokes or keeps each key as its policy says, with the previous ones, and touches nothing else", func(ctx SpecContext) {
		team, other := newTeam(ctx, ""), newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		ended := team.issue(ctx, accessKey("ended", s, s.user))
		Expect(team.run(ctx, "renew", "ended", "--wait", "--timeout=30s").code).To(Equal(0))
		kept := team.issue(ctx, accessKey("kept", s, s.AddUser("kept"), retained))
		neighbour := other.newService(ctx, "qumulo")
		theirs := other.issue(ctx, accessKey("backup", neighbour, neighbour.user))
		unrelated := team.secret("unrelated")
		team.create(ctx, unrelated)
		team.admin(ctx)
		team.inUse(ctx, s)
		other.inUse(ctx, neighbour)
		before := other.versions(ctx)

		result := team.run(ctx, "release", "--yes")
		Expect(result.code).To(Equal(0), result.err)
		Expect(result.out).To(MatchRegexp(`(?m)AccessKey +ended +.* revokes \S+ \(current\), %s \(previous\)$`, ended.Status.AccessKeyID))
		Expect(result.out).To(MatchRegexp(`(?m)AccessKey +kept +.* keeps %s \(current\) at the service$`, kept.Status.AccessKeyID))
		Expect(s.live()).To(ConsistOf(kept.Status.AccessKeyID))
		Expect(team.value(ctx, "kept", "AWS_ACCESS_KEY_ID")).To(Equal(kept.Status.AccessKeyID))
		expectFree(ctx, s.object)
		expectFree(ctx, team.secret("qumulo-admin"))
		version := unrelated.ResourceVersion
		expectFree(ctx, unrelated)
		Expect(unrelated.ResourceVersion).To(Equal(version))
		Expect(other.versions(ctx)).To(Equal(before))
		Expect(neighbour.live()).To(ConsistOf(theirs.Status.AccessKeyID))
	})

	It("does it for the whole cluster with --all-namespaces, with its ClusterKeyServices", func(ctx SpecContext) {
		awaitOthers(ctx)
		one, two := newTeam(ctx, ""), newTeam(ctx, "")
		s, shared := one.newService(ctx, "qumulo"), two.newService(ctx, "huawei")
		one.issue(ctx, accessKey("backup", s, s.user))
		cluster := two.clusterService(ctx, shared, "released", v1alpha1.Grant{
			NamespaceSelector: &metav1.LabelSelector{}, Users: []string{"*"},
		})
		two.issue(ctx, accessKey("backup", shared, shared.user, func(ak *v1alpha1.AccessKey) {
			ak.Spec.ServiceRef = v1alpha1.ServiceReference{Kind: v1alpha1.KindClusterKeyService, Name: "released"}
		}))
		one.inUse(ctx, s)
		one.user = "carla"
		everything(ctx, one.user)

		result := one.run(ctx, "release", "--all-namespaces", "--yes")
		Expect(result.code).To(Equal(0), result.err)
		Expect(result.out).To(MatchRegexp(`(?m)^<none> +ClusterKeyService +released +accesskey.dev/in-use +free when 1 AccessKey is gone$`))
		Expect(s.live()).To(BeEmpty())
		Expect(shared.live()).To(BeEmpty())
		credentials := two.secret("huawei-admin")
		credentials.Namespace = "accesskey-system"
		for _, object := range []client.Object{s.object, one.secret("qumulo-admin"), cluster, credentials} {
			expectFree(ctx, object)
		}
		Expect(one.run(ctx, "release", "-A")).To(Equal(result0("Nothing waits for the operator.\n")))
	})

	It("changes nothing if it may not delete one of the AccessKeys", func(ctx SpecContext) {
		awaitOthers(ctx)
		one, two := newTeam(ctx, "spec-a-release"), newTeam(ctx, "spec-b-release")
		s := one.newService(ctx, "qumulo")
		two.adopt(ctx, s)
		one.issue(ctx, accessKey("backup", s, s.user))
		two.issue(ctx, accessKey("media", s, s.AddUser("media")))
		one.user = "rita"
		seesEverything(ctx, one.user)
		one.grant(ctx, one.user, "edit")
		for _, retain := range []string{"--retain=false", "--retain"} {
			result := one.run(ctx, "release", "--all-namespaces", "--yes", retain)
			Expect(result.code).To(Equal(1))
			Expect(result.err).To(MatchRegexp(`(?m)^error: nothing was changed: .*AccessKey %s/media.*; ask an administrator`, two.namespace))
			Expect(one.get(ctx, "backup").DeletionTimestamp).To(BeNil())
			Expect(one.get(ctx, "backup").Spec.DeletionPolicy).NotTo(Equal(v1alpha1.DeletionPolicyRetain))
		}
		Expect(s.live()).To(HaveLen(2))
	})

	It("says whether the operator runs if the finalizers stay", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", s, s.user))
		team.admin(ctx)
		s.server.Down(true)
		release := func() string {
			GinkgoHelper()
			result := team.run(ctx, "release", "--yes", "--timeout=1s")
			Expect(result.code).To(Equal(1))
			return result.err
		}
		Expect(release()).To(MatchRegexp(`error: still waiting for the operator after 1s: AccessKey .*; kubectl accesskey status says what is in the way, and --retain gives the keys up\n$`))
		team.seesLeases(ctx) // this operator has none
		Expect(release()).To(HaveSuffix("; no operator holds the lease accesskey-operator in namespace accesskey-system: start it, or remove the finalizers with --force\n"))
		s.server.Down(false)
		Eventually(ctx, func() int { return team.run(ctx, "release", "--yes", "--timeout=5s").code }).Should(Equal(0))
		Expect(s.live()).To(BeEmpty())
	})
})
