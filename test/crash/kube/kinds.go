// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// The kinds that the server knows.
const (
	AccessKey         = "AccessKey"
	KeyService        = "KeyService"
	ClusterKeyService = "ClusterKeyService"
	Secret            = "Secret"
	Namespace         = "Namespace"
	RoleBinding       = "RoleBinding"
	Deployment        = "Deployment"
)

// kindOf an object or a list of objects.
func kindOf(object runtime.Object) string {
	switch object := object.(type) {
	case *v1alpha1.AccessKey, *v1alpha1.AccessKeyList:
		return AccessKey
	case *v1alpha1.KeyService, *v1alpha1.KeyServiceList:
		return KeyService
	case *v1alpha1.ClusterKeyService, *v1alpha1.ClusterKeyServiceList:
		return ClusterKeyService
	case *corev1.Secret, *corev1.SecretList:
		return Secret
	case *corev1.Namespace:
		return Namespace
	case *rbacv1.RoleBinding:
		return RoleBinding
	case *appsv1.Deployment:
		return Deployment
	case *metav1.PartialObjectMetadata:
		return object.Kind
	case *metav1.PartialObjectMetadataList:
		return object.Kind[:len(object.Kind)-len("List")]
	default:
		panic(fmt.Sprintf("no object of type %T is known here", object))
	}
}

func refOf(object client.Object) Ref {
	return Ref{kindOf(object), object.GetNamespace(), object.GetName()}
}

// isMetadata reports whether an object has only metadata.
func isMetadata(object runtime.Object) bool {
	switch object.(type) {
	case *metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList:
		return true
	default:
		return false
	}
}

// metadataOf returns only the metadata of an object.
func metadataOf(object client.Object) *metav1.PartialObjectMetadata {
	only := meta.AsPartialObjectMetadata(object).DeepCopy()
	only.SetGroupVersionKind(versionOf(object).WithKind(kindOf(object)))
	return only
}

// withKind returns a copy of an object with its kind, as the server sends it.
func withKind(object client.Object) client.Object {
	typed := copyOf(object)
	typed.GetObjectKind().SetGroupVersionKind(versionOf(object).WithKind(kindOf(object)))
	return typed
}

func versionOf(object client.Object) schema.GroupVersion {
	switch kindOf(object) {
	case Secret, Namespace:
		return corev1.SchemeGroupVersion
	case RoleBinding:
		return rbacv1.SchemeGroupVersion
	case Deployment:
		return appsv1.SchemeGroupVersion
	default:
		return v1alpha1.GroupVersion
	}
}

// fill copies from to into, which has the same type or only metadata.
func fill(into, from client.Object) error {
	copied := copyOf
	if isMetadata(into) && !isMetadata(from) {
		copied = func(from client.Object) client.Object { return metadataOf(from) }
	}
	target, source := reflect.ValueOf(into).Elem(), reflect.ValueOf(copied(from)).Elem()
	if target.Type() != source.Type() {
		return fmt.Errorf("%T is not a %T", from, into)
	}
	target.Set(source)
	return nil
}

// fillList puts copies of objects into a list.
func fillList(into client.ObjectList, objects []client.Object) error {
	items := reflect.ValueOf(into).Elem().FieldByName("Items")
	filled := reflect.MakeSlice(items.Type(), len(objects), len(objects))
	for i, object := range objects {
		item, ok := filled.Index(i).Addr().Interface().(client.Object)
		if !ok {
			return fmt.Errorf("%T is not a list of objects", into)
		}
		if err := fill(item, object); err != nil {
			return err
		}
	}
	items.Set(filled)
	return nil
}
