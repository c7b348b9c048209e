// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// versions returns the resourceVersions of everything in the namespace that release is about.
func (t *team) versions(ctx SpecContext) map[string]string {
	GinkgoHelper()
	found := map[string]string{}
	for _, kind := range []string{"accesskeys", "keyservices", "secrets", "rolebindings"} {
		out, err := plane.Kubectl(ctx, nil, "get", kind, "-n", t.namespace, "-o", `jsonpath={range .items[*]}{.metadata.name}={.metadata.resourceVersion} {end}`)
		Expect(err).NotTo(HaveOccurred())
		found[kind] = out
	}
	return found
}

// admin lets dana administer the namespace.
func (t *team) admin(ctx SpecContext) {
	GinkgoHelper()
	t.grant(ctx, dana, "admin")
}

var _ = Describe("kubectl accesskey release", func() {
	It("lists what waits for the operator, and changes nothing without --yes", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		team.admin(ctx)
		team.inUse(ctx, s)
		before := team.versions(ctx)
		for _, flags := range [][]string{nil, {"--retain"}, {"--force"}, {"--retain", "--force"}} {
			result := team.run(ctx, append([]string{"release"}, flags...)...)
			Expect(result.code).To(Equal(3), result.err)
			Expect(result.out).To(MatchRegexp(`(?m)^%s +AccessKey +backup +accesskey.dev/revoke +(revokes|keeps) %s \(current\)`, team.namespace, ak.Status.AccessKeyID))
			Expect(result.out).To(MatchRegexp(`(?m)^%s +KeyService +qumulo +accesskey.dev/in-use +free when 1 AccessKey is gone`, team.namespace))
			Expect(result.out).To(MatchRegexp(`(?m)^%s +Secret +qumulo-admin +accesskey.dev/in-use `, team.namespace))
			Expect(result.out).To(ContainSubstring("Nothing was changed."))
		}
		Expect(team.versions(ctx)).To(Equal(before))
		Expect(team.get(ctx, "backup").DeletionTimestamp).To(BeNil())
	})

	It("revokes the keys with --yes, and waits until nothing waits for the operator", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", s, s.user))
		team.admin(ctx)
		result := team.run(ctx, "release", "--yes")
		Expect(result.code).To(Equal(0), result.err)
		Expect(result.err).To(ContainSubstring("AccessKey " + team.namespace + "/backup: free\n"))
		Expect(result.out).To(HaveSuffix("Nothing waits for the operator any more.\n"))
		Expect(s.LivePairs()).To(BeEmpty())
		Expect(team.run(ctx, "release").out).To(Equal("Nothing waits for the operator.\n"))
	})

	It("keeps the keys and the Secrets with --retain", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		team.admin(ctx)
		result := team.run(ctx, "release", "--yes", "--retain")
		Expect(result.code).To(Equal(0), result.err)
		Expect(result.out).To(ContainSubstring("keeps " + ak.Status.AccessKeyID + " (current) at the service"))
		Expect(s.LivePairs()).To(HaveLen(1))
		Expect(team.value(ctx, "backup", "AWS_ACCESS_KEY_ID")).To(Equal(ak.Status.AccessKeyID))
	})

	It("gives up in time if the service does not answer, and forces nothing while the operator runs", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		team.admin(ctx)
		Expect(s.server.Close()).To(Succeed())
		result := team.run(ctx, "release", "--yes", "--timeout", "2s")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring("still waiting for the operator after 2s: AccessKey " + team.namespace + "/backup"))

		result = team.run(ctx, "release", "--yes", "--force", "--timeout", "1s")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring("get on leases in namespace accesskey-system is missing"))

		team.seesLeases(ctx)
		lease := &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Namespace: "accesskey-system", Name: "accesskey-operator"},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: ptr.To("pod-1"), LeaseDurationSeconds: ptr.To(int32(3600)), RenewTime: ptr.To(metav1.NowMicro())},
		}
		Expect(kube.Create(ctx, lease)).To(Succeed())
		result = team.run(ctx, "release", "--yes", "--force", "--timeout", "1s")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring("nothing was forced: the operator runs (pod-1 renewed its lease"))
		Expect(team.get(ctx, "backup").Finalizers).To(ContainElement(v1alpha1.RevokeFinalizer))

		By("the operator is gone")
		Expect(kube.Delete(ctx, lease)).To(Succeed())
		Eventually(ctx, func() int { // the operator of the suite runs, and a write of it is in the way
			result = team.run(ctx, "release", "--yes", "--force", "--timeout", "1s")
			return result.code
		}).Should(Equal(0))
		Expect(result.out).To(ContainSubstring("user local:backup of " + team.namespace + "/backup at KeyService qumulo: " + ak.Status.AccessKeyID + " (current)"))
		Expect(client.IgnoreNotFound(kube.Get(ctx, client.ObjectKeyFromObject(ak), ak))).To(Succeed())
		Expect(s.LivePairs()).To(HaveLen(1))
	})

	It("does not delete AccessKeys without the right to", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", s, s.user))
		team.user = "vera"
		team.grant(ctx, "vera", "view")
		result := team.run(ctx, "release")
		Expect(result.code).To(Equal(3))
		Expect(result.err).To(ContainSubstring("not seen: the Secrets with the finalizer"))
		result = team.run(ctx, "release", "--yes")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring("forbidden"))
		Expect(team.get(ctx, "backup").DeletionTimestamp).To(BeNil())
		Expect(team.run(ctx, "release", "--all-namespaces").code).To(Equal(1))
	})
})

// inUse waits until the KeyService and its Secret have their finalizers.
func (t *team) inUse(ctx SpecContext, s *service) {
	GinkgoHelper()
	secret := t.secret(s.object.Name + "-admin")
	Eventually(ctx, func(g Gomega) {
		for _, object := range []client.Object{s.object, secret} {
			g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
			g.Expect(object.GetFinalizers()).To(ContainElement(v1alpha1.InUseFinalizer))
		}
	}).Should(Succeed())
}

// seesLeases lets dana read the leases of the operator's namespace.
func (t *team) seesLeases(ctx SpecContext) {
	GinkgoHelper()
	name := metav1.ObjectMeta{Namespace: "accesskey-system", Name: t.namespace}
	role := &rbacv1.Role{ObjectMeta: name, Rules: []rbacv1.PolicyRule{{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get"}}}}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: t.namespace},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: dana}},
	}
	Expect(kube.Create(ctx, role)).To(Succeed())
	Expect(kube.Create(ctx, binding)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		Expect(kube.Delete(ctx, role)).To(Succeed())
		Expect(kube.Delete(ctx, binding)).To(Succeed())
	})
}
