// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// pod creates a Pod whose container has the Secret in its environment, and began to run some time ago. There is no kubelet, so the spec
// says that it runs.
func (t *team) pod(ctx SpecContext, name, secret string, since time.Duration) {
	GinkgoHelper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Image: "registry.example/web:1.0",
			EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}}},
		}}},
	}
	t.create(ctx, pod)
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "web", Image: "registry.example/web:1.0", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(time.Now().Add(-since))}},
	}}}
	Expect(kube.Status().Update(ctx, pod)).To(Succeed())
}

var _ = Describe("kubectl accesskey status", func() {
	It("shows the timeline, the previous keys, and who still has the old pair", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		before := team.issue(ctx, accessKey("backup", qumulo, qumulo.user)).Status
		Expect(team.run(ctx, "renew", "backup", "--wait", "--timeout=30s").code).To(Equal(0))
		after := team.get(ctx, "backup").Status
		team.pod(ctx, "old", "backup", time.Hour)
		team.pod(ctx, "other", "unrelated", time.Hour)
		team.awaitEvent(ctx, "backup", v1alpha1.EventRotated)

		status := team.run(ctx, "status", "backup")
		Expect(status.code).To(Equal(0))
		Expect(status.out).To(HavePrefix("AccessKey " + team.namespace + "/backup: Ready\n"))
		Expect(status.out).To(ContainSubstring("Service:  KeyService qumulo, ready, Qumulo Core 7.9.2.2, 2 keys per user, an old and a new pair can work side by side\n"))
		Expect(status.out).To(MatchRegexp(`(?s)What comes next\n  in 10d.*revoke access key ` + before.AccessKeyID + `, which works until then\n` +
			`  in (19d|20d|18d).*rotate: create a new key beside access key ` + after.AccessKeyID + `\n  in 30d.*revoke access key ` + after.AccessKeyID))
		Expect(status.out).To(MatchRegexp(before.AccessKeyID + ` +Active .* Requested +- +in 10d`))
		Expect(status.out).To(MatchRegexp(`old +web +environment +60m ago +an earlier pair, until it is restarted\n  The last earlier pair works until `))
		Expect(status.out).NotTo(ContainSubstring("other "))
		Expect(status.out).To(MatchRegexp(`Normal +Rotated`))

		By("the same for programs")
		var report struct {
			Kind         string
			Metadata     metav1.ObjectMeta
			Ready        string
			Key          struct{ AccessKeyID, ExpiresAt string }
			Next         []struct{ Action string }
			PreviousKeys []struct{ AccessKeyID, EndsAt string }
			Containers   []struct {
				Pod      string
				Outdated bool
			}
			Service struct {
				Version     string
				KeysPerUser int
			}
		}
		text := team.run(ctx, "status", "backup", "-o", "json").out
		Expect(json.Unmarshal([]byte(text), &report)).To(Succeed(), text)
		Expect([]string{report.Kind, report.Metadata.Namespace, report.Metadata.Name, report.Ready}).To(Equal([]string{"AccessKeyReport", team.namespace, "backup", "True"}))
		Expect(report.Key.AccessKeyID).To(Equal(after.AccessKeyID))
		Expect(report.Key.ExpiresAt).To(Equal(after.ExpiresAt.UTC().Format(time.RFC3339)))
		Expect(report.Next).To(HaveLen(3))
		Expect(report.PreviousKeys).To(HaveExactElements(HaveField("AccessKeyID", before.AccessKeyID)))
		Expect(report.Containers).To(HaveExactElements(And(HaveField("Pod", "old"), HaveField("Outdated", true))))
		Expect(report.Service.Version).To(Equal("Qumulo Core 7.9.2.2"))
		Expect(report.Service.KeysPerUser).To(Equal(2))
		Expect(text).NotTo(ContainSubstring(team.value(ctx, "backup", "AWS_SECRET_ACCESS_KEY")))
		Expect(team.run(ctx, "status", "backup", "-o", "jsonpath={.key.revision}").out).To(Equal("2"))
	})

	It("says why an AccessKey is stalled, and what to do", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.awaitService(ctx, qumulo)
		for range 2 { // the quota of a user
			_, _, err := qumulo.MakeKey(qumulo.user)
			Expect(err).NotTo(HaveOccurred())
		}
		team.create(ctx, accessKey("backup", qumulo, qumulo.user))
		team.await(ctx, "backup", v1alpha1.ConditionStalled)

		status := team.run(ctx, "status", "backup")
		Expect(status.code).To(Equal(0))
		Expect(status.out).To(HavePrefix("AccessKey " + team.namespace + "/backup: Stalled\n\nStalled=True: QuotaExceeded\n"))
		Expect(status.out).To(ContainSubstring("  What to do: delete one that is no longer used at the service, or request a rotation with the annotation.\n"))
		Expect(status.out).To(MatchRegexp(`What comes next\n  once fixed .* issue a pair, and write it to Secret backup\n`))
		Expect(status.out).NotTo(ContainSubstring("Ready=Unknown"), "it repeats Stalled")
	})

	It("leaves out what the user may not read, and names the missing right", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", qumulo, qumulo.user))
		few := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "few"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"accesskey.dev"}, Resources: []string{"accesskeys"}, Verbs: []string{"get"}},
		}}
		team.create(ctx, few, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "few"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "few"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "fritz"}},
		})
		team.user = "fritz"

		status := team.run(ctx, "status", "backup")
		Expect(status.code).To(Equal(0))
		where := " in namespace " + team.namespace
		Expect(status.out).To(ContainSubstring("Service:  KeyService qumulo, not shown, because you have no right to get keyservices.accesskey.dev" + where + "\n"))
		Expect(status.out).To(ContainSubstring("  Not shown, because you have no right to list pods" + where + ".\n"))
		Expect(status.out).To(ContainSubstring("  Not shown, because you have no right to list events" + where + ".\n"))
	})

	It("leaves out a ClusterKeyService, which an editor of a namespace may not read", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		team.create(ctx, &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Name: "backup"}, Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindClusterKeyService, Name: "elsewhere"},
		}})
		team.await(ctx, "backup", v1alpha1.ConditionStalled)
		Expect(team.run(ctx, "status", "backup").out).To(ContainSubstring(
			"Service:  ClusterKeyService elsewhere, not shown, because you have no right to get clusterkeyservices.accesskey.dev\n"))
	})

	It("fails for a name that does not exist", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		Expect(team.run(ctx, "status", "backup")).To(Equal(result{1, "",
			"error: namespace " + team.namespace + " has no AccessKey backup; see kubectl accesskey list --all-namespaces\n"}))
	})
})
