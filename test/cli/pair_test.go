// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// secret returns a Secret of the namespace, not read yet.
func (t *team) secret(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: name}}
}

// value returns a value of a Secret.
func (t *team) value(ctx SpecContext, name, key string) string {
	GinkgoHelper()
	secret := t.secret(name)
	Expect(kube.Get(ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
	return string(secret.Data[key])
}

var _ = Describe("kubectl accesskey export", func() {
	It("prints the credentials only with --show, and writes a private file", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		ak := team.issue(ctx, accessKey("backup", s, s.user))
		secret := team.value(ctx, "backup", "AWS_SECRET_ACCESS_KEY")

		for _, what := range [][]string{{"--format", "AWSCredentialsFile"}, {"--format", "Env"}, {"--key", "AWS_SECRET_ACCESS_KEY"}} {
			shown := team.run(ctx, append([]string{"export", "backup", "--show"}, what...)...)
			Expect(shown.code).To(Equal(0), shown.err)
			Expect(shown.out).To(ContainSubstring(secret))
			hidden := team.run(ctx, append([]string{"export", "backup"}, what...)...)
			Expect(hidden.code).To(Equal(0), hidden.err)
			Expect(hidden.out + hidden.err).NotTo(ContainSubstring(secret))
			Expect(hidden.out).To(ContainSubstring("REDACTED"))
		}

		file := filepath.Join(GinkgoT().TempDir(), "credentials")
		written := team.run(ctx, "export", "backup", "--format", "AWSCredentialsFile", "-f", file)
		Expect(written.code).To(Equal(0), written.err)
		Expect(written.out).To(BeEmpty())
		Expect(written.err).To(ContainSubstring(ak.Status.AccessKeyID))
		Expect(os.ReadFile(file)).To(ContainSubstring(secret))
		again := team.run(ctx, "export", "backup", "--format", "Env", "-f", file)
		Expect(again.code).To(Equal(1))
		Expect(again.err).To(ContainSubstring("use --force"))
	})

	It("is refused to a viewer, who may not read Secrets, and asks for what it needs", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", s, s.user))
		Expect(team.run(ctx, "export", "backup").code).To(Equal(2))
		Expect(team.run(ctx, "export", "backup", "--format", "Paper").code).To(Equal(2))
		team.user = "vera"
		team.grant(ctx, "vera", "view")
		result := team.run(ctx, "export", "backup", "--format", "Env", "--show")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring(`secrets "backup" is forbidden`))
	})
})

var _ = Describe("kubectl accesskey import", func() {
	It("writes a manifest that takes a pair over without a change for its consumers", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		hand, secret, err := s.MakeKey(s.user)
		Expect(err).NotTo(HaveOccurred())
		app := team.secret("app")
		app.StringData = map[string]string{"access-key": hand.ID, "secret-key": secret, "bucket": "backups"}
		team.create(ctx, app)

		result := team.run(ctx, "import", "app", "--service", "qumulo", "--user", s.user.Name, "--ttl", "720h")
		Expect(result.code).To(Equal(0), result.err)
		Expect(result.err).To(Equal("The pair is under access-key and secret-key of Secret app; its access key ID is " + hand.ID + ".\n"))
		Expect(result.out + result.err).NotTo(ContainSubstring(secret))
		_, err = plane.Kubectl(ctx, []byte(result.out), "apply", "-f", "-")
		Expect(err).NotTo(HaveOccurred())
		ak := team.await(ctx, "app", v1alpha1.ConditionReady)
		Expect(ak.Status.IssueReason).To(Equal(v1alpha1.IssuedImported))
		Expect(team.value(ctx, "app", "secret-key")).To(Equal(secret))
		Expect(team.value(ctx, "app", "bucket")).To(Equal("backups"))
	})

	It("asks for what cannot be guessed, and says what is in the way", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		s := team.newService(ctx, "qumulo")
		app := team.secret("app")
		app.StringData = map[string]string{"cloud": "a file"}
		team.create(ctx, app)
		result := team.run(ctx, "import", "app", "--service", "qumulo", "--user", s.user.Name)
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring("name both with --access-key-id-key and --secret-access-key-key"))
		Expect(team.run(ctx, "import", "app", "--service", "qumulo").code).To(Equal(2))

		typed := team.secret("typed")
		typed.Type, typed.StringData = corev1.SecretTypeBasicAuth, map[string]string{"username": "AKIA", "password": "geheim"}
		team.create(ctx, typed)
		result = team.run(ctx, "import", "typed", "--service", "qumulo", "--user", s.user.Name, "--access-key-id-key", "username", "--secret-access-key-key", "password")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(ContainSubstring("--name"))
		Expect(result.err).NotTo(ContainSubstring("geheim"))
	})
})
