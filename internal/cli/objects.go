// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
)

// outputVersion is the version of the objects that -o prints and that the API does not have.
const outputVersion = "cli.accesskey.dev/v1alpha1"

// newObject returns an object of this version with the fields of a value.
func newObject(kind, name string, fields any) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	text, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(text, &object.Object)
	}
	if err != nil {
		return nil, err
	}
	object.SetAPIVersion(outputVersion)
	object.SetKind(kind)
	object.SetName(name)
	return object, nil
}

// listObjects returns a list of objects of a kind.
func listObjects(kind string, objects []*unstructured.Unstructured) *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(outputVersion)
	list.SetKind(kind + "List")
	for _, object := range objects {
		list.Items = append(list.Items, *object)
	}
	return list
}
