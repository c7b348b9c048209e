// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kube is an API server in memory, with a client, caches that lag, and a manager for the operator. It knows the kinds
// that the operator handles, and implements what its safety depends on: resource versions and conflicts, finalizers, the status
// subresource, generations, owners, and server-side apply of Secrets and of annotations of pods in Deployments.
//
// controller-runtime's fake client has no caches of an older revision, no generations, no garbage collection, and no clock. The
// validation of CRDs is not implemented here: test/integration has a real API server.
package kube

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// Ref names an object.
type Ref struct{ Kind, Namespace, Name string }

func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

func (r Ref) compare(other Ref) int {
	return cmp.Or(cmp.Compare(r.Kind, other.Kind), cmp.Compare(r.Namespace, other.Namespace), cmp.Compare(r.Name, other.Name))
}

// event is one change: the new object, or nil if it was deleted.
type event struct {
	ref    Ref
	object client.Object
	at     time.Time
}

// Server stores objects. It is not safe for concurrent use.
type Server struct {
	// Policy changes the Secrets that are applied, as an admission policy does; nil: it does not.
	Policy func(*corev1.Secret)

	objects map[Ref]client.Object // never changed in place
	history []event
	uids    int
	// collected is the length of the history when garbage was collected last.
	collected int
}

// NewServer returns an empty server. It uses the real time, which in a test with testing/synctest is the bubble's.
func NewServer() *Server { return &Server{objects: map[Ref]client.Object{}} }

// Get returns a copy of an object, or nil.
func (s *Server) Get(kind, namespace, name string) client.Object {
	object, ok := s.objects[Ref{kind, namespace, name}]
	if !ok {
		return nil
	}
	return copyOf(object)
}

// Peek is Get without the copy. Callers must not change the object.
func (s *Server) Peek(kind, namespace, name string) client.Object {
	return s.objects[Ref{kind, namespace, name}]
}

// All returns all objects of a kind, ordered by name. Callers must not change them.
func (s *Server) All(kind string) []client.Object {
	var refs []Ref
	for ref := range s.objects {
		if ref.Kind == kind {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, Ref.compare)
	all := make([]client.Object, 0, len(refs))
	for _, ref := range refs {
		all = append(all, s.objects[ref])
	}
	return all
}

// Delete removes an object, or marks it as being deleted if it has finalizers.
func (s *Server) Delete(ref Ref, preconditions *metav1.Preconditions) error {
	current, ok := s.objects[ref]
	if !ok {
		return apierrors.NewNotFound(resource(ref.Kind), ref.Name)
	}
	if p := preconditions; p != nil && (p.UID != nil && *p.UID != current.GetUID() || p.ResourceVersion != nil && *p.ResourceVersion != current.GetResourceVersion()) {
		return apierrors.NewConflict(resource(ref.Kind), ref.Name, fmt.Errorf("the preconditions do not hold"))
	}
	switch {
	case len(current.GetFinalizers()) == 0:
		s.remove(ref)
	case current.GetDeletionTimestamp().IsZero():
		changed := copyOf(current)
		changed.SetDeletionTimestamp(ptr.To(metav1.NewTime(time.Now().Truncate(time.Second))))
		changed.SetGeneration(current.GetGeneration() + 1)
		s.store(ref, changed)
	}
	return nil
}

// CollectGarbage deletes objects whose owners no longer exist.
func (s *Server) CollectGarbage() {
	if s.collected == len(s.history) {
		return
	}
	s.collected = len(s.history)
	uids := map[types.UID]bool{}
	for _, object := range s.objects {
		uids[object.GetUID()] = true
	}
	for _, ref := range slices.SortedFunc(maps.Keys(s.objects), Ref.compare) {
		owners := s.objects[ref].GetOwnerReferences()
		orphaned := func(owner metav1.OwnerReference) bool { return !uids[owner.UID] }
		if len(owners) > 0 && !slices.ContainsFunc(owners, func(owner metav1.OwnerReference) bool { return !orphaned(owner) }) {
			_ = s.Delete(ref, nil) // it exists
		}
	}
}

func (s *Server) store(ref Ref, object client.Object) {
	object.SetResourceVersion(strconv.Itoa(len(s.history) + 1))
	s.objects[ref] = object
	s.history = append(s.history, event{ref, object, time.Now()})
}

func (s *Server) remove(ref Ref) {
	delete(s.objects, ref)
	s.history = append(s.history, event{ref, nil, time.Now()})
}

func resource(kind string) schema.GroupResource { return schema.GroupResource{Resource: kind} }

func copyOf(object client.Object) client.Object { return object.DeepCopyObject().(client.Object) }

// specOf returns the part of an object whose changes increase the generation.
func specOf(object client.Object) any {
	switch object := object.(type) {
	case *v1alpha1.AccessKey:
		return object.Spec
	case v1alpha1.GenericKeyService:
		return object.GetSpec()
	case *appsv1.Deployment:
		return object.Spec
	default:
		return nil
	}
}

// setStatus copies the status of from to into. A nil from has an empty status.
func setStatus(into, from client.Object) {
	switch into := into.(type) {
	case *v1alpha1.AccessKey:
		into.Status = v1alpha1.AccessKeyStatus{}
		if from, ok := from.(*v1alpha1.AccessKey); ok {
			into.Status = *from.Status.DeepCopy()
		}
	case v1alpha1.GenericKeyService:
		*into.GetStatus() = v1alpha1.KeyServiceStatus{}
		if from, ok := from.(v1alpha1.GenericKeyService); ok {
			*into.GetStatus() = *from.GetStatus().DeepCopy()
		}
	}
}
