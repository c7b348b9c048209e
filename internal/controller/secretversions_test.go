// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"accesskey.dev/operator/api/v1alpha1"
)

// versionsOf has one Secret in the cache of the others and one that the operator manages.
func versionsOf(namespaces ...string) secretVersions {
	managed := secretNamed("managed")
	managed.Finalizers, managed.ResourceVersion = []string{v1alpha1.InUseFinalizer}, "7"
	return secretVersions{
		Cache:      metadata{Reader: fake.NewClientBuilder().WithScheme(Scheme()).WithObjects(secretNamed("other")).Build()},
		managed:    fake.NewClientBuilder().WithScheme(Scheme()).WithObjects(managed).Build(),
		namespaces: namespaces,
	}
}

func TestTheVersionOfASecretIsKnownWhoeverManagesIt(t *testing.T) {
	for name, test := range map[string]struct {
		secret   string
		versions secretVersions
		want     bool
	}{
		"by somebody else":             {"other", versionsOf(), true},
		"by the operator":              {"managed", versionsOf("team-z", here.Namespace), true},
		"one that is not there":        {"nobody", versionsOf(), false},
		"in a namespace of no manager": {"managed", versionsOf("team-z"), false},
	} {
		t.Run(name, func(t *testing.T) {
			got := secretMetadata()
			err := test.versions.Get(t.Context(), client.ObjectKey{Namespace: here.Namespace, Name: test.secret}, got)
			if test.want && (err != nil || got.Name != test.secret || got.ResourceVersion == "" || got.Kind != "Secret") || !test.want && !apierrors.IsNotFound(err) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAllSecretsOfANamespaceAreListedWhoeverManagesThem(t *testing.T) {
	for namespace, want := range map[string]int{here.Namespace: 2, "team-z": 1} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
		if err := versionsOf(namespace).List(t.Context(), list, client.InNamespace(here.Namespace)); err != nil || len(list.Items) != want {
			t.Errorf("a cache of %s: got %+v, %v", namespace, list.Items, err)
		}
	}
}

// TestAManagedSecretCanHoldCredentials: one service's keys can be what another service is managed with.
func TestAManagedSecretCanHoldCredentials(t *testing.T) {
	b := newHoldBench(t)
	versions := versionsOf()
	versions.managed = b.kube
	versions.Cache = metadata{Reader: fake.NewClientBuilder().WithScheme(Scheme()).Build()}
	b.r.SecretVersions, b.r.Pool.SecretVersions = versions, versions
	end := b.need("qumulo")
	b.mustPass("qumulo")
	b.expectHeld(true, serviceNamed("qumulo"), secretNamed("token"))
	if got := b.r.servicesOfSecret(t.Context(), secretNamed("token")); len(got) != 1 {
		t.Errorf("its change wakes %v", got)
	}
	end()
	b.mustPass("qumulo")
	b.expectHeld(false, serviceNamed("qumulo"), secretNamed("token"))
}
