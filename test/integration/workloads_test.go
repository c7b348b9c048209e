// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// restarting sets the restart targets of an AccessKey.
func restarting(targets ...v1alpha1.RolloutRestartTarget) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.RolloutRestartTargets = targets }
}

func workloadNamed(kind v1alpha1.WorkloadKind, name string) v1alpha1.RolloutRestartTarget {
	return v1alpha1.RolloutRestartTarget{Kind: kind, Name: name}
}

func workloadsLabelled(kind v1alpha1.WorkloadKind, app string) v1alpha1.RolloutRestartTarget {
	return v1alpha1.RolloutRestartTarget{Kind: kind, Selector: &v1alpha1.WorkloadSelector{MatchLabels: map[string]v1alpha1.LabelValue{"app": v1alpha1.LabelValue(app)}}}
}

// allowRestarts grants the operator the right to restart workloads of the world's namespace, as docs/consumers.md says.
func (w *world) allowRestarts(ctx SpecContext) {
	GinkgoHelper()
	w.kubectl(ctx, "create", "rolebinding", "accesskey-operator-restarts", "--clusterrole=accesskey-operator-restarts", "--serviceaccount=accesskey-system:accesskey-operator")
	Eventually(ctx, func(g Gomega) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               "system:serviceaccount:accesskey-system:accesskey-operator",
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: w.namespace, Verb: "patch", Group: "apps", Resource: "deployments"},
		}}
		g.Expect(kube.Create(ctx, review)).To(Succeed())
		g.Expect(review.Status.Allowed).To(BeTrue())
	}).Should(Succeed())
}

// podTemplate is of a consumer that has the pair in its environment.
func podTemplate(app string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}, Annotations: map[string]string{"example.com/theirs": "kept"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: "registry.example/" + app,
			EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "backup"}}}},
		}}},
	}
}

// workload returns a consumer whose name is also the label app.
func workload(kind v1alpha1.WorkloadKind, name string) client.Object {
	labels := map[string]string{"app": name}
	meta, selector := metav1.ObjectMeta{Name: name, Labels: labels}, &metav1.LabelSelector{MatchLabels: labels}
	switch kind {
	case v1alpha1.WorkloadStatefulSet:
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: podTemplate(name)}}
	case v1alpha1.WorkloadDaemonSet:
		return &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: podTemplate(name)}}
	case v1alpha1.WorkloadRollout:
		rollout := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"workloadRef": map[string]any{"name": name}}}}
		rollout.SetGroupVersionKind(rolloutKind)
		rollout.SetName(name)
		rollout.SetLabels(labels)
		return rollout
	default:
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: ptr.To(int32(2)), Selector: selector, Template: podTemplate(name)}}
	}
}

var rolloutKind = schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}

// serveRollouts serves the kind of Argo Rollouts until the spec ends.
func serveRollouts(ctx SpecContext) {
	GinkgoHelper()
	open := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	crd := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"group": rolloutKind.Group, "scope": "Namespaced", "names": map[string]any{"kind": "Rollout", "plural": "rollouts", "singular": "rollout"},
		"versions": []any{map[string]any{"name": "v1alpha1", "served": true, "storage": true, "schema": map[string]any{
			"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{"spec": open, "status": open}},
		}}},
	}}}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName("rollouts.argoproj.io")
	Expect(kube.Create(ctx, crd)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		Expect(kube.Delete(ctx, crd)).To(Succeed())
		Eventually(ctx, func() error { return kube.Get(ctx, client.ObjectKeyFromObject(crd), crd) }).ShouldNot(Succeed())
	})
	kubectl(ctx, "wait", "--for=condition=Established", "crd/rollouts.argoproj.io", "--timeout=60s")
}

// rotate requests a rotation and waits for its pair.
func (w *world) rotate(ctx SpecContext, name string) pair {
	GinkgoHelper()
	revision := w.accessKey(ctx, name).Status.Revision + 1
	w.changeAccessKey(ctx, name, renewNow(fmt.Sprint(revision)))
	return w.issued(ctx, name, revision)
}

// restarted waits until the restart for the current pair of an AccessKey is complete.
func (w *world) restarted(ctx SpecContext, name string) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		status := w.accessKey(ctx, name).Status
		g.Expect(status.Restart).NotTo(BeNil())
		g.Expect(status.Restart.Revision).To(Equal(status.Revision))
		g.Expect(status.Restart.CompletedAt.IsZero()).To(BeFalse(), "%+v", status.Restart)
	})
	w.settle(ctx)
}

// stampsOf returns the annotations of the pods of a Deployment that restarted it, by AccessKey, and the generation of the Deployment:
// how often its spec was changed, plus 1.
func (w *world) stampsOf(ctx SpecContext, name string) (stamps map[string]string, generation int64) {
	GinkgoHelper()
	found := get(ctx, w, name, &appsv1.Deployment{})
	stamps = map[string]string{}
	for key, value := range found.Spec.Template.Annotations {
		if of, ok := cutPrefix(key); ok {
			stamps[of] = value
		}
	}
	return stamps, found.Generation
}

func cutPrefix(key string) (string, bool) {
	if i := len(v1alpha1.RestartAnnotationPrefix); len(key) > i && key[:i] == v1alpha1.RestartAnnotationPrefix {
		return key[i:], true
	}
	return "", false
}

// stampedFor is what restarts a workload for the current pair of an AccessKey.
func (w *world) stampedFor(ctx SpecContext, name string) string {
	GinkgoHelper()
	status := w.accessKey(ctx, name).Status
	return fmt.Sprintf("%s (revision %d)", status.AccessKeyID, status.Revision)
}

// replicaSets counts the ReplicaSets of a Deployment: one for each set of pods that there was.
func (w *world) replicaSets(ctx SpecContext, g Gomega, name string) int {
	var all appsv1.ReplicaSetList
	g.Expect(kube.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
	return len(slices.DeleteFunc(all.Items, func(set appsv1.ReplicaSet) bool { return set.Labels["app"] != name }))
}

var restartRefusals = []refusal{
	at("spec.rolloutRestartTargets", "minItems", []any{}, "spec.rolloutRestartTargets in body should have at least 1 items"),
	at("spec.rolloutRestartTargets", "maxItems", slices.Repeat([]any{map[string]any{"kind": "Deployment", "name": "web"}}, 17), "spec.rolloutRestartTargets: Too many"),
	badTarget("", "required", map[string]any{"name": "web"}, "spec.rolloutRestartTargets[0].kind: Required value"),
	badTarget("kind", "enum", map[string]any{"kind": "CronJob", "name": "web"},
		`spec.rolloutRestartTargets[0].kind: Unsupported value: "CronJob": supported values: "Deployment", "StatefulSet", "DaemonSet", "Rollout"`),
	badTarget("", rule, map[string]any{"kind": "Deployment"}, "set either name or selector"),
	badTarget("", rule, map[string]any{"kind": "Deployment", "name": "web", "selector": matching("app", "web")}, "set either name or selector"),
	badTarget("name", "minLength", map[string]any{"kind": "Deployment", "name": ""}, "spec.rolloutRestartTargets[0].name in body should be at least 1 chars long"),
	badTarget("name", "maxLength", map[string]any{"kind": "Deployment", "name": text(254)}, "spec.rolloutRestartTargets[0].name: Too long"),
	badTarget("selector.matchLabels", "required", map[string]any{"kind": "Deployment", "selector": map[string]any{}}, "spec.rolloutRestartTargets[0].selector.matchLabels: Required value"),
	badTarget("selector.matchLabels", "minProperties", map[string]any{"kind": "Deployment", "selector": map[string]any{"matchLabels": map[string]any{}}},
		"spec.rolloutRestartTargets[0].selector.matchLabels in body should have at least 1 properties"),
	badTarget("selector.matchLabels", "maxProperties", map[string]any{"kind": "Deployment", "selector": map[string]any{"matchLabels": many(17)}},
		"spec.rolloutRestartTargets[0].selector.matchLabels: Too many"),
	badTarget("selector.matchLabels", rule, map[string]any{"kind": "Deployment", "selector": matching("the app", "web")}, "the key of a label is a name of at most 63 characters, such as app or example.com/app: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit; the prefix is a DNS name in lower case"),
	badTarget("selector.matchLabels{}", "maxLength", map[string]any{"kind": "Deployment", "selector": matching("app", text(64))}, "spec.rolloutRestartTargets[0].selector.matchLabels.app: Too long"),
	badTarget("selector.matchLabels{}", rule, map[string]any{"kind": "Deployment", "selector": matching("app", "a b")}, "the value of a label has letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"),
}

// badTarget is a refusal of a restart target, by the rule at a path in it.
func badTarget(path, keyword string, value map[string]any, message string) refusal {
	full := "spec.rolloutRestartTargets[]"
	switch {
	case path != "":
		full += "." + path
	case keyword == "required":
		full += ".kind"
	}
	return refusal{full, keyword, map[string]any{"spec.rolloutRestartTargets": []any{value}}, message}
}

func matching(key, value string) map[string]any {
	return map[string]any{"matchLabels": map[string]any{key: value}}
}
