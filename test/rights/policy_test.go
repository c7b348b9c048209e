// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
)

// admitOperators lists these users in the policy that protects statuses, as in a cluster with several operators, until the
// test ends. It returns once the API server enforces the new list.
func admitOperators(t *testing.T, users []string) {
	t.Helper()
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "accesskey-operator-status"}}
	read(t, policy)
	original := policy.Spec.Variables[0].Expression
	policy.Spec.Variables[0].Expression = "['" + strings.Join(users, "', '") + "']"
	if err := kube.Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		policy.Spec.Variables[0].Expression = original
		if err := kube.Update(context.Background(), policy); err != nil {
			t.Error(err)
		}
	})
	waitForPolicy(t, users[len(users)-1])
}

// waitForPolicy waits until the policy lets this user write a status.
func waitForPolicy(t *testing.T, user string) {
	t.Helper()
	probe := &v1alpha1.ClusterKeyService{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		Spec: v1alpha1.ClusterKeyServiceSpec{KeyServiceSpec: v1alpha1.KeyServiceSpec{
			IONOS: &v1alpha1.IONOSService{TokenSecretRef: v1alpha1.TokenReference{Name: "none"}},
		}},
	}
	if err := kube.Create(t.Context(), probe); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := kube.Delete(t.Context(), probe); err != nil {
			t.Error(err)
		}
	}()
	config := rest.CopyConfig(plane.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
	writer, err := client.New(config, client.Options{Scheme: controller.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"observedGeneration":1}}`))
		if err = writer.Status().Patch(t.Context(), probe.DeepCopy(), patch, client.DryRunAll); err == nil {
			return
		}
	}
	t.Fatal(fmt.Errorf("the policy does not admit %s: %w", user, err))
}

// TestNoRoleOfUsersIncludesTheStatus covers every role of config/ that is not bound to the operator.
func TestNoRoleOfUsersIncludesTheStatus(t *testing.T) {
	operators := map[string]bool{}
	for _, role := range roles(t) {
		operators[role.name] = true
	}
	var all rbacv1.ClusterRoleList
	if err := kube.List(t.Context(), &all, client.MatchingLabels{"app.kubernetes.io/name": "accesskey-operator"}); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, role := range all.Items {
		if operators[role.Name] {
			continue
		}
		checked++
		for _, each := range rightsOf(role.Rules) {
			if strings.Contains(each.resource, "/") || strings.Contains(each.resource, "*") {
				t.Errorf("the ClusterRole %s includes %s", role.Name, each)
			}
		}
	}
	if checked != 5 {
		t.Errorf("checked %d ClusterRoles, expected those that extend view, edit and admin, the one for restarts and the one for readers of metrics", checked)
	}
}
