// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
)

// everyKind returns an entry for each kind of key service.
func everyKind() []TableEntry {
	var all []TableEntry
	for _, service := range services.Kinds() {
		all = append(all, Entry(service.Title, service))
	}
	return all
}

// owned is a key as kubectl accesskey keys -o json prints it.
type owned struct {
	AccessKeyID, Ownership, AccessKey, Role, Detail string
}

// keys runs kubectl accesskey keys, and returns the keys by their access key IDs.
func (t *team) keys(ctx context.Context, arguments ...string) (map[string]owned, result) {
	GinkgoHelper()
	result := t.run(ctx, append([]string{"keys", "-o", "json"}, arguments...)...)
	var list struct{ Items []owned }
	Expect(json.Unmarshal([]byte(result.out), &list)).To(Succeed(), result.err)
	keys := map[string]owned{}
	for _, key := range list.Items {
		keys[key.AccessKeyID] = key
	}
	return keys, result
}

// seesEverything lets a user list what the plugin reads, in all namespaces.
func seesEverything(ctx SpecContext, user string) {
	GinkgoHelper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: "sees-"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"accesskey.dev"}, Resources: []string{"accesskeys", "keyservices", "clusterkeyservices"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "list"}},
	}}
	Expect(kube.Create(ctx, role)).To(Succeed())
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "sees-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	Expect(kube.Create(ctx, binding)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		Expect(kube.Delete(ctx, role)).To(Succeed())
		Expect(kube.Delete(ctx, binding)).To(Succeed())
	})
}

// orphan takes an AccessKey away without its keys, as somebody does who removes its finalizer, and its Secret unless it is to stay.
func (t *team) orphan(ctx SpecContext, ak *v1alpha1.AccessKey) {
	GinkgoHelper()
	t.changeAccessKey(ctx, ak.Name, func(ak *v1alpha1.AccessKey) { ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain })
	Expect(kube.Delete(ctx, ak)).To(Succeed())
	Eventually(ctx, func() error { return kube.Get(ctx, client.ObjectKeyFromObject(ak), ak) }).ShouldNot(Succeed())
}

func (t *team) changeAccessKey(ctx SpecContext, name string, change func(*v1alpha1.AccessKey)) {
	GinkgoHelper()
	ak := t.get(ctx, name)
	before := ak.DeepCopy()
	change(ak)
	Expect(kube.Patch(ctx, ak, client.MergeFrom(before))).To(Succeed())
}

var _ = Describe("kubectl accesskey keys", func() {
	DescribeTable("tells the keys of AccessKeys from those of others", func(ctx SpecContext, kind services.Service) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, kind.Name)
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		user := s.user
		if s.Quota == 1 { // a user has no second key
			user = s.AddUser("other")
		}
		_, _, err := s.MakeKey(user)
		Expect(err).NotTo(HaveOccurred())

		want := "unknown"
		if kind.Name == "ionos" { // where every key of the operator carries its mark
			want = "foreign"
		}
		var result result
		Eventually(ctx, func(g Gomega) { // a service can list a new key late
			var keys map[string]owned
			keys, result = team.keys(ctx, kind.Name)
			g.Expect(result.code).To(Equal(0), result.err)
			g.Expect(keys).To(HaveLen(2))
			g.Expect(keys).To(HaveKeyWithValue(ak.Status.AccessKeyID, And(
				HaveField("Ownership", "managed"), HaveField("AccessKey", team.namespace+"/backup"), HaveField("Role", "current"))))
			g.Expect(keys).To(ContainElement(HaveField("Ownership", want)))
		}).Should(Succeed())
		Expect(result.err).To(ContainSubstring("compared with the AccessKeys of namespace " + team.namespace + " only"))
		for _, secret := range s.Secrets() {
			Expect(result.out + result.err).NotTo(ContainSubstring(secret))
		}
	}, everyKind())

	DescribeTable("calls a key orphaned whose AccessKey is gone, if all namespaces were seen", func(ctx SpecContext, kind services.Service) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, kind.Name)
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		lost := ak.Status.AccessKeyID
		team.orphan(ctx, ak)
		arguments := []string{kind.Name, "--all-namespaces"}

		By("a user who sees only the namespace")
		keys, result := team.keys(ctx, arguments...)
		Expect(result.code).To(Equal(0), result.err)
		Expect(keys).To(HaveKeyWithValue(lost, HaveField("Ownership", "unknown")))
		Expect(result.err).To(ContainSubstring("your rights lack list on accesskeys.accesskey.dev in all namespaces"))

		By("a user who sees all namespaces")
		seesEverything(ctx, dana)
		keys, result = team.keys(ctx, arguments...)
		Expect(result.code).To(Equal(3), result.err)
		Expect(keys).To(HaveKeyWithValue(lost, And(HaveField("Ownership", "orphaned"), HaveField("Detail", ContainSubstring("Secret "+team.namespace+"/backup")))))
		Expect(result.err).To(ContainSubstring("1 key is orphaned"))
	}, everyKind())

	It("finds an orphan by its mark at the service", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "ionos")
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		team.orphan(ctx, ak)
		Expect(kube.Delete(ctx, team.secret("backup"))).To(Succeed())
		seesEverything(ctx, dana)
		keys, result := team.keys(ctx, "ionos", "-A")
		Expect(result.code).To(Equal(3), result.err)
		Expect(keys).To(HaveKeyWithValue(ak.Status.AccessKeyID, HaveField("Detail", ContainSubstring("carries the mark of an AccessKey with the UID "+string(ak.UID)))))
	})

	It("does not call a key orphaned that an AccessKey of another namespace records", func(ctx SpecContext) {
		team, other := newTeam(ctx, ""), newTeam(ctx, "")
		s := team.newService(ctx, "ionos")
		other.adopt(ctx, s)
		ak := other.issue(ctx, accessKey("backup", s, s.user))
		keys, result := team.keys(ctx, "ionos", "-A")
		Expect(result.code).To(Equal(0))
		Expect(keys).To(HaveKeyWithValue(ak.Status.AccessKeyID, HaveField("Ownership", "unknown")))
		seesEverything(ctx, dana)
		keys, result = team.keys(ctx, "ionos", "-A")
		Expect(result.code).To(Equal(0))
		Expect(keys).To(HaveKeyWithValue(ak.Status.AccessKeyID, And(HaveField("Ownership", "managed"), HaveField("AccessKey", other.namespace+"/backup"))))
	})

	It("shows a previous key, and names the right that a viewer lacks", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		old := ak.Status.AccessKeyID
		team.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) {
			metav1.SetMetaDataAnnotation(&ak.ObjectMeta, v1alpha1.RenewAnnotation, "now")
		})
		Eventually(ctx, func() string { return team.get(ctx, "backup").Status.LastHandledRenewal }).WithTimeout(time.Minute).Should(Equal("now"))
		result := team.run(ctx, "keys", "qumulo")
		Expect(result.code).To(Equal(0), result.err)
		Expect(result.out).To(MatchRegexp(`(?m)^local:backup +%s +managed +%s/backup +previous +Active `, old, team.namespace))

		team.user = "vera"
		team.grant(ctx, "vera", "view")
		result = team.run(ctx, "keys", "qumulo")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring("get on secrets in namespace " + team.namespace + " is missing"))
	})
})

// adopt creates a KeyService of this namespace that leads to a service of another one.
func (t *team) adopt(ctx SpecContext, s *service) {
	GinkgoHelper()
	t.create(ctx,
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: s.object.Name + "-admin"}, StringData: s.user.Secret},
		&v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Name: s.object.Name}, Spec: s.object.Spec})
}
