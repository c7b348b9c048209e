// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the API group accesskey.dev, version v1alpha1: AccessKey, KeyService and ClusterKeyService.
// +kubebuilder:object:generate=true
// +groupName=accesskey.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion of everything in this package.
var GroupVersion = schema.GroupVersion{Group: "accesskey.dev", Version: "v1alpha1"}

var schemeBuilder = runtime.NewSchemeBuilder(func(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&AccessKey{}, &AccessKeyList{},
		&KeyService{}, &KeyServiceList{},
		&ClusterKeyService{}, &ClusterKeyServiceList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
})

// AddToScheme registers the package's types.
var AddToScheme = schemeBuilder.AddToScheme
