// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// TestRolesAreEnoughForSomeNamespaces runs the operator as --namespaces=team-a,team-b with what config/namespaced gives it.
func TestRolesAreEnoughForSomeNamespaces(t *testing.T) {
	namespaces := []string{newNamespace(t, "team-a"), newNamespace(t, "team-b")}
	uninstallClusterRoles(t)
	forgetKey(t)
	if out, err := plane.Kubectl(t.Context(), nil, "apply", "-k", "../../config/namespaced"); err != nil {
		t.Fatal(err, out)
	}
	for _, namespace := range namespaces {
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "accesskey-operator"}}
		read(t, role)
		waitFor(t, operatorUser, namespace, role.Rules)
	}
	s := newStory(t, "team-b", operatorNamespace)
	stop, err := s.start(token(t), scope{namespaces: namespaces, own: operatorNamespace, namespacedOnly: true})
	if err != nil {
		t.Fatal(err, s.recorder.refusals())
	}
	stranger := s.accessKey("stranger", "local:bert", v1alpha1.KindClusterKeyService, "any")
	stranger.Namespace = "team-a"
	if err := s.create(t.Context(), stranger); err != nil {
		t.Fatal(err)
	}
	if err := s.tell(t.Context()); err != nil {
		t.Errorf("%v; refused: %v", err, s.recorder.refusals())
	}
	s.expectNotServed(stranger)
	if err := stop(time.Minute); err != nil {
		t.Errorf("the operator ended with %v", err)
	}
	for refused, reason := range s.recorder.refusals() {
		t.Errorf("%s was refused: %s", refused, reason)
	}
	s.expectOwnRightsUsed(namespaces)
}

// expectOwnRightsUsed: the operator used all its rights in its own namespace and asked for no others there, nor in any
// namespace that is not one of these.
func (s *story) expectOwnRightsUsed(namespaces []string) {
	s.t.Helper()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "accesskey-operator-own"}}
	read(s.t, role)
	own := rightsOf(role.Rules)
	for _, right := range own {
		if !slices.Contains(s.recorder.rights(), right) {
			s.t.Errorf("%s is granted in its own namespace, and never used", right)
		}
	}
	for asked := range s.recorder.requests() {
		if !slices.Contains(append(namespaces, operatorNamespace), asked.namespace) {
			s.t.Errorf("asked to %s in the namespace %q", asked, asked.namespace)
		}
		if asked.namespace == operatorNamespace && !slices.Contains(own, asked.right) {
			s.t.Errorf("asked to %s in its own namespace", asked)
		}
	}
}

// forgetKey makes the next start the operator's first one.
func forgetKey(t *testing.T) {
	t.Helper()
	key := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "accesskey-operator-proof"}}
	if err := client.IgnoreNotFound(kube.Delete(t.Context(), key)); err != nil {
		t.Fatal(err)
	}
}

// uninstallClusterRoles takes away what config/default gave, and gives it back in the end.
func uninstallClusterRoles(t *testing.T) {
	t.Helper()
	if out, err := plane.Kubectl(t.Context(), nil, "delete", "clusterrolebinding", "accesskey-operator", "accesskey-operator-cluster"); err != nil {
		t.Fatal(err, out)
	}
	t.Cleanup(func() {
		if out, err := plane.Kubectl(context.Background(), nil, "apply", "-k", "../../config/default"); err != nil {
			t.Error(err, out)
		}
	})
}

// expectNotServed: an AccessKey that refers to a ClusterKeyService is told why nothing comes of it, and can be deleted.
func (s *story) expectNotServed(ak *v1alpha1.AccessKey) {
	s.t.Helper()
	read(s.t, ak)
	found := meta.FindStatusCondition(ak.Status.Conditions, v1alpha1.ConditionStalled)
	if found == nil || found.Status != metav1.ConditionTrue || found.Reason != v1alpha1.ReasonClusterKeyServicesNotServed {
		s.t.Errorf("an AccessKey of a ClusterKeyService is %v", ak.Status.Conditions)
	}
	if err := kube.Delete(s.t.Context(), ak); client.IgnoreNotFound(err) != nil {
		s.t.Error(err)
	}
	if err := s.gone(s.t.Context(), ak); err != nil {
		s.t.Error(err)
	}
}
