// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

// awaitService waits until the operator has checked the KeyService in its present version.
func (t *team) awaitService(ctx SpecContext, s *service) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(s.object), s.object)).To(Succeed())
		ready := meta.FindStatusCondition(s.object.Status.Conditions, v1alpha1.ConditionReady)
		g.Expect(ready).NotTo(BeNil())
		g.Expect(ready.ObservedGeneration).To(Equal(s.object.Generation))
	}).Should(Succeed())
}

func (t *team) changeService(ctx SpecContext, s *service, change func(*v1alpha1.KeyServiceSpec)) {
	GinkgoHelper()
	Expect(kube.Get(ctx, client.ObjectKeyFromObject(s.object), s.object)).To(Succeed())
	before := s.object.DeepCopy()
	change(&s.object.Spec)
	Expect(kube.Patch(ctx, s.object, client.MergeFrom(before))).To(Succeed())
	t.awaitService(ctx, s)
}

var _ = Describe("kubectl accesskey check", func() {
	DescribeTable("finds nothing wrong with a service that works", func(ctx SpecContext, kind services.Service) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, kind.Name)
		team.issue(ctx, accessKey("backup", s, s.user))
		team.awaitService(ctx, s)
		result := team.run(ctx, "check", kind.Name)
		Expect(result.code).To(Equal(0), result.out+result.err)
		for _, check := range []string{"operator", "address", "certificate", "credentials", "version", "list keys", "create and delete keys", "quota"} {
			Expect(result.out).To(MatchRegexp(`(?m)^%s +ok `, check))
		}
		Expect(result.out).To(ContainSubstring(s.Version))
		for _, secret := range s.Secrets() {
			Expect(result.out + result.err).NotTo(ContainSubstring(secret))
		}
	}, everyKind())

	It("says what is wrong with the certificate, and sends no credentials then", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.awaitService(ctx, s)
		team.changeService(ctx, s, func(spec *v1alpha1.KeyServiceSpec) { spec.TLS.ServerName = "qumulo.example" })
		result := team.run(ctx, "check", "qumulo")
		Expect(result.code).To(Equal(1))
		Expect(result.out).To(MatchRegexp(`(?m)^operator +failed +reports Unavailable`))
		Expect(result.out).To(MatchRegexp(`(?m)^certificate +failed .*not valid for qumulo.example`))
		Expect(result.out).To(MatchRegexp(`(?m)^credentials +skipped +not tried, because the certificate is not trusted`))
	})

	It("says that the credentials are wrong", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.awaitService(ctx, s)
		secret := team.secret("qumulo-admin")
		Expect(kube.Get(ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
		secret.Data["password"] = []byte("wrong")
		Expect(kube.Update(ctx, secret)).To(Succeed())
		Eventually(ctx, func(g Gomega) {
			g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(s.object), s.object)).To(Succeed())
			g.Expect(meta.IsStatusConditionFalse(s.object.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())
		}).Should(Succeed())
		result := team.run(ctx, "check", "qumulo")
		Expect(result.code).To(Equal(1))
		Expect(result.out).To(MatchRegexp(`(?m)^credentials +failed `))
		Expect(result.out + result.err).NotTo(ContainSubstring("wrong\n"))
	})

	It("warns of a user whose quota has no room, and of certificates that nobody verifies", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", s, s.user))
		hand, _, err := s.MakeKey(s.user)
		Expect(err).NotTo(HaveOccurred())
		team.changeService(ctx, s, func(spec *v1alpha1.KeyServiceSpec) { spec.TLS = &v1alpha1.TLS{InsecureSkipVerify: new(true)} })
		result := team.run(ctx, "check", "qumulo")
		Expect(result.code).To(Equal(3), result.out+result.err)
		Expect(result.out).To(MatchRegexp(`(?m)^quota +warning +user local:backup has 2 of 2 keys, .*: %s$`, hand.ID))
		Expect(result.out).To(MatchRegexp(`(?m)^certificate +warning .*insecureSkipVerify`))
	})

	It("checks what it can for a viewer, who may not read the credentials", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "huawei")
		team.awaitService(ctx, s)
		team.user = "vera"
		team.grant(ctx, "vera", "view")
		result := team.run(ctx, "check", "huawei")
		Expect(result.code).To(Equal(0), result.out+result.err)
		Expect(result.out).To(MatchRegexp(`(?m)^operator +ok `))
		Expect(result.out).To(MatchRegexp(`(?m)^certificate +ok `))
		Expect(result.out).To(MatchRegexp(`(?m)^credentials +skipped .*get on secrets in namespace %s is missing`, team.namespace))
		Expect(result.out).To(MatchRegexp(`(?m)^version +skipped +the operator saw %s`, s.Version))
	})

	It("does not blame a Service of the cluster for a name that this machine cannot resolve", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.changeService(ctx, s, func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo.URL = "https://qumulo.storage.svc:8000" })
		result := team.run(ctx, "check", "qumulo")
		Expect(result.out).To(MatchRegexp(`(?m)^address +skipped +qumulo.storage.svc is known only inside the cluster`))
	})

	It("checks the data plane", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.awaitService(ctx, s)
		s3, err := simulator.Serve(http.NotFoundHandler())
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s3.Close)
		team.changeService(ctx, s, func(spec *v1alpha1.KeyServiceSpec) {
			spec.S3 = &v1alpha1.S3{Endpoint: s3.URL, TLS: &v1alpha1.TLS{CABundle: string(s3.CA)}}
		})
		result := team.run(ctx, "check", "qumulo")
		Expect(result.code).To(Equal(0), result.out+result.err)
		Expect(result.out).To(MatchRegexp(`(?m)^data plane +ok +%s answers this machine`, s3.URL))
		Expect(result.out).To(MatchRegexp(`(?m)^data plane certificate +ok `))
		Expect(s3.Close()).To(Succeed())
		result = team.run(ctx, "check", "qumulo")
		Expect(result.code).To(Equal(1))
		Expect(result.out).To(MatchRegexp(`(?m)^data plane +failed `))
	})

	It("knows a ClusterKeyService by its kind, and reads its credentials in the operator's namespace", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "huawei")
		team.clusterService(ctx, s, "shared")
		team.user = "carla"
		everything(ctx, team.user)
		for _, arguments := range [][]string{{"check", "clusterkeyservice/shared"}, {"check", "--cluster", "shared"}, {"keys", "cks/shared", "--user", s.user.Name}} {
			result := team.run(ctx, arguments...)
			Expect(result.code).To(Equal(0), result.out+result.err)
			Expect(result.err).NotTo(ContainSubstring("compared with"))
		}
		Expect(team.run(ctx, "check", "service/shared").code).To(Equal(2))
		Expect(team.run(ctx, "check", "shared").err).To(ContainSubstring("there is no KeyService shared in namespace " + team.namespace))
		Expect(team.run(ctx, "release", "--all-namespaces").out).NotTo(ContainSubstring("shared"), "it has no AccessKey, and so no finalizer")
	})
})

// clusterService creates a ClusterKeyService that leads to a service, and its Secret.
func (t *team) clusterService(ctx SpecContext, s *service, name string, grants ...v1alpha1.Grant) *v1alpha1.ClusterKeyService {
	GinkgoHelper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "accesskey-system", Name: s.object.Name + "-admin"}, StringData: s.user.Secret}
	cluster := &v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ClusterKeyServiceSpec{KeyServiceSpec: s.object.Spec, Grants: grants}}
	for _, object := range []client.Object{secret, cluster} {
		Expect(kube.Create(ctx, object)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(kube.Delete(ctx, object)).To(Succeed()) })
	}
	Eventually(ctx, func(g Gomega) {
		g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(cluster), cluster)).To(Succeed())
		g.Expect(meta.IsStatusConditionTrue(cluster.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue())
	}).Should(Succeed())
	return cluster
}

// everything makes a user an administrator of the cluster.
func everything(ctx SpecContext, user string) {
	GinkgoHelper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "everything-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	Expect(kube.Create(ctx, binding)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(kube.Delete(ctx, binding)).To(Succeed()) })
}
