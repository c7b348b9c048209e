// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// secretVersions has the metadata of every Secret, so that a changed credential is noticed without keeping one in memory. Of
// those that the operator manages, which can be credentials too, the manager's cache has more than that: they are not kept
// twice, and the events of the cache of the others do not tell of them.
type secretVersions struct {
	// Cache of the others.
	cache.Cache
	// managed reads from the manager's cache.
	managed client.Reader
	// namespaces of the manager's cache; none for all.
	namespaces []string
}

func newSecretVersions(mgr ctrl.Manager, config Config) (secretVersions, error) {
	options := CacheOptions(config.Namespaces)
	options.Scheme, options.Mapper, options.HTTPClient = mgr.GetScheme(), mgr.GetRESTMapper(), mgr.GetHTTPClient()
	options.ByObject = nil
	options.DefaultTransform = stripMetadata
	var err error
	if options.DefaultLabelSelector, err = labels.Parse(v1alpha1.ManagedByLabel + "!=" + v1alpha1.ManagedByValue); err != nil {
		return secretVersions{}, err
	}
	if len(config.Namespaces) > 0 && config.ClusterNamespace != "" && !slices.Contains(config.Namespaces, config.ClusterNamespace) {
		options.DefaultNamespaces[config.ClusterNamespace] = cache.Config{LabelSelector: labels.Everything()}
	}
	others, err := config.NewCache(mgr.GetConfig(), options)
	if err != nil {
		return secretVersions{}, fmt.Errorf("making the cache of Secrets' metadata: %w", err)
	}
	return secretVersions{Cache: others, managed: mgr.GetCache(), namespaces: config.Namespaces}, mgr.Add(startWithCaches{others})
}

// Get implements client.Reader for the metadata of a Secret.
func (s secretVersions) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	err := s.Cache.Get(ctx, key, into, opts...)
	found, ok := into.(*metav1.PartialObjectMetadata)
	if !apierrors.IsNotFound(err) || !ok || !s.manages(key.Namespace) {
		return err
	}
	secret := &corev1.Secret{}
	if err := s.managed.Get(ctx, key, secret, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	*found = metadataOf(secret)
	return nil
}

// List implements client.Reader for the metadata of Secrets of one namespace.
func (s secretVersions) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	if err := s.Cache.List(ctx, into, opts...); err != nil {
		return err
	}
	found, ok := into.(*metav1.PartialObjectMetadataList)
	if !ok || !s.manages((&client.ListOptions{}).ApplyOptions(opts).Namespace) {
		return nil
	}
	var managed corev1.SecretList
	if err := s.managed.List(ctx, &managed, append(opts, client.UnsafeDisableDeepCopy)...); err != nil {
		return err
	}
	for i := range managed.Items {
		found.Items = append(found.Items, metadataOf(&managed.Items[i]))
	}
	return nil
}

func (s secretVersions) manages(namespace string) bool {
	return len(s.namespaces) == 0 || slices.Contains(s.namespaces, namespace)
}

// secretMetadata is the type that the cache of Secrets' metadata goes by.
func secretMetadata() *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
}

// stripMetadata is the transform of the cache of Secrets' metadata.
func stripMetadata(object any) (any, error) {
	if full, ok := object.(*metav1.PartialObjectMetadata); ok && full.UID != "" { // without one it is done
		*full = metadataOf(full)
	}
	return object, nil
}

// metadataOf a Secret is what the operator uses of it.
func metadataOf(secret client.Object) metav1.PartialObjectMetadata {
	return metav1.PartialObjectMetadata{
		TypeMeta: secretMetadata().TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         secret.GetNamespace(),
			Name:              secret.GetName(),
			ResourceVersion:   secret.GetResourceVersion(),
			Finalizers:        secret.GetFinalizers(),
			DeletionTimestamp: secret.GetDeletionTimestamp(),
		},
	}
}
