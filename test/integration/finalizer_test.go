// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("An in-use finalizer that the API server does not accept", func() {
	It("shows at its KeyService with the API server's words, and stops no other", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		lift := w.refuseFinalizers(ctx, credentials)
		w.createService(ctx)
		w.create(ctx, accessKey("backup"))
		const words = "Secrets of the bank have no finalizers"
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "FinalizerRefused",
			"the in-use finalizer of Secret "+w.namespace+"/"+credentials, words))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", words))
		w.createFastKey(ctx)
		Expect(w.service.History()).To(BeEmpty())
		w.step(ctx, resync)
		w.expectService(ctx, HaveField("Status.Limits", Not(BeNil())))

		lift(ctx)
		w.step(ctx, time.Minute)
		w.issued(ctx, "backup", 1)
		w.expectService(ctx, BeAtRest())
	})
})

// refuseFinalizers makes the API server refuse finalizers on a Secret.
func (w *world) refuseFinalizers(ctx SpecContext, name string) (lift func(SpecContext)) {
	GinkgoHelper()
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace + "-finalizers"},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
				}}},
			},
			Validations: []admissionv1.Validation{{
				Expression: "object.metadata.name != '" + name + "' || !has(object.metadata.finalizers)",
				Message:    "Secrets of the bank have no finalizers",
			}},
		},
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: policy.Name},
		Spec:       admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}},
	}
	Expect(kube.Create(ctx, policy)).To(Succeed())
	Expect(kube.Create(ctx, binding)).To(Succeed())
	Eventually(ctx, func() error {
		probe := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Finalizers: []string{v1alpha1.InUseFinalizer}}}
		return kube.Create(ctx, probe, client.DryRunAll)
	}).Should(HaveOccurred())
	return func(ctx SpecContext) {
		GinkgoHelper()
		Expect(kube.Delete(ctx, binding)).To(Succeed())
		Expect(kube.Delete(ctx, policy)).To(Succeed())
	}
}
