// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/docs"
)

// fluxExpressions returns the CEL expressions that the documentation shows for Flux, in the order in which Flux evaluates them.
func fluxExpressions() []expression {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(repository, "docs/gitops.md"))
	Expect(err).NotTo(HaveOccurred())
	var kustomization struct {
		Spec struct{ HealthCheckExprs []map[string]string }
	}
	for _, b := range docs.Parse("docs/gitops.md", text).Blocks {
		if strings.Contains(b.Text, "healthCheckExprs:") {
			Expect(yaml.Unmarshal([]byte(b.Text), &kustomization)).To(Succeed())
		}
	}
	Expect(kustomization.Spec.HealthCheckExprs).To(ConsistOf(And(
		HaveKeyWithValue("apiVersion", v1alpha1.GroupVersion.String()), HaveKeyWithValue("kind", "AccessKey"))))
	shown := kustomization.Spec.HealthCheckExprs[0]
	return []expression{{"inProgress", shown["inProgress"]}, {"failed", shown["failed"]}, {"current", shown["current"]}}
}

// expression is true of objects with a health.
type expression struct{ health, text string }

// variable matches a field of the object, which Flux offers as a variable.
var variable = regexp.MustCompile(`\b(status|metadata)\.`)

// evaluate makes the API server evaluate expressions of Flux about each change of an AccessKey in the world's namespace. It warns
// of those that are false, or that cannot be evaluated.
func (w *world) evaluate(ctx SpecContext, expressions []expression) {
	GinkgoHelper()
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace + "-flux"},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Update},
					Rule:       admissionv1.Rule{APIGroups: []string{v1alpha1.GroupVersion.Group}, APIVersions: []string{"*"}, Resources: []string{"accesskeys"}},
				}}},
			},
		},
	}
	for _, e := range expressions {
		policy.Spec.Validations = append(policy.Spec.Validations, admissionv1.Validation{
			Expression: variable.ReplaceAllString(e.text, "object.$1."), Message: "not " + e.health,
		})
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: policy.Name},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Warn},
		},
	}
	for _, object := range []client.Object{policy, binding} {
		Expect(kube.Create(ctx, object)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(kube.Delete(ctx, object)).To(Succeed()) })
	}
}

// warnings collects the warnings of the API server.
type warnings []string

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { *w = append(*w, text) }

// fluxReads waits until Flux reads the health of an AccessKey like this: as the name of the first expression that is true.
func (w *world) fluxReads(ctx SpecContext, name, health string) {
	GinkgoHelper()
	var falsehoods warnings
	config := rest.CopyConfig(plane.Config)
	config.WarningHandler = &falsehoods
	listening, err := client.New(config, client.Options{Scheme: controller.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	w.eventually(ctx, func(g Gomega) {
		falsehoods = nil
		probe := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"probe":"`+health+`"}}}`))
		g.Expect(listening.Patch(ctx, w.accessKey(ctx, name), probe, client.DryRunAll)).To(Succeed())
		g.Expect(falsehoods).NotTo(BeEmpty(), "the policy is not in force yet")
		read := "none"
		for _, e := range slices.Backward(fluxExpressions()) {
			if !strings.Contains(strings.Join(falsehoods, "\n"), "not "+e.health) {
				read = e.health
			}
		}
		g.Expect(read).To(Equal(health), "%v", falsehoods)
	})
}

var _ = Describe("Flux", func() {
	It("reads an AccessKey with a working key as current with the expressions of the documentation, also while a rotation fails", func(ctx SpecContext) {
		w := newStoppedWorld(ctx)
		w.evaluate(ctx, fluxExpressions())
		w.createService(ctx)
		w.create(ctx, accessKey("backup"))
		w.fluxReads(ctx, "backup", "inProgress")
		w.start()
		w.issued(ctx, "backup", 1)
		w.fluxReads(ctx, "backup", "current")
		end := answering(page)(w)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying"))
		w.fluxReads(ctx, "backup", "current")
		end()
		_, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.stepToAttempt(ctx, "backup")
		w.expectStalled(ctx, "backup", "QuotaExceeded")
		w.fluxReads(ctx, "backup", "current")

		w.create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "taken"}}, accessKey("taken"))
		w.expectStalled(ctx, "taken", "SecretConflict")
		w.fluxReads(ctx, "taken", "failed")
	})
})
