// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// operatorNamespace is the namespace in which config/ installs the operator.
const operatorNamespace = "accesskey-system"

// operatorIn returns the username of the ServiceAccount of an operator in this namespace.
func operatorIn(namespace string) string {
	return "system:serviceaccount:" + namespace + ":accesskey-operator"
}

// role is a role that config/ binds to the operator, in the whole cluster or in the operator's own namespace.
type role struct {
	name  string
	own   bool
	rules []rbacv1.PolicyRule
}

// roles returns the roles that are bound to the operator's ServiceAccount on the API server, after config/default was applied.
func roles(t *testing.T) []role {
	t.Helper()
	var all []role
	var everywhere rbacv1.ClusterRoleBindingList
	var here rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&everywhere, &here} {
		if err := kube.List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	for _, binding := range everywhere.Items {
		if bound(binding.Subjects) {
			found := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: binding.RoleRef.Name}}
			read(t, found)
			all = append(all, role{name: found.Name, rules: found.Rules})
		}
	}
	for _, binding := range here.Items {
		if bound(binding.Subjects) && binding.Namespace == operatorNamespace {
			found := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: binding.Namespace, Name: binding.RoleRef.Name}}
			read(t, found)
			all = append(all, role{name: found.Name, own: true, rules: found.Rules})
		}
	}
	return all
}

func bound(subjects []rbacv1.Subject) bool {
	return slices.Contains(subjects, rbacv1.Subject{Kind: "ServiceAccount", Namespace: operatorNamespace, Name: "accesskey-operator"})
}

func read(t *testing.T, object client.Object) {
	t.Helper()
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
}

func newNamespace(t *testing.T, name string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := kube.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestTheOperatorUsesExactlyItsRights runs the operator for the whole cluster, with the token of its ServiceAccount.
func TestTheOperatorUsesExactlyItsRights(t *testing.T) {
	s := newStory(t, newNamespace(t, "exactly"), operatorNamespace)
	s.shared = "exactly"
	for _, role := range roles(t) {
		waitFor(t, operatorIn(operatorNamespace), operatorNamespace, role.rules)
	}
	stop, err := s.start(token(t), scope{own: operatorNamespace})
	if err != nil {
		t.Fatal(err, s.recorder.refusals())
	}
	if err := s.run(t.Context()); err != nil {
		t.Errorf("%v; refused: %v", err, s.recorder.refusals())
	}
	if err := stop(time.Minute); err != nil {
		t.Errorf("the operator ended with %v", err)
	}
	for refused, reason := range s.recorder.refusals() {
		t.Errorf("%s was refused: %s", refused, reason)
	}
	used := s.recorder.rights()
	var granted []right
	for _, role := range roles(t) {
		granted = append(granted, rightsOf(role.rules)...)
	}
	if len(granted) == 0 {
		t.Fatal("the operator's ServiceAccount has no role")
	}
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
	t.Logf("%d rights", len(granted))
}

// TestEachRightIsNeeded runs one operator for each right, with all rights but that one, and expects the API server to refuse
// the operator exactly that.
func TestEachRightIsNeeded(t *testing.T) {
	var distinct []right
	for _, role := range roles(t) {
		distinct = append(distinct, rightsOf(role.rules)...)
	}
	slices.SortFunc(distinct, func(a, b right) int { return strings.Compare(a.String(), b.String()) })
	distinct = slices.Compact(distinct)
	name := func(i int) string { return fmt.Sprintf("needed-%d", i) }
	users := []string{operatorIn(operatorNamespace)}
	for i := range distinct {
		users = append(users, operatorIn(name(i)+"-own"))
	}
	admitOperators(t, users)
	for i, gone := range distinct {
		t.Run("without "+gone.String(), func(t *testing.T) {
			t.Parallel()
			rest := roles(t)
			for i := range rest {
				rest[i].rules = without(rest[i].rules, gone)
			}
			expectToMiss(t, name(i), rest, gone)
		})
	}
}

// expectToMiss runs an operator with these roles until the API server refuses a request, and expects that the right is missing.
func expectToMiss(t *testing.T, name string, roles []role, gone right) {
	s := newStory(t, newNamespace(t, name), newNamespace(t, name+"-own"))
	s.shared = name
	s.until = func() bool { return len(s.recorder.refusals()) > 0 }
	bind(t, name, s.own, roles)
	t.Cleanup(func() { s.tidy() })
	stop, err := s.start(impersonated(operatorIn(s.own)), scope{namespaces: []string{s.namespace}, service: s.shared, own: s.own})
	if err == nil {
		err = s.run(t.Context())
		// Without a right the operator may lose its lease. An operator whose caches never sync does not stop at all.
		_ = stop(time.Second)
	}
	refusals := s.recorder.refusals()
	if _, ok := refusals[gone]; !ok || len(refusals) != 1 {
		t.Errorf("the API server refused %v, expected only %s; %v", refusals, gone, err)
	}
}

// bind binds these roles to the operator in the namespace own, and waits until the API server knows them.
func bind(t *testing.T, name, own string, roles []role) {
	t.Helper()
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operatorIn(own)}}
	for i, role := range roles {
		full := fmt.Sprintf("%s-%d", name, i)
		objects := []client.Object{
			&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: full}, Rules: role.rules},
			&rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: full}, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: full},
			},
		}
		if role.own {
			objects = []client.Object{
				&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: full}, Rules: role.rules},
				&rbacv1.RoleBinding{
					ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: full}, Subjects: subjects,
					RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: full},
				},
			}
		}
		for _, object := range objects {
			if err := kube.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
		waitFor(t, operatorIn(own), own, role.rules)
	}
}

// waitFor waits until the API server grants a user the last of the rules in a namespace.
func waitFor(t *testing.T, user, namespace string, rules []rbacv1.PolicyRule) {
	t.Helper()
	rule := rules[len(rules)-1]
	attributes := &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0]}
	attributes.Resource, attributes.Subresource, _ = strings.Cut(attributes.Resource, "/")
	if len(rule.ResourceNames) > 0 {
		attributes.Name = rule.ResourceNames[0]
	}
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(5 * time.Millisecond) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: attributes}}
		if err := kube.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed {
			return
		}
	}
	t.Fatalf("%s does not get the right %v", user, attributes)
}

// tidy deletes the cluster-scoped objects of the story, which other operators of the tests would see.
func (s *story) tidy() {
	const nothing = `{"metadata":{"finalizers":null}}`
	ctx := context.Background()
	service := s.sharedService()
	_ = kube.Delete(ctx, service)
	_ = s.merge(ctx, service, nothing)
}
