// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"accesskey.dev/operator/api/v1alpha1"
)

// reached is an annotation that a mutating webhook sets, so that a spec sees when the API server calls it.
const reached = "example.com/reached"

// mutateSecrets lets an admission webhook change the Secrets of AccessKeys in the world's namespace.
func (w *world) mutateSecrets(ctx SpecContext, mutate func(*corev1.Secret)) {
	GinkgoHelper()
	handler := admission.HandlerFunc(func(_ context.Context, request admission.Request) admission.Response {
		var secret corev1.Secret
		if err := json.Unmarshal(request.Object.Raw, &secret); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		if _, published := secret.Data[v1alpha1.SecretKeyAccessKeyID]; published {
			mutate(&secret)
		}
		metav1.SetMetaDataAnnotation(&secret.ObjectMeta, reached, "yes")
		changed, err := json.Marshal(&secret)
		if err != nil {
			return admission.Errored(http.StatusInternalServerError, err)
		}
		return admission.PatchResponseFromRaw(request.Object.Raw, changed)
	})
	server := httptest.NewTLSServer(&admission.Webhook{Handler: handler})
	DeferCleanup(server.Close)
	config := &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Webhooks: []admissionv1.MutatingWebhook{{
			Name:                    "mutate.example.com",
			ClientConfig:            clientOf(server),
			Rules:                   secretsWritten,
			NamespaceSelector:       w.selector(),
			SideEffects:             ptr.To(admissionv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
	Expect(kube.Create(ctx, config)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(kube.Delete(ctx, config)).To(Succeed()) })
	w.eventually(ctx, func(g Gomega) {
		probe := w.probe()
		g.Expect(kube.Create(ctx, probe, client.DryRunAll)).To(Succeed())
		g.Expect(probe.Annotations).To(HaveKey(reached))
	})
}

// cutWebhook lets the API server ask a validating webhook for the Secrets of AccessKeys that cannot be reached. sideEffects
// other than None refuse dry runs.
func (w *world) cutWebhook(ctx SpecContext) (lift func(SpecContext)) {
	GinkgoHelper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	unreachable := clientOf(server)
	server.Close()
	config := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name:                    "validate.example.com",
			ClientConfig:            unreachable,
			Rules:                   secretsWritten,
			NamespaceSelector:       w.selector(),
			ObjectSelector:          &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}},
			SideEffects:             ptr.To(admissionv1.SideEffectClassNone),
			FailurePolicy:           ptr.To(admissionv1.Fail),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
	Expect(kube.Create(ctx, config)).To(Succeed())
	refused := func(want bool) {
		GinkgoHelper()
		Eventually(ctx, func() bool { return kube.Create(ctx, w.probe(), client.DryRunAll) != nil }).Should(Equal(want))
	}
	refused(true)
	lifted := false
	lift = func(ctx SpecContext) {
		GinkgoHelper()
		if !lifted {
			Expect(kube.Delete(ctx, config)).To(Succeed())
			refused(false)
		}
		lifted = true
	}
	DeferCleanup(lift)
	return lift
}

// probe is a Secret that looks like the operator's.
func (w *world) probe() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: "probe", Labels: map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue},
	}}
}

func (w *world) selector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}}
}

func clientOf(server *httptest.Server) admissionv1.WebhookClientConfig {
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return admissionv1.WebhookClientConfig{URL: ptr.To(server.URL), CABundle: authority}
}

var secretsWritten = []admissionv1.RuleWithOperations{{
	Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
	Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
}}
