// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/secret"
)

// view is what a person may see of the AccessKeys of a cluster and of what they leave behind.
type view struct {
	// namespace is the only one that was read; empty for all.
	namespace  string
	accessKeys []v1alpha1.AccessKey
	records    []secretRecord
	// identities are those of the key services that were seen.
	identities map[serviceKey]string
	// missing says what could not be seen, and which right that takes.
	missing []string
}

// serviceKey is the kind, namespace and name of a key service.
type serviceKey struct {
	kind string
	types.NamespacedName
}

// serviceOf returns the key service of an AccessKey.
func serviceOf(ak *v1alpha1.AccessKey) serviceKey {
	if ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService {
		return serviceKey{v1alpha1.KindClusterKeyService, types.NamespacedName{Name: ak.Spec.ServiceRef.Name}}
	}
	return serviceKey{v1alpha1.KindKeyService, types.NamespacedName{Namespace: ak.Namespace, Name: ak.Spec.ServiceRef.Name}}
}

// readView reads the AccessKeys of a namespace, or of all namespaces if it is empty, and what is needed to interpret them. If the
// user may not see all namespaces, it reads the fallback.
func readView(ctx context.Context, c client.Client, namespace, fallback string) (view, error) {
	seen := view{namespace: namespace, identities: map[serviceKey]string{}}
	var accessKeys v1alpha1.AccessKeyList
	err := c.List(ctx, &accessKeys, client.InNamespace(namespace))
	if namespace == "" && apierrors.IsForbidden(err) {
		seen.miss("AccessKeys of namespaces other than "+fallback, "list on accesskeys.accesskey.dev in all namespaces")
		seen.namespace = fallback
		err = c.List(ctx, &accessKeys, client.InNamespace(fallback))
	}
	if err != nil {
		return view{}, err
	}
	seen.accessKeys = accessKeys.Items
	for _, read := range []func(context.Context, client.Client) error{seen.readServices, seen.readClusterServices, seen.readRecords} {
		if err := read(ctx, c); err != nil {
			return view{}, err
		}
	}
	return seen, nil
}

func (v *view) miss(what, right string) {
	v.missing = append(v.missing, fmt.Sprintf("not seen: %s (your rights lack %s)", what, right))
}

func (v *view) readServices(ctx context.Context, c client.Client) error {
	var services v1alpha1.KeyServiceList
	err := c.List(ctx, &services, client.InNamespace(v.namespace))
	for i := range services.Items {
		service := &services.Items[i]
		v.identities[serviceKey{v1alpha1.KindKeyService, client.ObjectKeyFromObject(service)}] = service.Status.Identity
	}
	return ignoreForbidden(err) // an AccessKey whose service was not seen may be of any
}

func (v *view) readClusterServices(ctx context.Context, c client.Client) error {
	var services v1alpha1.ClusterKeyServiceList
	err := c.List(ctx, &services)
	for i := range services.Items {
		service := &services.Items[i]
		v.identities[serviceKey{v1alpha1.KindClusterKeyService, client.ObjectKeyFromObject(service)}] = service.Status.Identity
	}
	return ignoreForbidden(err)
}

// readRecords reads the records on the operator's Secrets. It reads only their metadata.
func (v *view) readRecords(ctx context.Context, c client.Client) error {
	var secrets metav1.PartialObjectMetadataList
	secrets.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	err := c.List(ctx, &secrets, client.InNamespace(v.namespace), client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
	if apierrors.IsForbidden(err) {
		v.miss("the records on Secrets, which report keys whose AccessKey is gone", "list on secrets")
		return nil
	}
	for i := range secrets.Items {
		if record, ok := secret.RecordOf(&secrets.Items[i]); ok {
			v.records = append(v.records, secretRecord{client.ObjectKeyFromObject(&secrets.Items[i]), record})
		}
	}
	return err
}

func ignoreForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// at returns the AccessKeys and the records that are, or may be, of the service with this identity.
func (v *view) at(identity string) view {
	found := *v
	found.accessKeys = slices.DeleteFunc(slices.Clone(v.accessKeys), func(ak v1alpha1.AccessKey) bool {
		return !connect.SameService(v.identities[serviceOf(&ak)], identity)
	})
	found.records = slices.DeleteFunc(slices.Clone(v.records), func(record secretRecord) bool {
		return !connect.SameService(record.Service, identity)
	})
	return found
}

// users returns the users of a key service in its own notation: those of its AccessKeys, and those in the records on Secrets.
func (v *view) users(service serviceKey, identity string) (users []string) {
	for i := range v.accessKeys {
		ak := &v.accessKeys[i]
		known := v.identities[serviceOf(ak)]
		if serviceOf(ak) == service || known != "" && known == identity {
			users = append(users, cmp.Or(ak.Status.UserID, ak.Spec.User))
		}
	}
	for _, record := range v.records {
		if record.Service == identity && record.User != "" {
			users = append(users, record.User)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}
