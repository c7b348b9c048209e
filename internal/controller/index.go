// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"maps"
	"strconv"

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
	// indexUser: AccessKeys by the bucket of their user.
	indexUser = "user"
	// indexRecordedKey: AccessKeys by the buckets of the keys that their status records.
	indexRecordedKey = "recordedKey"
	// indexSecretName: AccessKeys by the buckets of the names of the Secrets that they want: for the pair, and for one that
	// has to wait.
	indexSecretName = "secretName"
	// indexSecretOwner: managed Secrets by the bucket of their AccessKey's UID.
	indexSecretOwner = "owner"
	// indexPublishedKey: managed Secrets by the bucket of the key that they hold.
	indexPublishedKey = "publishedKey"
)

// bucket stands for a value that few objects share. An index makes a set for each value, twice, which takes more memory than
// the value itself; so a thousand buckets are indexed, and whoever looks into one passes over what else is in it.
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

// AddIndexes registers the indexes that the reconcilers look things up by.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	accessKey := func(values func(*v1alpha1.AccessKey) []string) client.IndexerFunc {
		return func(object client.Object) []string {
			ak, ok := object.(*v1alpha1.AccessKey)
			if !ok {
				return nil
			}
			return values(ak)
		}
	}
	secret := func(value func(*corev1.Secret) string) client.IndexerFunc {
		return func(object client.Object) []string {
			s, ok := object.(*corev1.Secret)
			if !ok || value(s) == "" {
				return nil
			}
			return buckets(value(s))
		}
	}
	for _, index := range []struct {
		object client.Object
		field  string
		values client.IndexerFunc
	}{
		{&v1alpha1.AccessKey{}, indexService, accessKey(func(ak *v1alpha1.AccessKey) []string { return []string{serviceKey(ak)} })},
		{&v1alpha1.AccessKey{}, indexSecretName, accessKey(func(ak *v1alpha1.AccessKey) []string { return buckets(ak.SecretName(), plan.NextSecretName(ak)) })},
		{&v1alpha1.AccessKey{}, indexRecordedKey, accessKey(func(ak *v1alpha1.AccessKey) []string { return buckets(ak.RecordedKeyIDs()...) })},
		{&v1alpha1.AccessKey{}, indexUser, accessKey(func(ak *v1alpha1.AccessKey) []string { return buckets(intentUser(ak)) })},
		{&v1alpha1.AccessKey{}, indexOpenIntent, accessKey(func(ak *v1alpha1.AccessKey) []string {
			if ak.Status.Intent == nil {
				return nil
			}
			return []string{intentUser(ak), anyUser}
		})},
		{&corev1.Secret{}, indexSecretOwner, secret(func(s *corev1.Secret) string {
			if owner := ownerOf(s); owner != nil {
				return string(owner.UID)
			}
			return ""
		})},
		{&corev1.Secret{}, indexPublishedKey, secret(claimedKeyID)},
	} {
		if err := indexer.IndexField(ctx, index.object, index.field, index.values); err != nil {
			return err
		}
	}
	return nil
}

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
	return r.requests(ctx, r.Shard.has, client.MatchingFields{indexService: keyOfService(service)})
}

// grantedIn maps a namespace to its AccessKeys: its labels decide what ClusterKeyServices grant them.
func (r *AccessKeyReconciler) grantedIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.requests(ctx, r.Shard.has, client.InNamespace(namespace.GetName()))
}

// wantingSecret maps a Secret to the AccessKeys that want its name: one that is in the way may have gone.
func (r *AccessKeyReconciler) wantingSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	wanting := func(object client.Object) bool {
		ak, ok := object.(*v1alpha1.AccessKey)
		return ok && r.Shard.has(ak) && (ak.SecretName() == secret.GetName() || plan.NextSecretName(ak) == secret.GetName())
	}
	return r.requests(ctx, wanting, client.InNamespace(secret.GetNamespace()), inBucket(indexSecretName, secret.GetName()))
}

// requests for those of the AccessKeys that are found which are wanted.
func (r *AccessKeyReconciler) requests(ctx context.Context, wanted func(client.Object) bool, options ...client.ListOption) []reconcile.Request {
	var found v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &found, append(options, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil // only a cache that is not running fails; its start brings every AccessKey
	}
	requests := make([]reconcile.Request, 0, len(found.Items))
	for i := range found.Items {
		if wanted(&found.Items[i]) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
		}
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
