// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// finalizerDelay is how long a Secret that is being deleted keeps its finalizer at least. A tool that deletes everything at once,
// such as helm uninstall, deletes the AccessKeys within this time.
const finalizerDelay = 10 * time.Second

// addIdentity reports a service other than the one that has the keys of the AccessKeys.
func (r *Reconciler) addIdentity(ctx context.Context, service v1alpha1.GenericKeyService, found *checked) error {
	recorded := service.GetStatus().Identity
	if found.connection == nil || connect.SameService(recorded, found.connection.Identity) {
		return nil
	}
	accessKeys, err := accesskey.OfService(ctx, r.Client, service, 0)
	if err != nil {
		return err
	}
	accessKeys = slices.DeleteFunc(slices.Clone(accessKeys), func(ak v1alpha1.AccessKey) bool {
		return len(ak.RecordedKeyIDs()) == 0 && ak.Status.Intent == nil
	})
	if len(accessKeys) == 0 {
		return nil
	}
	found.limits = nil // the status keeps what is known of the recorded service
	found.add(v1alpha1.ReasonIdentityChanged, fmt.Sprintf(
		"The KeyService leads to %s, but the keys of %d of its AccessKeys (%s) are at %s, and the operator leaves them as they are; "+
			"change the KeyService back, or give those keys up by deleting the AccessKeys with deletionPolicy: Retain",
		found.connection.Identity, len(accessKeys), namesOf(accessKeys), recorded), r.Clock.Now().Add(recheckPeriod))
	return nil
}

// addDeletedSecrets reports the Secrets that are being deleted while AccessKeys need them.
func (r *Reconciler) addDeletedSecrets(ctx context.Context, service v1alpha1.GenericKeyService, found *checked) error {
	for _, name := range service.GetSpec().SecretNames() {
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		key := client.ObjectKey{Namespace: r.Pool.SecretNamespace(service), Name: name}
		if err := r.Client.Get(ctx, key, secret, client.UnsafeDisableDeepCopy); client.IgnoreNotFound(err) != nil {
			return err
		}
		if secret.DeletionTimestamp.IsZero() || !hasFinalizer(secret) {
			continue
		}
		kept, err := r.keptBy(ctx, secret)
		if err != nil {
			return err
		}
		due := secret.DeletionTimestamp.Add(finalizerDelay)
		if !r.Clock.Now().Before(due) {
			due = r.Clock.Now().Add(staleDelay)
		}
		if kept == "" {
			kept = "the finalizer is being removed"
		}
		found.add(v1alpha1.ReasonCredentialsDeleting, fmt.Sprintf(
			"Secret %s is being deleted, and the in-use finalizer keeps it because AccessKeys need it (%s); "+
				"to change the credentials, edit the Secret in place, because the operator still reads it, or refer to another Secret", key, kept), due)
	}
	return nil
}

// keptBy returns why a Secret that is being deleted keeps its in-use finalizer; empty if the finalizer can be removed. That is
// so if the operator has read its content and nothing else is being deleted: a person wants to create the Secret again.
func (r *Reconciler) keptBy(ctx context.Context, secret *metav1.PartialObjectMetadata) (string, error) {
	if r.Clock.Now().Before(secret.DeletionTimestamp.Add(finalizerDelay)) {
		return "the finalizer is removed within seconds, and the Secret can then be created again, unless its AccessKeys or its namespace are being deleted too", nil
	}
	if !r.Pool.ServesCluster() {
		return "the operator runs with --namespaces and cannot see whether the namespace is being deleted", nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, client.ObjectKey{Name: secret.Namespace}, namespace, client.UnsafeDisableDeepCopy); err != nil {
		return "the operator does not know whether the namespace is being deleted", client.IgnoreNotFound(err)
	}
	if !namespace.DeletionTimestamp.IsZero() {
		return "its namespace is being deleted, and the keys are revoked first", nil
	}
	services, err := r.servicesWithSecretsIn(ctx, secret.Namespace)
	if err != nil {
		return "", err
	}
	for _, service := range services {
		if !slices.Contains(service.GetSpec().SecretNames(), secret.Name) {
			continue
		}
		if kept, err := r.neededFor(ctx, service); kept != "" || err != nil {
			return kept, err
		}
	}
	return "", nil
}

// neededFor returns what a service still needs its deleted Secrets for; empty if nothing.
func (r *Reconciler) neededFor(ctx context.Context, service v1alpha1.GenericKeyService) (string, error) {
	accessKeys, err := accesskey.OfService(ctx, r.Client, service, 0)
	if err != nil || len(accessKeys) == 0 {
		return "", err
	}
	expendable, err := r.Pool.SecretsExpendable(ctx, service)
	switch {
	case err != nil:
		return "", err
	case !expendable:
		return "the operator has not been able to use its content since it started", nil
	case !service.GetDeletionTimestamp().IsZero():
		return "the KeyService is being deleted, and the keys are revoked first", nil
	case slices.ContainsFunc(accessKeys, func(ak v1alpha1.AccessKey) bool { return !ak.DeletionTimestamp.IsZero() }):
		return "AccessKeys are being deleted, and their keys are revoked first", nil
	default:
		return "", nil
	}
}

// addLostSecrets reports what is missing although the connection is kept, and drops the connection if no AccessKey needs it.
func (r *Reconciler) addLostSecrets(ctx context.Context, service v1alpha1.GenericKeyService, found *checked) error {
	lost := r.Pool.Lost(service)
	if lost == nil {
		return nil
	}
	used, err := r.inUse(ctx, service)
	if err != nil {
		return err
	}
	if !used {
		r.drop(client.ObjectKeyFromObject(service))
		*found = failed(lost, r.Clock.Now())
		return nil
	}
	found.add(v1alpha1.ReasonCredentialsNotFound, lost.Error()+
		"; until then the operator uses what it read before, and a restart loses that", found.due)
	return nil
}

// namesOf returns the names of a few of these AccessKeys.
func namesOf(accessKeys []v1alpha1.AccessKey) string {
	const shown = 5
	names := make([]string, 0, len(accessKeys))
	for i := range accessKeys {
		names = append(names, accessKeys[i].Namespace+"/"+accessKeys[i].Name)
	}
	slices.Sort(names)
	return strings.Join(names[:min(len(names), shown)], ", ")
}
