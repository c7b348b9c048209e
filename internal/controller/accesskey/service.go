// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// serviceOf returns the KeyService or ClusterKeyService that an AccessKey refers to, from the cache. The error is a
// *connect.Error if there is none.
func (r *Reconciler) serviceOf(ctx context.Context, ak *v1alpha1.AccessKey) (v1alpha1.GenericKeyService, error) {
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
		hint = "create it again so that the keys can be revoked, or set deletionPolicy: Retain to keep them at the service"
	}
	ref := ak.Spec.ServiceRef
	return &connect.Error{Reason: v1alpha1.ReasonKeyServiceNotFound, Err: fmt.Errorf("%s %s does not exist; %s", ref.Kind, ref.Name, hint)}
}

func notServed(ak *v1alpha1.AccessKey) error {
	hint := "refer to a KeyService of this namespace"
	if !ak.DeletionTimestamp.IsZero() {
		hint = "run an operator for the whole cluster so that the keys can be revoked, or set deletionPolicy: Retain to keep them at the service"
	}
	return &connect.Error{Reason: v1alpha1.ReasonClusterKeyServicesNotServed, Err: fmt.Errorf(
		"this operator runs with --namespaces and serves no ClusterKeyServices; %s", hint)}
}

func serviceFacts(service v1alpha1.GenericKeyService) plan.Service {
	facts := plan.Service{
		InUse:      controllerutil.ContainsFinalizer(service, v1alpha1.InUseFinalizer),
		Deleting:   !service.GetDeletionTimestamp().IsZero(),
		Namespaced: service.GetNamespace() != "",
	}
	if s3 := service.GetSpec().S3; s3 != nil {
		facts.DataPlane = s3.Endpoint
	}
	status := service.GetStatus()
	facts.Identity = status.Identity
	if limits := status.Limits; limits != nil { // they stay valid during an outage
		facts.KeysPerUser = int(limits.KeysPerUser)
		facts.Overlap, facts.Regenerates = ptr.Deref(limits.Overlap, false), ptr.Deref(limits.Regenerate, false)
		facts.EndsPairs, facts.Quarantines = limits.MaxTTL != nil, ptr.Deref(limits.Disable, false)
		facts.TellsLastUse = ptr.Deref(limits.LastUse, false)
	}
	switch ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); {
	case ready == nil:
	case ready.Status == metav1.ConditionTrue:
		facts.ReadySince = ready.LastTransitionTime.Time
	case ready.Reason == v1alpha1.ReasonUnauthorized && status.RefusedCredentials != nil:
		facts.Refusal = status.RefusedCredentials.Message // without the time of the next attempt, which changes
	case ready.Reason == v1alpha1.ReasonUnauthorized:
		facts.Refusal = ready.Message
	case ready.Reason == v1alpha1.ReasonIdentityChanged:
		facts.IdentityChanged = ready.Message
	case ready.Reason == v1alpha1.ReasonFinalizerRefused:
		facts.InUseProblem = ready.Message
	}
	return facts
}

// identityChanged returns an error if a connection leads to another service than the status of the KeyService records. The
// condition of the KeyService can be late.
func identityChanged(service v1alpha1.GenericKeyService, connection *connect.Connection) *connect.Error {
	recorded := service.GetStatus().Identity
	if connect.SameService(recorded, connection.Identity) {
		return nil
	}
	return &connect.Error{Reason: v1alpha1.ReasonIdentityChanged, Err: fmt.Errorf(
		"the KeyService leads to %s, but the keys of its AccessKeys are at %s; change it back, or delete the AccessKeys with deletionPolicy: Retain",
		connection.Identity, recorded)}
}

// verifyService asks the service which one it is if it does not list a recorded key. Another service may answer at the same
// address now, and the recorded keys are not gone then.
func (r *Reconciler) verifyService(ctx context.Context, s *scope, listed []keyservice.Key) error {
	missing := func(recorded plan.Key) bool {
		return !slices.ContainsFunc(listed, recorded.SamePair)
	}
	if !slices.ContainsFunc(recordedKeys(s.ak), missing) {
		return nil
	}
	err := s.connection.Verify(ctx)
	if _, another := errors.AsType[*connect.Error](err); another {
		r.Pool.Forget(types.NamespacedName{Namespace: s.serviceNamespace, Name: s.ak.Spec.ServiceRef.Name})
	}
	return err
}

// observePermission finds out whether the namespace may have keys of the user, and with which ttl: a KeyService serves its
// namespace, a ClusterKeyService the namespaces and users that it grants. Both can be limited to some users.
func (r *Reconciler) observePermission(ctx context.Context, s *scope, service v1alpha1.GenericKeyService) error {
	allowed, user := service.GetSpec().AllowedUsers, s.ak.Spec.User
	s.in.Granted, s.in.UserForbidden = true, len(allowed) > 0 && !matchesAny(allowed, user)
	cluster, ok := service.(*v1alpha1.ClusterKeyService)
	if !ok {
		return nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, types.NamespacedName{Name: s.ak.Namespace}, namespace, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) { // no event of a namespace follows, so this must not look like an AccessKey that is gone
			return fmt.Errorf("namespace %s is not in the cache yet", s.ak.Namespace)
		}
		return fmt.Errorf("reading the labels of namespace %s: %w", s.ak.Namespace, err)
	}
	s.in.Granted, s.in.MaxTTL = grants(cluster.Spec.Grants, namespace.Labels, user)
	return nil
}

// grants reports whether any grant covers a user for a namespace with these labels, and the longest ttl that one of them allows;
// zero if one allows every ttl. A selector that is invalid grants nothing.
func grants(list []v1alpha1.Grant, namespace labels.Set, user string) (granted bool, maxTTL time.Duration) {
	for _, grant := range list {
		selector, err := metav1.LabelSelectorAsSelector(grant.NamespaceSelector)
		if err != nil || !selector.Matches(namespace) || !matchesAny(grant.Users, user) {
			continue
		}
		if grant.MaxTTL == nil {
			return true, 0
		}
		granted, maxTTL = true, max(maxTTL, grant.MaxTTL.Duration)
	}
	return granted, maxTTL
}

func matchesAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return glob(pattern, text) })
}

// glob matches a whole text: * stands for any text, ? for one character, and everything else for itself.
func glob(pattern, text string) bool {
	expression := regexp.QuoteMeta(pattern)
	expression = strings.ReplaceAll(expression, `\*`, `.*`)
	expression = strings.ReplaceAll(expression, `\?`, `.`)
	compiled, err := regexp.Compile(`(?s)\A` + expression + `\z`)
	return err == nil && compiled.MatchString(text)
}
