// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stamp applies annotations of the pods of a Deployment that exists. The owners of its fields are not tracked.
func (s *Server) stamp(ref Ref, applied *unstructured.Unstructured, by write) (client.Object, error) {
	current, exists := s.objects[ref].(*appsv1.Deployment)
	if !exists {
		return nil, apierrors.NewConflict(resource(ref.Kind), ref.Name, fmt.Errorf("there is no object with UID %s", applied.GetUID()))
	}
	annotations, _, err := unstructured.NestedStringMap(applied.Object, "spec", "template", "metadata", "annotations")
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	changed := current.DeepCopy()
	if changed.Spec.Template.Annotations == nil {
		changed.Spec.Template.Annotations = map[string]string{}
	}
	maps.Copy(changed.Spec.Template.Annotations, annotations)
	changed.SetUID(applied.GetUID())
	return s.replace(current, changed, false, by)
}
