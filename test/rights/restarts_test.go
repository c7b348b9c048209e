// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// restartRights returns the rights of the role that config/restarts binds.
func restartRights(t *testing.T) []right {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "accesskey-operator-restarts"}}
	read(t, role)
	return rightsOf(role.Rules)
}

func TestTheDefaultInstallationMayNotTouchWorkloads(t *testing.T) {
	namespace := newNamespace(t, "no-restarts")
	all := restartRights(t)
	if len(all) != 12 { // get, list and patch of four kinds
		t.Errorf("the role has the rights %v", all)
	}
	for _, each := range all {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               operatorIn(operatorNamespace),
			Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorNamespace, "system:authenticated"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: each.verb, Group: each.group, Resource: each.resource},
		}}
		if err := kube.Create(t.Context(), review); err != nil || review.Status.Allowed {
			t.Errorf("by default, %s is allowed: %t, %v", each, review.Status.Allowed, err)
		}
	}
}

// TestRestartsUseExactlyTheirRights installs config/restarts, and restarts workloads of each kind by name and by label.
func TestRestartsUseExactlyTheirRights(t *testing.T) {
	if out, err := plane.Kubectl(t.Context(), nil, "apply", "-k", "../../config/restarts"); err != nil {
		t.Fatal(err, out)
	}
	t.Cleanup(func() {
		if out, err := plane.Kubectl(context.Background(), nil, "delete", "clusterrolebinding", "accesskey-operator-restarts"); err != nil {
			t.Error(err, out)
		}
	})
	serveRollouts(t)
	s := newStory(t, newNamespace(t, "restarts"), operatorNamespace)
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "accesskey-operator-restarts"}}
	read(t, role)
	waitFor(t, operatorIn(operatorNamespace), s.namespace, role.Rules)
	stop, err := s.start(token(t), scope{own: operatorNamespace})
	if err == nil {
		err = s.restart(t.Context())
	}
	if err != nil {
		t.Fatalf("%v; refused: %v", err, s.recorder.refusals())
	}
	if err := stop(time.Minute); err != nil {
		t.Errorf("the operator ended with %v", err)
	}
	used := slices.DeleteFunc(s.recorder.rights(), func(each right) bool { return each.group != "apps" && each.group != "argoproj.io" })
	granted := restartRights(t)
	for _, each := range granted {
		if !slices.Contains(used, each) {
			t.Errorf("%s is granted but never used", each)
		}
	}
	for _, each := range used {
		if !slices.Contains(granted, each) {
			t.Errorf("%s is used but not granted", each)
		}
	}
}

// restart rotates the pair of an AccessKey that restarts workloads, and deletes it.
func (s *story) restart(ctx context.Context) error {
	if err := s.setUp(ctx); err != nil {
		return err
	}
	ak := s.accessKey("backup", "local:alice", v1alpha1.KindKeyService, "qumulo")
	for kind, version := range map[v1alpha1.WorkloadKind]string{
		v1alpha1.WorkloadDeployment: "apps/v1", v1alpha1.WorkloadStatefulSet: "apps/v1", v1alpha1.WorkloadDaemonSet: "apps/v1", v1alpha1.WorkloadRollout: "argoproj.io/v1alpha1",
	} {
		labels := map[string]any{"app": "web"}
		workload := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": version, "kind": string(kind), "metadata": map[string]any{"namespace": s.namespace, "name": "web", "labels": labels},
			"spec": map[string]any{"selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
				"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{map[string]any{"name": "main", "image": "registry.example/web"}}},
			}},
		}}
		if err := s.create(ctx, workload); err != nil {
			return err
		}
		ak.Spec.RolloutRestartTargets = append(ak.Spec.RolloutRestartTargets, v1alpha1.RolloutRestartTarget{Kind: kind, Name: "web"},
			v1alpha1.RolloutRestartTarget{Kind: kind, Selector: &v1alpha1.WorkloadSelector{MatchLabels: map[string]v1alpha1.LabelValue{"app": "web"}}})
	}
	if err := s.create(ctx, ak); err != nil {
		return err
	}
	if err := s.issued(ctx, "backup", 1); err != nil {
		return err
	}
	if err := s.merge(ctx, s.named("backup"), `{"metadata":{"annotations":{"accesskey.dev/renew":"now"}}}`); err != nil {
		return err
	}
	if err := s.eventually(ctx, func() error {
		ak, err := s.get(ctx, "backup")
		if err == nil && (ak.Status.Restart == nil || ak.Status.Restart.CompletedAt.IsZero()) {
			err = fmt.Errorf("nothing is restarted; %w", s.describe(ctx, "backup"))
		}
		return err
	}); err != nil {
		return err
	}
	return s.delete(ctx)
}

// serveRollouts serves the kind of Argo Rollouts until the test ends.
func serveRollouts(t *testing.T) {
	t.Helper()
	open := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "rollouts.argoproj.io"},
		"spec": map[string]any{
			"group": "argoproj.io", "scope": "Namespaced", "names": map[string]any{"kind": "Rollout", "plural": "rollouts", "singular": "rollout"},
			"versions": []any{map[string]any{"name": "v1alpha1", "served": true, "storage": true, "schema": map[string]any{
				"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{"spec": open}},
			}}},
		},
	}}
	if err := kube.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		err := kube.Delete(ctx, crd)
		for begin := time.Now(); err == nil && time.Since(begin) < time.Minute; time.Sleep(10 * time.Millisecond) {
			err = kube.Get(ctx, client.ObjectKeyFromObject(crd), crd)
		}
		if !apierrors.IsNotFound(err) {
			t.Error(errors.Join(err, errors.New("the kind Rollout is still served")))
		}
	})
	if out, err := plane.Kubectl(t.Context(), nil, "wait", "--for=condition=Established", "crd/rollouts.argoproj.io", "--timeout=60s"); err != nil {
		t.Fatal(err, out)
	}
}
