// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// managers are tools that apply objects from another place, by the name of their field manager.
var managers = map[string]string{"argocd-controller": "Argo CD", "kustomize-controller": "Flux", "helm-controller": "Flux", "helm": "Helm"}

// managedBy says which tool applies an AccessKey from Git or from a chart, and as a part of what; empty if there is no sign of one.
func managedBy(ak *v1alpha1.AccessKey) string {
	for _, kind := range []struct{ prefix, tool string }{
		{"kustomize.toolkit.fluxcd.io", "Flux (Kustomization %s/%s)"}, {"helm.toolkit.fluxcd.io", "Flux (HelmRelease %s/%s)"},
	} {
		if name := ak.Labels[kind.prefix+"/name"]; name != "" {
			return fmt.Sprintf(kind.tool, ak.Labels[kind.prefix+"/namespace"], name)
		}
	}
	if application, _, ok := strings.Cut(ak.Annotations["argocd.argoproj.io/tracking-id"], ":"); ok {
		return fmt.Sprintf("Argo CD (Application %s)", application)
	}
	if application := ak.Labels["argocd.argoproj.io/instance"]; application != "" {
		return fmt.Sprintf("Argo CD (Application %s)", application)
	}
	i := slices.IndexFunc(ak.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool { return managers[entry.Manager] != "" })
	if i < 0 {
		return ""
	}
	return managers[ak.ManagedFields[i].Manager]
}

// warnManaged warns that a change of the spec may not last.
func (s *session) warnManaged(ak *v1alpha1.AccessKey, field string) {
	if tool := managedBy(ak); tool != "" {
		s.warnf("%s is managed by %s, which may revert %s: make the change in its source, too", ref(ak), tool, field)
	}
}
