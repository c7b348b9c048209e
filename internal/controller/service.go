// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// serviceOf gets the KeyService or ClusterKeyService that an AccessKey refers to, from the cache. The error is *connect.Error
// where there is none.
func (r *AccessKeyReconciler) serviceOf(ctx context.Context, ak *v1alpha1.AccessKey) (v1alpha1.GenericKeyService, error) {
	var service v1alpha1.GenericKeyService = &v1alpha1.KeyService{}
	name := types.NamespacedName{Namespace: ak.Namespace, Name: ak.Spec.ServiceRef.Name}
	if ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService {
		if !r.Pool.ServesCluster() {
			return nil, notServed(ak)
		}
		service, name.Namespace = &v1alpha1.ClusterKeyService{}, ""
	}
	err := r.Client.Get(ctx, name, service, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return nil, serviceMissing(ak)
	}
	return service, err
}

func serviceMissing(ak *v1alpha1.AccessKey) error {
	hint := "create it"
	if !ak.DeletionTimestamp.IsZero() {
		hint = "create it again so that the keys can be revoked, or set deletionPolicy: Retain to leave them at the service"
	}
	ref := ak.Spec.ServiceRef
	return &connect.Error{Reason: v1alpha1.ReasonKeyServiceNotFound, Err: fmt.Errorf("%s %s does not exist; %s", ref.Kind, ref.Name, hint)}
}

func notServed(ak *v1alpha1.AccessKey) error {
	hint := "refer to a KeyService of this namespace"
	if !ak.DeletionTimestamp.IsZero() {
		hint = "run one for the whole cluster so that the keys can be revoked, or set deletionPolicy: Retain to leave them at the service"
	}
	return &connect.Error{Reason: v1alpha1.ReasonClusterKeyServicesNotServed, Err: fmt.Errorf(
		"this operator works in some namespaces only (--namespaces) and serves no ClusterKeyService; %s", hint)}
}

func serviceFacts(service v1alpha1.GenericKeyService) plan.Service {
	facts := plan.Service{
		Held:     controllerutil.ContainsFinalizer(service, v1alpha1.InUseFinalizer),
		Deleting: !service.GetDeletionTimestamp().IsZero(),
	}
	status := service.GetStatus()
	if limits := status.Limits; limits != nil { // what was known of it last holds through an outage
		facts.KeysPerUser = int(limits.KeysPerUser)
		facts.Overlap, facts.Regenerates = ptr.Deref(limits.Overlap, false), ptr.Deref(limits.Regenerate, false)
	}
	switch ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); {
	case ready == nil:
	case ready.Status == metav1.ConditionTrue:
		facts.ReadySince = ready.LastTransitionTime.Time
	case ready.Reason == v1alpha1.ReasonUnauthorized:
		facts.Refusal = ready.Message
	}
	return facts
}

// granted: a KeyService is for everybody in its namespace, a ClusterKeyService for nobody but whom it grants.
func (r *AccessKeyReconciler) granted(ctx context.Context, ak *v1alpha1.AccessKey, service v1alpha1.GenericKeyService) (bool, error) {
	cluster, ok := service.(*v1alpha1.ClusterKeyService)
	if !ok {
		return true, nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, types.NamespacedName{Name: ak.Namespace}, namespace, client.UnsafeDisableDeepCopy); err != nil {
		return false, fmt.Errorf("reading the labels of namespace %s: %w", ak.Namespace, err)
	}
	return grants(cluster.Spec.Grants, namespace.Labels, ak.Spec.User), nil
}

// grants reports whether any grant covers a user for a namespace with these labels. A selector that can't be read
// grants nothing.
func grants(list []v1alpha1.Grant, namespace labels.Set, user string) bool {
	for _, grant := range list {
		selector, err := metav1.LabelSelectorAsSelector(grant.NamespaceSelector)
		if err != nil || !selector.Matches(namespace) {
			continue
		}
		for _, pattern := range grant.Users {
			if glob(pattern, user) {
				return true
			}
		}
	}
	return false
}

// globs are the compiled patterns of grants: few, and asked for in each pass.
var globs sync.Map

// glob matches the whole text: * stands for any text, ? for one character, all else for itself.
func glob(pattern, text string) bool {
	if known, ok := globs.Load(pattern); ok {
		return known.(*regexp.Regexp).MatchString(text) //nolint:forcetypeassert // nothing else is stored
	}
	expression := regexp.QuoteMeta(pattern)
	expression = strings.ReplaceAll(expression, `\*`, `.*`)
	expression = strings.ReplaceAll(expression, `\?`, `.`)
	compiled, err := regexp.Compile(`(?s)\A` + expression + `\z`)
	if err != nil {
		return false
	}
	globs.Store(pattern, compiled)
	return compiled.MatchString(text)
}
