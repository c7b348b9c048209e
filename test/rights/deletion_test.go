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

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// tenant is a namespace with a KeyService and two AccessKeys.
type tenant struct {
	*story
	users []string
}

// tenants returns a story for each namespace. They share one operator and one service.
func (s *story) tenants(namespaces []string) (all []tenant) {
	for _, namespace := range namespaces {
		each := *s
		each.namespace = namespace
		all = append(all, tenant{&each, []string{namespace + "-alice", namespace + "-bert"}})
	}
	return all
}

func (t tenant) apply(ctx context.Context) error {
	if err := t.setUp(ctx); err != nil {
		return err
	}
	for _, user := range t.users {
		t.service.AddUser(user)
		if err := t.create(ctx, t.accessKey(user, "local:"+user, v1alpha1.KindKeyService, "qumulo")); err != nil {
			return err
		}
	}
	return nil
}

func (t tenant) issued(ctx context.Context) error {
	for _, user := range t.users {
		if err := t.story.issued(ctx, user, 1); err != nil {
			return err
		}
	}
	return nil
}

func (t tenant) object() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}}
}

// TestNamespacesAreDeletedWithTheirKeys deletes namespaces in which the operator has its permissions by RoleBindings only.
// Kubernetes deletes those at once. Some namespaces are deleted when they have their keys, some while these are being issued, and some
// while the operator is down.
func TestNamespacesAreDeletedWithTheirKeys(t *testing.T) {
	const each = 6 // namespaces of each sort
	namespaces := installNamespaced(t)[:1]
	for i := range 3 * each {
		namespaces = append(namespaces, newNamespace(t, fmt.Sprint("doomed-", i)))
		grant(t, namespaces[i+1])
	}
	s := newStory(t, namespaces[0], operatorNamespace)
	operator := scope{namespaces: namespaces, own: operatorNamespace, namespacedOnly: true}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stop, err := s.start(token(t), operator)
	must(err)
	tenants := s.tenants(namespaces)
	stays, calm, hasty, down := tenants[0], tenants[1:1+each], tenants[1+each:1+2*each], tenants[1+2*each:]
	withKeys := slices.Concat(calm, down, tenants[:1])
	for _, tenant := range withKeys {
		must(tenant.apply(t.Context()))
	}
	for _, tenant := range withKeys {
		must(tenant.issued(t.Context()))
		expectFinalizers(t, binding(tenant.namespace), v1alpha1.InUseFinalizer)
	}
	for i, tenant := range hasty {
		must(tenant.apply(t.Context()))
		time.Sleep(time.Duration(i) * 20 * time.Millisecond) // a different step of the operator each time
		must(kube.Delete(t.Context(), tenant.object()))
	}
	for _, tenant := range calm {
		must(kube.Delete(t.Context(), tenant.object()))
	}
	for _, tenant := range slices.Concat(calm, hasty) {
		must(tenant.ended(t.Context()))
	}
	must(stop(time.Minute))
	for _, tenant := range down {
		must(kube.Delete(t.Context(), tenant.object()))
	}
	s.recorder = newRecorder()                                                        // the connections of the former are closed
	operator.namespaces = append([]string{stays.namespace}, namespaces[1+2*each:]...) // the others are gone
	stop, err = s.start(token(t), operator)
	must(err)
	for _, tenant := range down {
		must(tenant.ended(t.Context()))
	}
	if left := s.service.LivePairs(); len(left) != len(stays.users) {
		t.Errorf("%d keys are left, want the %d of the namespace that still exists", len(left), len(stays.users))
	}
	must(stays.leave(t.Context()))
	must(stop(time.Minute))
}

// ended waits until the namespace is gone. An operation that the deletion interrupted is settled after some minutes.
func (t tenant) ended(ctx context.Context) error {
	return t.eventually(ctx, func() error {
		t.clock.Step(time.Second)
		err := kube.Get(ctx, client.ObjectKey{Name: t.namespace}, t.object())
		if apierrors.IsNotFound(err) {
			return nil
		}
		err = errors.Join(err, fmt.Errorf("namespace %s still exists", t.namespace))
		for _, user := range t.users {
			err = errors.Join(err, t.describe(ctx, user))
		}
		return err
	})
}

// leave deletes the objects of a tenant, and waits until the operator needs nothing in the namespace any more.
func (t tenant) leave(ctx context.Context) error {
	objects := append(t.secrets(t.namespace), t.configMap(), &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "qumulo"}})
	for _, user := range t.users {
		objects = append(objects, t.named(user))
	}
	for _, object := range objects {
		if err := kube.Delete(ctx, object); err != nil {
			return err
		}
	}
	if err := t.gone(ctx, objects...); err != nil {
		return err
	}
	return t.released(ctx)
}

// released waits until the operator needs nothing in the namespace any more.
func (t tenant) released(ctx context.Context) error {
	return t.eventually(ctx, func() error {
		held := binding(t.namespace)
		err := kube.Get(ctx, client.ObjectKeyFromObject(held), held)
		if err == nil && len(held.Finalizers) > 0 {
			err = fmt.Errorf("without AccessKeys, the RoleBinding has the finalizers %q", held.Finalizers)
		}
		return err
	})
}
