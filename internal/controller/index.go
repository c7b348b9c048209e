// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// Indexes of the caches.
const (
	// indexService: AccessKeys by the service that they refer to.
	indexService = "serviceRef"
	// indexOpenIntent: AccessKeys with an open intent by user.
	indexOpenIntent = "openIntent"
	// indexRecordedKey: AccessKeys by the buckets of the keys that their status records.
	indexRecordedKey = "recordedKey"
	// indexSecretName: AccessKeys by the names of the Secrets that they want, where these are not their own: for the pair, and
	// for one that has to wait.
	indexSecretName = "secretName"
	// indexSecretOwner: managed Secrets by the UID of their AccessKey, where they are not named as it is.
	indexSecretOwner = "owner"
	// indexPublishedKey: managed Secrets by the bucket of the key that they hold.
	indexPublishedKey = "publishedKey"
)

// bucket stands for a value that hardly two objects share. An index makes a set for each value, for its namespace and for all
// of them, which takes more memory than the value itself. So a thousand buckets are indexed, and whoever looks into one passes
// over what else is in it.
func bucket(value string) string {
	const buckets = 1024
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(value)) // never fails
	return strconv.Itoa(int(hash.Sum32() % buckets))
}

// inBucket finds what an index has in the bucket of a value.
func inBucket(index, value string) client.MatchingFields {
	return client.MatchingFields{index: bucket(value)}
}

func buckets(values ...string) []string {
	for i, value := range values {
		values[i] = bucket(value)
	}
	return values
}

// AddIndexes registers the indexes that the reconcilers look things up by. They take memory, so what can be found by its name
// is not in them.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	accessKeys := map[string]func(*v1alpha1.AccessKey) []string{
		indexService:     func(ak *v1alpha1.AccessKey) []string { return []string{serviceKey(ak)} },
		indexOpenIntent:  openIntents,
		indexSecretName:  otherSecretNames,
		indexRecordedKey: func(ak *v1alpha1.AccessKey) []string { return buckets(ak.RecordedKeyIDs()...) },
	}
	secrets := map[string]func(*corev1.Secret) []string{
		indexSecretOwner: otherOwners,
		indexPublishedKey: func(secret *corev1.Secret) []string {
			if keyID := claimedKeyID(secret); keyID != "" {
				return buckets(keyID)
			}
			return nil
		},
	}
	return errors.Join(addIndexes(ctx, indexer, &v1alpha1.AccessKey{}, accessKeys), addIndexes(ctx, indexer, &corev1.Secret{}, secrets))
}

func addIndexes[T client.Object](ctx context.Context, indexer client.FieldIndexer, of T, indexes map[string]func(T) []string) error {
	for field, values := range indexes {
		err := indexer.IndexField(ctx, of, field, func(object client.Object) []string {
			if known, ok := object.(T); ok {
				return values(known)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func openIntents(ak *v1alpha1.AccessKey) []string {
	if ak.Status.Intent == nil {
		return nil
	}
	return []string{intentUser(ak), anyUser}
}

func otherSecretNames(ak *v1alpha1.AccessKey) []string {
	if ak.SecretName() == ak.Name {
		return nil
	}
	return []string{ak.SecretName(), plan.NextSecretName(ak)}
}

func otherOwners(secret *corev1.Secret) []string {
	owner := ownerOf(secret)
	if owner == nil || slices.Contains(ownSecretNames(owner.Name), secret.Name) {
		return nil
	}
	return []string{string(owner.UID)}
}

// ownSecretNames are the names of the Secrets of an AccessKey that does not name one.
func ownSecretNames(accessKey string) []string { return []string{accessKey, plan.NextOf(accessKey)} }

// claimedKeyID is the key that a Secret claims to hold. Whether the operator wrote so is asked of the few that are found.
func claimedKeyID(secret *corev1.Secret) string {
	var record plan.Record
	_ = json.Unmarshal([]byte(secret.Annotations[v1alpha1.RecordAnnotation]), &record) // what can't be read claims nothing
	return record.KeyID
}

// serviceKey is the index key of the service that an AccessKey refers to.
func serviceKey(ak *v1alpha1.AccessKey) string {
	if ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService {
		return "/" + ak.Spec.ServiceRef.Name
	}
	return ak.Namespace + "/" + ak.Spec.ServiceRef.Name
}

// keyOfService is the index key under which a service's AccessKeys are found.
func keyOfService(service client.Object) string {
	return service.GetNamespace() + "/" + service.GetName()
}

// usersOfService maps a KeyService to its AccessKeys.
func (r *AccessKeyReconciler) usersOfService(ctx context.Context, service client.Object) []reconcile.Request {
	return r.requests(ctx, client.MatchingFields{indexService: keyOfService(service)})
}

// grantedIn maps a namespace to its AccessKeys: its labels decide what ClusterKeyServices grant them.
func (r *AccessKeyReconciler) grantedIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.requests(ctx, client.InNamespace(namespace.GetName()))
}

// wantingSecret maps a Secret to the AccessKeys that want its name: one that is in the way may have gone.
func (r *AccessKeyReconciler) wantingSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	requests := r.requests(ctx, client.InNamespace(secret.GetNamespace()), client.MatchingFields{indexSecretName: secret.GetName()})
	names := []string{secret.GetName()}
	if of, ok := strings.CutSuffix(secret.GetName(), plan.NextOf("")); ok {
		names = append(names, of)
	}
	for _, name := range names {
		ak := &v1alpha1.AccessKey{}
		key := client.ObjectKey{Namespace: secret.GetNamespace(), Name: name}
		if r.Client.Get(ctx, key, ak, client.UnsafeDisableDeepCopy) == nil && ak.SecretName() == ak.Name {
			requests = append(requests, reconcile.Request{NamespacedName: key})
		}
	}
	return requests
}

func (r *AccessKeyReconciler) requests(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	var found v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &found, append(options, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil // only a cache that is not running fails; its start brings every AccessKey
	}
	requests := make([]reconcile.Request, 0, len(found.Items))
	for i := range found.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
	}
	return requests
}

// serviceChanged: what matters to AccessKeys: the spec, the finalizer, and whether it is Ready, but not each check.
var serviceChanged = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(v1alpha1.GenericKeyService)
		after, ok2 := e.ObjectNew.(v1alpha1.GenericKeyService)
		return ok && ok2 && (before.GetGeneration() != after.GetGeneration() || serviceFacts(before) != serviceFacts(after))
	},
}

var labelsChanged = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return !maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels())
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// goes: of a Secret that is not ours only its end matters.
var goes = predicate.Funcs{
	CreateFunc: func(event.CreateEvent) bool { return false },
	UpdateFunc: func(event.UpdateEvent) bool { return false },
}
