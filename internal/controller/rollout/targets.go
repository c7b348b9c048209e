// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// pageSize is how many workloads are read in one request.
const pageSize = 500

// kinds of workloads in the API.
var kinds = map[v1alpha1.WorkloadKind]schema.GroupVersionKind{
	v1alpha1.WorkloadDeployment:  {Group: "apps", Version: "v1", Kind: "Deployment"},
	v1alpha1.WorkloadStatefulSet: {Group: "apps", Version: "v1", Kind: "StatefulSet"},
	v1alpha1.WorkloadDaemonSet:   {Group: "apps", Version: "v1", Kind: "DaemonSet"},
	v1alpha1.WorkloadRollout:     {Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"},
}

// workload is one that exists.
type workload struct {
	v1alpha1.Workload
	uid types.UID
}

// missing is a target without a workload.
type missing struct {
	kind v1alpha1.WorkloadKind
	// text says what is missing.
	text string
}

// targets reads the metadata of the workloads that remain to be restarted, each once. Only the first attempt reports what is absent.
func (r *Reconciler) targets(ctx context.Context, ak *v1alpha1.AccessKey) (found []workload, absent []missing, err error) {
	for _, target := range ak.Spec.RolloutRestartTargets {
		some, err := r.read(ctx, ak.Namespace, target)
		if err != nil {
			return nil, nil, err
		}
		if len(some) == 0 {
			absent = append(absent, missing{target.Kind, describe(target)})
		}
		for _, each := range some {
			if !slices.Contains(found, each) {
				found = append(found, each)
			}
		}
	}
	if pending := ak.Status.Restart.Pending; len(pending) > 0 {
		absent, found = nil, slices.DeleteFunc(found, func(each workload) bool { return !slices.Contains(pending, each.Workload) })
	}
	if len(found) > v1alpha1.MaxRestarts {
		return nil, nil, &tooManyError{len(found)}
	}
	return found, absent, nil
}

// tooManyError says that the selectors match more workloads than the status can record.
type tooManyError struct{ found int }

// Error implements error.
func (e *tooManyError) Error() string {
	return fmt.Sprintf("rolloutRestartTargets selects %d workloads, and at most %d can be restarted: use narrower selectors", e.found, v1alpha1.MaxRestarts)
}

// describe names a target in a message.
func describe(target v1alpha1.RolloutRestartTarget) string {
	if target.Selector == nil {
		return v1alpha1.Workload{Kind: target.Kind, Name: target.Name}.String()
	}
	return fmt.Sprintf("%s with the labels %s", target.Kind, selectorOf(target))
}

func selectorOf(target v1alpha1.RolloutRestartTarget) labels.Selector {
	set := labels.Set{}
	for key, value := range target.Selector.MatchLabels {
		set[key] = string(value)
	}
	return labels.SelectorFromValidatedSet(set)
}

// read reads the metadata of the workloads of one target. There are none if the API server does not know the kind.
func (r *Reconciler) read(ctx context.Context, namespace string, target v1alpha1.RolloutRestartTarget) (found []workload, err error) {
	var items []metav1.PartialObjectMetadata
	if target.Selector == nil {
		items, err = r.get(ctx, namespace, target)
	} else {
		items, err = r.list(ctx, namespace, target)
	}
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", describe(target), err)
	}
	for i := range items {
		if items[i].DeletionTimestamp.IsZero() {
			found = append(found, workload{v1alpha1.Workload{Kind: target.Kind, Name: items[i].Name}, items[i].UID})
		}
	}
	return found, nil
}

func (r *Reconciler) get(ctx context.Context, namespace string, target v1alpha1.RolloutRestartTarget) ([]metav1.PartialObjectMetadata, error) {
	one := metav1.PartialObjectMetadata{}
	one.SetGroupVersionKind(kinds[target.Kind])
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: target.Name}, &one)
	return []metav1.PartialObjectMetadata{one}, err
}

func (r *Reconciler) list(ctx context.Context, namespace string, target v1alpha1.RolloutRestartTarget) (all []metav1.PartialObjectMetadata, err error) {
	options := &client.ListOptions{Namespace: namespace, LabelSelector: selectorOf(target), Limit: pageSize}
	for {
		page := &metav1.PartialObjectMetadataList{}
		page.SetGroupVersionKind(kinds[target.Kind].GroupVersion().WithKind(string(target.Kind) + "List"))
		if err := r.Live.List(ctx, page, options); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if options.Continue = page.Continue; options.Continue == "" {
			return all, nil
		}
	}
}
