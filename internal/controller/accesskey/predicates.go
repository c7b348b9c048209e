// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"maps"

	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"accesskey.dev/operator/api/v1alpha1"
)

// serviceChanged passes the changes of a KeyService that matter to AccessKeys, but not the outcome of each check.
var serviceChanged = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(v1alpha1.GenericKeyService)
		after, ok2 := e.ObjectNew.(v1alpha1.GenericKeyService)
		return ok && ok2 && (before.GetGeneration() != after.GetGeneration() || serviceFacts(before) != serviceFacts(after))
	},
}

// labelsChanged passes updates that change the labels.
var labelsChanged = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return !maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels())
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// onDelete passes deletions.
var onDelete = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(event.UpdateEvent) bool { return false },
}
