// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Person is the field manager of Create and Update.
const Person = "person"

// write says who makes a write, and how.
type write struct {
	// manager owns the fields that the write changes. The server tracks owners for Secrets only.
	manager string
	// dryRun checks the write and stores nothing.
	dryRun bool
	// force lets an apply take over fields that other managers own.
	force bool
}

// Create stores a new object and fills in what the server adds to it.
func (s *Server) Create(object client.Object) error {
	return s.create(object, write{manager: Person})
}

// Update stores a changed object except for its status, or only its status.
func (s *Server) Update(object client.Object, status bool) error {
	return s.update(object, status, write{manager: Person})
}

func (s *Server) create(object client.Object, by write) error {
	ref := refOf(object)
	if _, exists := s.objects[ref]; exists {
		return apierrors.NewAlreadyExists(resource(ref.Kind), ref.Name)
	}
	created := copyOf(object)
	if secret, ok := created.(*corev1.Secret); ok {
		var err error
		if created, err = updatedBy(by.manager, nil, secret); err != nil {
			return err
		}
	}
	if err := s.insert(ref, created, by); err != nil {
		return err
	}
	return fill(object, created)
}

// insert completes a new object and stores it.
func (s *Server) insert(ref Ref, object client.Object, by write) error {
	setStatus(object, nil)
	s.uids++
	object.SetUID(types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012d", s.uids)))
	object.SetCreationTimestamp(metav1.NewTime(time.Now().Truncate(time.Second)))
	object.SetDeletionTimestamp(nil)
	object.SetGeneration(1)
	object.SetResourceVersion("")
	if err := validate(object, nil); err != nil || by.dryRun {
		return err
	}
	s.store(ref, object)
	return nil
}

func (s *Server) update(object client.Object, status bool, by write) error {
	ref := refOf(object)
	current, ok := s.objects[ref]
	if !ok {
		return apierrors.NewNotFound(resource(ref.Kind), ref.Name)
	}
	changed := object
	if secret, ok := object.(*corev1.Secret); ok {
		var err error
		if changed, err = updatedBy(by.manager, current.(*corev1.Secret), secret); err != nil {
			return err
		}
	}
	stored, err := s.replace(current, changed, status, by)
	if err != nil {
		return err
	}
	return fill(object, stored)
}

// replace writes object over current and returns the stored object.
func (s *Server) replace(current, object client.Object, status bool, by write) (client.Object, error) {
	ref := refOf(current)
	if version := object.GetResourceVersion(); version != "" && version != current.GetResourceVersion() {
		return nil, apierrors.NewConflict(resource(ref.Kind), ref.Name, fmt.Errorf("version %s is not %s", version, current.GetResourceVersion()))
	}
	if uid := object.GetUID(); uid != "" && uid != current.GetUID() {
		return nil, apierrors.NewConflict(resource(ref.Kind), ref.Name, fmt.Errorf("it is another object of the same name"))
	}
	changed, err := merged(current, object, status)
	if err != nil {
		return nil, err
	}
	if err := validate(changed, current); err != nil {
		return nil, err
	}
	switch {
	case !changed.GetDeletionTimestamp().IsZero() && len(changed.GetFinalizers()) == 0:
		if !by.dryRun {
			s.remove(ref)
		}
	case unchanged(current, changed):
		return current, nil
	case !by.dryRun:
		s.store(ref, changed)
	}
	return changed, nil
}

// unchanged reports whether a write changes nothing, so that the object keeps its version. A new time in managedFields alone is
// no change.
func unchanged(current, changed client.Object) bool {
	if slices.EqualFunc(current.GetManagedFields(), changed.GetManagedFields(), sameFields) {
		changed.SetManagedFields(current.GetManagedFields())
	}
	return equality.Semantic.DeepEqual(current, changed)
}

func sameFields(a, b metav1.ManagedFieldsEntry) bool {
	a.Time, b.Time = nil, nil
	return equality.Semantic.DeepEqual(a, b)
}

// merged returns current with the fields of object that a write may change.
func merged(current, object client.Object, status bool) (client.Object, error) {
	if status {
		changed := copyOf(current)
		setStatus(changed, object)
		return changed, nil
	}
	changed := copyOf(object)
	setStatus(changed, current)
	changed.SetUID(current.GetUID())
	changed.SetResourceVersion(current.GetResourceVersion())
	changed.SetCreationTimestamp(current.GetCreationTimestamp())
	changed.SetDeletionTimestamp(current.GetDeletionTimestamp())
	changed.SetGeneration(current.GetGeneration())
	for _, finalizer := range changed.GetFinalizers() {
		if !current.GetDeletionTimestamp().IsZero() && !slices.Contains(current.GetFinalizers(), finalizer) {
			ref := refOf(current)
			return nil, apierrors.NewForbidden(resource(ref.Kind), ref.Name, fmt.Errorf("no new finalizers while it is being deleted"))
		}
	}
	if !equality.Semantic.DeepEqual(specOf(current), specOf(changed)) {
		changed.SetGeneration(current.GetGeneration() + 1)
	}
	return changed, nil
}
