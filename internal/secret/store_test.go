// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {ErrForeign, true}, {errForbidden, true}, {apierrors.NewBadRequest("denied by a webhook"), true}, {apierrors.NewRequestEntityTooLargeError("1 MiB"), true},
		{apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "backup", nil), true}, {apierrors.NewMethodNotSupported(secrets, "apply"), true},
		{apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "team-a"), true},
		{errTimeout, false}, {apierrors.NewConflict(secrets, "backup", nil), false}, {apierrors.NewTooManyRequests("later", 1), false},
		{apierrors.NewInternalError(errors.New("etcd")), false}, {apierrors.NewUnauthorized("expired"), false}, {context.DeadlineExceeded, false},
	} {
		if Refused(c.err) != c.want || c.err != nil && Refused(fmt.Errorf("writing: %w", c.err)) != c.want {
			t.Errorf("Refused(%v) is not %t", c.err, c.want)
		}
	}
}

func TestSetOwner(t *testing.T) {
	deployment := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "app", UID: "77"}
	for _, c := range []struct {
		name   string
		owners []metav1.OwnerReference
		retain bool
		want   string
	}{
		{"an abandoned Secret gets its owner", nil, false, "AccessKey/5f6c "},
		{"a former AccessKey is replaced", []metav1.OwnerReference{ownerOf("backup", formerUID)}, false, "AccessKey/5f6c "},
		{"owners of another kind are kept", []metav1.OwnerReference{deployment, ownerOf("backup", formerUID)}, false, "Deployment/77 AccessKey/5f6c "},
		{"an AccessKey of another API group is an owner of another kind", []metav1.OwnerReference{crossplanes}, true, "AccessKey/9d8e "},
		{"with Retain no AccessKey owns it", []metav1.OwnerReference{ownerOf("backup", uid)}, true, ""},
		{"with Retain owners of another kind are kept", []metav1.OwnerReference{ownerOf("backup", uid), deployment}, true, "Deployment/77 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPublished(t)
			w.edit(ownedBy(c.owners...))
			read, owner, got := w.secret(), w.AccessKey, ""
			if c.retain {
				owner = nil
			}
			w.must(w.store().SetOwner(t.Context(), read, owner))
			secret := w.secret()
			for _, reference := range secret.OwnerReferences {
				got += reference.Kind + "/" + string(reference.UID) + " "
			}
			if got != c.want || metav1.IsControlledBy(secret, w.AccessKey) == c.retain || read.ResourceVersion != secret.ResourceVersion {
				t.Errorf("owners are %s, version %s, want %s, %s", got, read.ResourceVersion, c.want, secret.ResourceVersion)
			}
			if PairOf(secret) != pair || !contains(secret.Annotations, w.render().Annotations) {
				t.Errorf("the content became %+v", secret)
			}
		})
	}
	t.Run("a Secret that changed since it was read keeps its owner", func(t *testing.T) {
		w := newPublished(t)
		read := w.secret()
		touched(w)
		err := w.store().SetOwner(t.Context(), read, nil)
		if !apierrors.IsConflict(err) || !strings.HasPrefix(err.Error(), "changing the owner of Secret backup: ") || !metav1.IsControlledBy(w.secret(), w.AccessKey) {
			t.Errorf("error %v", err)
		}
	})
}

func TestDelete(t *testing.T) {
	nothing := func(*world) {}
	for _, c := range []struct {
		name string
		// before the Secret is read, and between that and its deletion.
		before, meanwhile func(*world)
		deleted, left     bool
		conflict          bool
	}{
		{"a Secret of the AccessKey is deleted", nothing, nothing, true, false, false},
		{"a Secret that does not exist needs no deletion", (*world).remove, nothing, false, false, false},
		{"a Secret without an owner is left", editing(ownedBy()), nothing, false, true, false},
		{"a Secret of another AccessKey is left", editing(ownedBy(ownerOf("other", "9d8e"))), nothing, false, true, false},
		{"a copy that a person made is left", restoring(func(*corev1.Secret) {}), nothing, false, true, false},
		{"a Secret whose pair somebody else wrote is left", editing(setData(v1alpha1.SecretKeySecretAccessKey, "guess")), nothing, false, true, false},
		{"a Secret that changes meanwhile is left", nothing, touched, false, true, true},
		{"a Secret that somebody else deletes meanwhile was not deleted by the operator", nothing, (*world).remove, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPublished(t)
			c.before(w)
			w.intercept.Delete = func(ctx context.Context, kube client.WithWatch, object client.Object, options ...client.DeleteOption) error {
				c.meanwhile(w)
				given := (&client.DeleteOptions{}).ApplyOptions(options).Preconditions
				if given == nil || given.UID == nil || *given.UID != object.GetUID() || given.ResourceVersion == nil {
					t.Errorf("deleted with the preconditions %+v", given)
				}
				return kube.Delete(ctx, object, options...)
			}
			deleted, err := w.store().Delete(t.Context(), w.AccessKey, "backup")
			if deleted != c.deleted || apierrors.IsConflict(err) != c.conflict || (err != nil) != c.conflict {
				t.Errorf("deleted: %t, error %v", deleted, err)
			}
			if left := w.secret() != nil; left != c.left {
				t.Errorf("left: %t, want %t", left, c.left)
			}
		})
	}
}

func TestASecretThatCannotBeReadIsNotAbsent(t *testing.T) {
	w := newPublished(t)
	w.hide()
	secret, err := w.store().Read(t.Context(), "team-a", "backup")
	if secret != nil || !errors.Is(err, errTimeout) || !strings.HasPrefix(err.Error(), "reading Secret backup: ") {
		t.Errorf("read %v, %v", secret, err)
	}
	if deleted, err := w.store().Delete(t.Context(), w.AccessKey, "backup"); deleted || !errors.Is(err, errTimeout) {
		t.Errorf("deleted: %t, error %v", deleted, err)
	}
}
