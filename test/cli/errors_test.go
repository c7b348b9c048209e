// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/test/cluster"
)

// everyCommand has a command line for each command that asks the API server.
var everyCommand = [][]string{
	{"list"}, {"list", "--watch"}, {"status", "backup"}, {"renew", "backup"}, {"renew", "--all", "--wait"}, {"compromised", "backup", "AKIA"},
	{"suspend", "backup"}, {"resume", "--all"}, {"keys", "qumulo"}, {"check", "qumulo"}, {"check", "--cluster", "shared"}, {"export", "backup", "--format", "Env"},
	{"release"}, {"release", "--all-namespaces", "--yes"}, {"version"},
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// grantAccessKeys gives a user these verbs on the AccessKeys of the namespace, and nothing else.
func (t *team) grantAccessKeys(ctx SpecContext, user string, verbs ...string) {
	GinkgoHelper()
	t.create(ctx, &rbacv1.Role{ObjectMeta: named(user), Rules: []rbacv1.PolicyRule{{APIGroups: []string{"accesskey.dev"}, Resources: []string{"accesskeys"}, Verbs: verbs}}},
		&rbacv1.RoleBinding{
			ObjectMeta: named(user), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		})
}

var _ = Describe("kubectl accesskey, when something is wrong,", func() {
	It("says that the API server cannot be reached, or that there is no such context", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		for _, arguments := range everyCommand {
			result := team.run(ctx, append(arguments, "--server=https://127.0.0.1:1")...)
			Expect(result.code).To(Equal(1), "%q", arguments)
			Expect(result.err).To(MatchRegexp(`^error: the API server at 127.0.0.1:1 cannot be reached: dial tcp .*; check --context, --kubeconfig and your network\n$`), "%q", arguments)

			result = team.run(ctx, append(arguments, "--context=nowhere")...)
			Expect(result.code).To(Equal(1), "%q", arguments)
			Expect(result.err).To(Equal("error: context \"nowhere\" does not exist; check --context and --kubeconfig, and see kubectl config get-contexts\n"), "%q", arguments)
		}
	})

	It("asks whether the operator is installed if the cluster does not have its API", func(ctx SpecContext) {
		bare, err := cluster.Start(ctx)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(bare.Stop()).To(Succeed()) })
		team := &team{namespace: "default", user: "system:admin", kubeconfig: bare.Kubeconfig}
		for _, arguments := range everyCommand {
			result := team.run(ctx, arguments...)
			Expect(result.code).To(Equal(1), "%q", arguments)
			Expect(result.err).To(Equal("error: the cluster does not serve accesskey.dev/v1alpha1: install accesskey-operator, or choose another --context\n"), "%q", arguments)
		}
	})

	It("names the object, and the right that is missing", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		Expect(team.run(ctx, "status", "backup").err).To(ContainSubstring("namespace " + team.namespace + " has no AccessKey backup; see kubectl accesskey list"))
		Expect(team.run(ctx, "keys", "qumulo").err).To(ContainSubstring("there is no KeyService qumulo in namespace " + team.namespace + "; choose another --namespace, or --cluster"))
		Expect(team.run(ctx, "import", "app", "--service", "qumulo").err).To(ContainSubstring("namespace " + team.namespace + " has no Secret app; see kubectl get secrets"))
		team.user = "nobody"
		for _, arguments := range everyCommand {
			if result := team.run(ctx, arguments...); arguments[0] != "version" {
				Expect(result.code).To(Equal(1), "%q", arguments)
				Expect(result.err).To(MatchRegexp(`^error: .*User "nobody" cannot (get|list) resource .*; ask an administrator of the cluster for this right, or choose another --namespace\n$`), "%q", arguments)
			}
		}
		everything(ctx, "carla")
		team.user = "carla"
		Expect(team.run(ctx, "check", "--cluster", "shared").err).To(Equal("error: there is no ClusterKeyService shared; see kubectl get clusterkeyservices\n"))
	})

	DescribeTable("does not take a wrong command line for another one", func(ctx SpecContext, message string, arguments ...string) {
		team := newTeam(ctx, "")
		result := team.run(ctx, arguments...)
		Expect(result.code).To(Equal(2))
		Expect(result.out).To(BeEmpty())
		Expect(result.err).To(HavePrefix("error: " + message))
		Expect(result.err).To(ContainSubstring("See 'kubectl accesskey " + arguments[0] + " --help'.\n"))
	},
		Entry("a name where none is taken", "kubectl accesskey list takes no names, and backup was given", "list", "backup"),
		Entry("no name", "kubectl accesskey status needs NAME", "status"),
		Entry("an empty name", `AccessKey "": no object can have this name`, "status", ""),
		Entry("a name that leads elsewhere", `AccessKey "../secrets/backup": no object can have this name`, "renew", "../secrets/backup"),
		Entry("an empty service", `KeyService "": no object can have this name`, "check", ""),
		Entry("a service that leads elsewhere", `ClusterKeyService "a/b": no object can have this name`, "check", "clusterkeyservice/a/b"),
		Entry("a Secret that leads elsewhere", `Secret "a/b": no object can have this name`, "import", "a/b", "--service", "qumulo"),
		Entry("two names where one is taken", "kubectl accesskey status takes one NAME, and backup media was given", "status", "backup", "media"),
		Entry("no key ID", "kubectl accesskey compromised needs NAME KEYID…", "compromised", "backup"),
		Entry("a name in all namespaces", "names go without --selector, --all and --all-namespaces", "renew", "backup", "-A"),
		Entry("all namespaces for one AccessKey", "unknown shorthand flag: 'A'", "status", "backup", "-A"),
		Entry("an unknown format of list", "unable to match a printer", "list", "-o", "frob"),
		Entry("an unknown format of check", "unable to match a printer", "check", "qumulo", "-o", "frob"),
		Entry("a wide status", "unable to match a printer", "status", "backup", "-o", "wide"),
	)

	It("takes names with their kind, as list -o name prints them, and each of them once", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", qumulo, qumulo.user))
		result := team.run(ctx, "renew", "accesskey.accesskey.dev/backup", "backup", "backup")
		Expect(result).To(Equal(result0(team.namespace + "/backup: rotation requested\n")))
	})

	It("exports only the current pair", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		ak := team.issue(ctx, accessKey("backup", qumulo, qumulo.user))
		Expect(team.run(ctx, "renew", "backup", "--wait", "--timeout=30s").code).To(Equal(0))
		Expect(team.run(ctx, "suspend", "backup").code).To(Equal(0)) // nothing is repaired then
		current := team.get(ctx, "backup").Status.AccessKeyID
		team.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Data["AWS_ACCESS_KEY_ID"] = []byte(ak.Status.AccessKeyID) })
		export := func() string {
			result := team.run(ctx, "export", "backup", "--format", "Env")
			Expect(result.code).To(Equal(1))
			Expect(result.out).To(BeEmpty())
			return result.err
		}
		Expect(export()).To(ContainSubstring("Secret backup has access key " + ak.Status.AccessKeyID + " instead of access key " + current + ", the current one"))
		team.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Data = nil })
		Expect(export()).To(ContainSubstring("Secret backup has no pair instead of access key " + current))
		Expect(kube.Delete(ctx, team.secret("backup"))).To(Succeed())
		Expect(export()).To(ContainSubstring("Secret backup is gone"))
	})

	It("says which key of a Secret is wrong that is to be imported", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		team.newService(ctx, "qumulo")
		app := team.secret("app")
		app.StringData = map[string]string{"id": "AKIA", "key": " geheim"}
		team.create(ctx, app)
		for keys, message := range map[[2]string]string{
			{"id", "kee"}: "Secret app has no value under the key kee",
			{"id", "key"}: "the value under the key key of Secret app begins or ends with white space",
		} {
			result := team.run(ctx, "import", "app", "--service", "qumulo", "--user", "local:backup", "--access-key-id-key", keys[0], "--secret-access-key-key", keys[1])
			Expect(result.code).To(Equal(1))
			Expect(result.err).To(HavePrefix("error: " + message))
			Expect(result.out + result.err).NotTo(ContainSubstring("geheim"))
		}
	})
})

// result0 is a run that printed only this, and succeeded.
func result0(out string) result { return result{0, out, ""} }

func (t *team) changeSecret(ctx SpecContext, name string, change func(*corev1.Secret)) {
	GinkgoHelper()
	secret := t.secret(name)
	Expect(kube.Get(ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
	change(secret)
	Expect(kube.Update(ctx, secret)).To(Succeed())
}
