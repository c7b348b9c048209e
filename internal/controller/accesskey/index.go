// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// Indexes of AccessKeys in the cache.
const (
	// indexService: by the service that they refer to.
	indexService = "serviceRef"
	// indexOpenIntent: by the user, if they have an open intent.
	indexOpenIntent = "openIntent"
	// indexRecordedKey: by the IDs of the keys that the status records, or that an open operation is about.
	indexRecordedKey = "recordedKey"
	// indexSecretName: by the names of the Secrets that they want.
	indexSecretName = "secretName"
)

// AddIndexes registers the indexes of AccessKeys.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for field, values := range map[string]func(*v1alpha1.AccessKey) []string{
		indexService:     func(ak *v1alpha1.AccessKey) []string { return []string{serviceKey(ak)} },
		indexOpenIntent:  openIntent,
		indexRecordedKey: recordedKeyIDs,
		indexSecretName:  func(ak *v1alpha1.AccessKey) []string { return []string{ak.SecretName(), plan.NextSecretName(ak)} },
	} {
		err := indexer.IndexField(ctx, &v1alpha1.AccessKey{}, field, func(object client.Object) []string {
			if ak, ok := object.(*v1alpha1.AccessKey); ok {
				return values(ak)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("indexing AccessKeys by %s: %w", field, err)
		}
	}
	return nil
}

func openIntent(ak *v1alpha1.AccessKey) []string {
	if ak.Status.Intent == nil || ak.Status.Intent.Waits() {
		return nil
	}
	return []string{userIndex(ak.Status.UserID)}
}

// userIndex returns the index value of a user. At some services keys have no user, and an index has no empty values.
func userIndex(id string) string { return "user/" + id }

func recordedKeyIDs(ak *v1alpha1.AccessKey) []string {
	ids := ak.RecordedKeyIDs()
	if ak.Status.Intent != nil && ak.Status.Intent.KeyID != "" {
		ids = append(ids, ak.Status.Intent.KeyID)
	}
	return ids
}

// serviceKey returns the index value of the service that an AccessKey refers to.
func serviceKey(ak *v1alpha1.AccessKey) string {
	if ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService {
		return "/" + ak.Spec.ServiceRef.Name
	}
	return ak.Namespace + "/" + ak.Spec.ServiceRef.Name
}

// OfService lists the AccessKeys that refer to a KeyService or ClusterKeyService, at most limit of them; 0 means all. They are
// the cache's objects and must not be changed.
func OfService(ctx context.Context, reader client.Reader, service client.Object, limit int64) ([]v1alpha1.AccessKey, error) {
	var found v1alpha1.AccessKeyList
	key := client.MatchingFields{indexService: service.GetNamespace() + "/" + service.GetName()}
	err := reader.List(ctx, &found, key, client.Limit(limit), client.UnsafeDisableDeepCopy)
	return found.Items, err
}

// accessKeysOfService maps a KeyService to the AccessKeys that refer to it.
func (r *Reconciler) accessKeysOfService(ctx context.Context, service client.Object) []reconcile.Request {
	return r.requests(ctx, client.MatchingFields{indexService: service.GetNamespace() + "/" + service.GetName()})
}

// accessKeysIn maps a namespace to its AccessKeys: its labels decide what ClusterKeyServices grant to them.
func (r *Reconciler) accessKeysIn(ctx context.Context, namespace client.Object) []reconcile.Request {
	return r.requests(ctx, client.InNamespace(namespace.GetName()))
}

// accessKeysWanting maps a Secret to the AccessKeys that want its name: it may have been in their way.
func (r *Reconciler) accessKeysWanting(ctx context.Context, secret client.Object) []reconcile.Request {
	return r.requests(ctx, client.InNamespace(secret.GetNamespace()), client.MatchingFields{indexSecretName: secret.GetName()})
}

func (r *Reconciler) requests(ctx context.Context, options ...client.ListOption) []reconcile.Request {
	var found v1alpha1.AccessKeyList
	if err := r.Client.List(ctx, &found, append(options, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil // only a cache that does not run fails, and its start enqueues every AccessKey
	}
	requests := make([]reconcile.Request, 0, len(found.Items))
	for i := range found.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
	}
	return requests
}
