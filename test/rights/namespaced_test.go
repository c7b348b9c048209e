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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// TestRolesAreEnoughForSomeNamespaces runs the operator with --namespaces=team-a,team-b and the Roles of config/namespaced.
func TestRolesAreEnoughForSomeNamespaces(t *testing.T) {
	namespaces := installNamespaced(t)
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
	if err := s.run(t.Context()); err != nil {
		t.Errorf("%v; refused: %v", err, s.recorder.refusals())
	}
	s.expectNotServed(stranger)
	for _, each := range s.tenants(namespaces) {
		if err := each.released(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := stop(time.Minute); err != nil {
		t.Errorf("the operator ended with %v", err)
	}
	for refused, reason := range s.recorder.refusals() {
		t.Errorf("%s was refused: %s", refused, reason)
	}
	s.expectOwnRightsUsed(namespaces)
	for _, verb := range []string{"get", "patch"} {
		if each := (right{verb, rbacv1.GroupName, "rolebindings"}); !slices.Contains(s.recorder.rights(), each) {
			t.Errorf("%s is granted but never used", each)
		}
	}
}

// installNamespaced installs config/namespaced instead of config/default until the test ends, and returns its namespaces.
func installNamespaced(t *testing.T) []string {
	t.Helper()
	namespaces := []string{"team-a", "team-b"}
	for _, name := range namespaces {
		if err := kube.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	uninstallClusterRoles(t)
	if out, err := plane.Kubectl(t.Context(), nil, "apply", "-k", "../../config/namespaced"); err != nil {
		t.Fatal(err, out)
	}
	for _, namespace := range namespaces {
		waitForRights(t, namespace)
	}
	return namespaces
}

// expectOwnRightsUsed expects that the operator has used all its rights in its own namespace and no others there, and that it
// has sent requests for no namespaces except its own and these. Only the reviews of who may read the metrics belong to no namespace.
func (s *story) expectOwnRightsUsed(namespaces []string) {
	s.t.Helper()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "accesskey-operator-own"}}
	read(s.t, role)
	own := rightsOf(role.Rules)
	for _, right := range own {
		if !slices.Contains(s.recorder.rights(), right) {
			s.t.Errorf("%s is granted in the operator's own namespace but never used", right)
		}
	}
	for asked := range s.recorder.requests() {
		if asked.namespace == "" && slices.Contains(reviews, asked.right) {
			continue
		}
		if !slices.Contains(append(namespaces, operatorNamespace), asked.namespace) {
			s.t.Errorf("the operator sent %s for the namespace %q", asked, asked.namespace)
		}
		if asked.namespace == operatorNamespace && !slices.Contains(own, asked.right) {
			s.t.Errorf("the operator sent %s for its own namespace", asked)
		}
	}
}

// binding returns the operator's RoleBinding in a namespace, without its content.
func binding(namespace string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "accesskey-operator"}}
}

// waitForRights waits until the API server grants the operator its permissions in a namespace.
func waitForRights(t *testing.T, namespace string) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "accesskey-operator"}}
	read(t, role)
	waitFor(t, operatorIn(operatorNamespace), namespace, role.Rules)
}

// grant creates the operator's RoleBinding in a namespace, as config/namespaced does for team-a.
func grant(t *testing.T, namespace string) {
	t.Helper()
	example := binding("team-a")
	read(t, example)
	granted := binding(namespace)
	granted.RoleRef, granted.Subjects = example.RoleRef, example.Subjects
	if err := kube.Create(t.Context(), granted); err != nil {
		t.Fatal(err)
	}
	waitForRights(t, namespace)
}

// expectFinalizers expects these finalizers on an object, and no others.
func expectFinalizers(t *testing.T, object client.Object, want ...string) {
	t.Helper()
	read(t, object)
	if got := object.GetFinalizers(); !slices.Equal(got, want) {
		t.Errorf("%T %s/%s has the finalizers %q, want %q", object, object.GetNamespace(), object.GetName(), got, want)
	}
}

// uninstallClusterRoles removes the bindings of config/default, and restores them at the end of the test.
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

// expectNotServed expects that an AccessKey of a ClusterKeyService reports that it is not served, and that it can be deleted.
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
