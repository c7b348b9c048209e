// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// TestRelease goes through the life of a release: it takes over an installation by dist/install.yaml, is uninstalled with a live key,
// installed for some namespaces, upgraded, and uninstalled at last. The key of an AccessKey works all the time.
func TestRelease(t *testing.T) {
	service := qumulo.New(qumulo.Options{})
	service.AddUser("backup")
	server, err := simulator.Serve(service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() }) // the test is over
	// The KeyService has no tls, so the operator trusts its server only because of caBundle.
	create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "company-ca"}, Data: map[string]string{"ca.crt": string(server.CA)}})
	metricsPort := freePort(t)
	values := fmt.Sprintf("{caBundle: {configMap: company-ca}, healthPort: %d, metrics: {port: %d}}", freePort(t), metricsPort)
	manager := buildManager(t)

	mustKubectl(t, "apply", "--server-side", "-f", "../../dist/install.yaml")
	mustKubectl(t, "delete", "deployment", "accesskey-operator", "--namespace="+namespace)
	// If this test fails halfway, the next one finds no release all the same.
	t.Cleanup(func() { _, _ = runHelm(context.Background(), "", "uninstall", release, "--ignore-not-found") })
	mustHelm(t, values, "install", release, chart, "--take-ownership", "--force-conflicts")
	if err := plane.WaitForFinalizerPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := startManager(t, manager)
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "token"}, StringData: map[string]string{"token": service.AddToken(time.Time{})}})
	create(t, &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "qumulo"},
		Spec:       v1alpha1.KeyServiceSpec{Qumulo: &v1alpha1.QumuloService{URL: server.URL, TokenSecretRef: &v1alpha1.TokenReference{Name: "token", Key: "token"}}},
	})
	create(t, &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "backup"},
		Spec:       v1alpha1.AccessKeySpec{ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"}, User: "local:backup"},
	})
	expectIssued(t, "")
	expectMetricsRefused(t, metricsPort)
	stop()

	mustHelm(t, "", "uninstall", release)
	expectKept(t, service)

	values = "{namespaces: [team-a], " + values[1:]
	mustHelm(t, values, "install", release, chart)
	stop = startManager(t, manager)
	rotate(t, "after it was installed again")
	expectIssued(t, "after it was installed again")
	stop()

	mustHelm(t, values, "upgrade", release, chart, "--set=namespaces={team-a,team-b}")
	stop = startManager(t, manager)
	rotate(t, "after the upgrade")
	expectIssued(t, "after the upgrade")
	remove(t)
	if left := service.LivePairs(); len(left) > 0 {
		t.Errorf("keys are left: %v", left)
	}
	stop()
	mustHelm(t, "", "uninstall", release)
	expectNothingLeft(t)
}

func create(t *testing.T, object client.Object) {
	t.Helper()
	if err := kube.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func mustHelm(t *testing.T, values string, arguments ...string) {
	t.Helper()
	if _, err := runHelm(t.Context(), values, arguments...); err != nil {
		t.Fatal(err)
	}
}

func mustKubectl(t *testing.T, arguments ...string) {
	t.Helper()
	if _, err := plane.Kubectl(t.Context(), nil, arguments...); err != nil {
		t.Fatal(err)
	}
}

// backup returns the AccessKey of the test.
func backup(t *testing.T) *v1alpha1.AccessKey {
	t.Helper()
	ak := &v1alpha1.AccessKey{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "backup"}, ak); err != nil {
		t.Fatal(err)
	}
	return ak
}

// rotate asks for one rotation.
func rotate(t *testing.T, token string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.RenewAnnotation, token)
	if err := kube.Patch(t.Context(), backup(t), client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// expectIssued waits until the AccessKey is ready and has handled this request for a rotation.
func expectIssued(t *testing.T, token string) {
	t.Helper()
	until(t, "the key", func() error {
		ak := backup(t)
		if !meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady) || ak.Status.LastHandledRenewal != token {
			return fmt.Errorf("the status is %+v", ak.Status)
		}
		return nil
	})
}

// expectKept expects the AccessKey, its Secret and its key after the release was uninstalled.
func expectKept(t *testing.T, service *qumulo.Simulator) {
	t.Helper()
	secret := &corev1.Secret{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "backup"}, secret); err != nil {
		t.Fatal(err)
	}
	id := string(secret.Data[v1alpha1.SecretKeyAccessKeyID])
	if live := service.LivePairs(); len(live) != 1 || live[0].AccessKeyID != id || backup(t).Status.AccessKeyID != id {
		t.Errorf("the Secret has the key %s, the status %s, and the service %v", id, backup(t).Status.AccessKeyID, live)
	}
}

// remove deletes the AccessKey and the KeyService, and waits until they are gone and the operator needs its RoleBinding no more.
func remove(t *testing.T) {
	t.Helper()
	service := &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "qumulo"}}
	for _, object := range []client.Object{backup(t), service} {
		if err := kube.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		until(t, "the deletion", func() error {
			err := kube.Get(t.Context(), client.ObjectKeyFromObject(object), object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(err, fmt.Errorf("%T %s still exists", object, object.GetName()))
		})
	}
	until(t, "the RoleBinding", func() error {
		binding := &rbacv1.RoleBinding{}
		err := kube.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "accesskey-operator"}, binding)
		if err == nil && len(binding.Finalizers) > 0 {
			err = fmt.Errorf("it has the finalizers %q", binding.Finalizers)
		}
		return err
	})
}

// expectNothingLeft expects that the release has left only the CRDs.
func expectNothingLeft(t *testing.T) {
	t.Helper()
	if _, err := plane.Kubectl(t.Context(), nil, "get", "crd", "accesskeys.accesskey.dev", "keyservices.accesskey.dev", "clusterkeyservices.accesskey.dev"); err != nil {
		t.Error(err)
	}
	out, err := plane.Kubectl(t.Context(), nil, "get", "--all-namespaces", "--output=name", "--selector=app.kubernetes.io/instance="+release,
		"deployments,serviceaccounts,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings,validatingadmissionpolicies")
	if err != nil || out != "" {
		t.Errorf("left: %s %v", out, err)
	}
	var bindings rbacv1.RoleBindingList
	if err := kube.List(t.Context(), &bindings, client.InNamespace("team-a")); err != nil || len(bindings.Items) > 0 {
		t.Errorf("left: %v %v", bindings.Items, err)
	}
}
