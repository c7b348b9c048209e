// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// expectAdmitted applies the objects in a dry run on the API server. The namespace enforces the Pod Security level restricted, which
// applies to Pods only, so it also creates the Pod of the Deployment.
func expectAdmitted(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, each := range objects {
		if err := kube.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(each.DeepCopy()), client.ForceOwnership, client.FieldOwner("test"), client.DryRunAll); err != nil {
			t.Errorf("%s %s: %v", each.GetKind(), each.GetName(), err)
		}
		if each.GetKind() != "Deployment" {
			continue
		}
		pod := &unstructured.Unstructured{}
		template, _, _ := unstructured.NestedMap(each.Object, "spec", "template")
		pod.SetUnstructuredContent(template)
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetName("dry-run")
		pod.SetNamespace(namespace)
		if err := kube.Create(t.Context(), pod, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
			t.Errorf("the Pod: %v", err)
		}
	}
}
