// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kube is an API server in memory, with what a process of the operator sees of it: a client, caches that lag
// behind, and a manager. It knows the kinds that the operator works with, and keeps the rules that its safety rests on:
// resource versions and conflicts, finalizers, a status apart from the spec, generations, owners.
//
// It is not controller-runtime's fake client since that has no view of an older revision, no generations, no owners that
// take their own with them, and no clock. What CRDs validate is not checked here: test/integration has a real API server.
package kube

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
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

// event is one change: what an object became, nil if it went.
type event struct {
	ref    Ref
	object client.Object
	at     time.Time
}

// Server keeps objects. It is not safe for concurrent use: whoever calls takes turns.
type Server struct {
	objects map[Ref]client.Object // never changed in place
	history []event
	uids    int
}

// NewServer returns an empty server. Its time is the real one, which is a bubble's in a test with testing/synctest.
func NewServer() *Server { return &Server{objects: map[Ref]client.Object{}} }

// Get returns a copy of an object, nil if there is none.
func (s *Server) Get(kind, namespace, name string) client.Object {
	object, ok := s.objects[Ref{kind, namespace, name}]
	if !ok {
		return nil
	}
	return copyOf(object)
}

// Peek is Get without the copy: what it returns must not be changed.
func (s *Server) Peek(kind, namespace, name string) client.Object {
	return s.objects[Ref{kind, namespace, name}]
}

// All returns copies of every object of a kind, in the order of their names.
func (s *Server) All(kind string) []client.Object {
	var all []client.Object
	for _, ref := range slices.SortedFunc(maps.Keys(s.objects), Ref.compare) {
		if ref.Kind == kind {
			all = append(all, copyOf(s.objects[ref]))
		}
	}
	return all
}

// Create stores a new object, and fills in what the server adds to it.
func (s *Server) Create(object client.Object) error {
	ref := refOf(object)
	if _, exists := s.objects[ref]; exists {
		return apierrors.NewAlreadyExists(resource(ref.Kind), ref.Name)
	}
	stored := copyOf(object)
	setStatus(stored, nil)
	if secret, ok := stored.(*corev1.Secret); ok {
		takeStringData(secret)
	}
	s.uids++
	stored.SetUID(types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012d", s.uids)))
	stored.SetCreationTimestamp(metav1.NewTime(time.Now().Truncate(time.Second)))
	stored.SetDeletionTimestamp(nil)
	stored.SetGeneration(1)
	s.store(ref, stored)
	return fill(object, stored)
}

// Update stores a changed object but for its status, or nothing of it but its status.
func (s *Server) Update(object client.Object, status bool) error {
	ref := refOf(object)
	current, ok := s.objects[ref]
	if !ok {
		return apierrors.NewNotFound(resource(ref.Kind), ref.Name)
	}
	if version := object.GetResourceVersion(); version != "" && version != current.GetResourceVersion() {
		return apierrors.NewConflict(resource(ref.Kind), ref.Name, fmt.Errorf("version %s is not %s", version, current.GetResourceVersion()))
	}
	if uid := object.GetUID(); uid != "" && uid != current.GetUID() {
		return apierrors.NewConflict(resource(ref.Kind), ref.Name, fmt.Errorf("it is another object of the same name"))
	}
	changed, err := merged(current, object, status)
	if err != nil {
		return err
	}
	switch {
	case !changed.GetDeletionTimestamp().IsZero() && len(changed.GetFinalizers()) == 0:
		s.remove(ref)
	case equality.Semantic.DeepEqual(current, changed):
		changed = current // as a real server: no change, no version
	default:
		s.store(ref, changed)
	}
	return fill(object, changed)
}

// merged is what becomes of current when object is written over it.
func merged(current, object client.Object, status bool) (client.Object, error) {
	if status {
		changed := copyOf(current)
		setStatus(changed, object)
		return changed, nil
	}
	changed := copyOf(object)
	setStatus(changed, current)
	if secret, ok := changed.(*corev1.Secret); ok {
		takeStringData(secret)
	}
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

// Delete removes an object, or if finalizers hold it marks it as being deleted.
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

// CollectGarbage removes what belongs to an object that is gone.
func (s *Server) CollectGarbage() {
	uids := map[types.UID]bool{}
	for _, object := range s.objects {
		uids[object.GetUID()] = true
	}
	for _, ref := range slices.SortedFunc(maps.Keys(s.objects), Ref.compare) {
		owners := s.objects[ref].GetOwnerReferences()
		orphaned := func(owner metav1.OwnerReference) bool { return !uids[owner.UID] }
		if len(owners) > 0 && !slices.ContainsFunc(owners, func(owner metav1.OwnerReference) bool { return !orphaned(owner) }) {
			_ = s.Delete(ref, nil) // it is there
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

func takeStringData(secret *corev1.Secret) {
	for key, value := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
}

func resource(kind string) schema.GroupResource { return schema.GroupResource{Resource: kind} }

func copyOf(object client.Object) client.Object { return object.DeepCopyObject().(client.Object) }

// specOf is what a generation counts the changes of.
func specOf(object client.Object) any {
	switch object := object.(type) {
	case *v1alpha1.AccessKey:
		return object.Spec
	case v1alpha1.GenericKeyService:
		return object.GetSpec()
	default:
		return nil
	}
}

// setStatus makes the status of into that of from; nil: empty.
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
