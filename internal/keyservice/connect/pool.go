// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// Connection is a connected key service.
type Connection struct {
	keyservice.Service
	keyservice.Capabilities
	// Endpoint identifies the service.
	Endpoint string
	// Inventory is the shared resync; nil if the service can't list everything.
	Inventory *keyservice.Inventory
}

// Pool keeps one Connection per KeyService, made anew when its spec or one of its Secrets changes. Safe for concurrent
// use.
type Pool struct {
	// Live reads past every cache: credentials are never cached.
	Live client.Reader
	// SecretVersions reads the metadata of Secrets from a cache.
	SecretVersions client.Reader
	// ClusterNamespace holds the Secrets of ClusterKeyServices.
	ClusterNamespace string
	// ResyncPeriod of the Inventories.
	ResyncPeriod time.Duration

	making  singleflight.Group
	mu      sync.Mutex
	entries map[types.UID]entry
}

// entry is a connection and what it was made from.
type entry struct {
	// version changes with the spec and with any write to a Secret; it is cheap to know.
	version string
	// generation and material are what matters of that.
	generation int64
	material   string
	connection *Connection
}

// SecretNamespace is where the Secrets of a KeyService are.
func (p *Pool) SecretNamespace(service v1alpha1.GenericKeyService) string {
	if service.GetNamespace() == "" {
		return p.ClusterNamespace
	}
	return service.GetNamespace()
}

// Get returns the connection of a KeyService. The error is *Error where a change of the KeyService or its Secrets mends it.
func (p *Pool) Get(ctx context.Context, service v1alpha1.GenericKeyService) (*Connection, error) {
	version, err := p.version(ctx, service)
	if err != nil {
		return nil, err
	}
	if known, ok := p.known(service.GetUID()); ok && known.version == version {
		return known.connection, nil
	}
	// Many passes start at once; one connection, and so one session and one resync, has to serve them all.
	made, err, _ := p.making.Do(string(service.GetUID())+"/"+version, func() (any, error) { return p.renew(ctx, service, version) })
	if err != nil {
		return nil, err
	}
	connection, ok := made.(*Connection)
	if !ok {
		return nil, fmt.Errorf("connecting made a %T", made)
	}
	return connection, nil
}

// renew reads the Secrets and connects, or keeps the connection if only metadata changed. Nothing is sent by it.
func (p *Pool) renew(ctx context.Context, service v1alpha1.GenericKeyService, version string) (*Connection, error) {
	known, ok := p.known(service.GetUID())
	if ok && known.version == version {
		return known.connection, nil
	}
	material, err := readSecrets(ctx, p.Live, service.GetSpec(), p.SecretNamespace(service))
	if err != nil {
		return nil, err
	}
	fresh := entry{version: version, generation: service.GetGeneration(), material: material.digest()}
	if ok && known.generation == fresh.generation && known.material == fresh.material {
		fresh.connection = known.connection
	} else if fresh.connection, err = p.connect(service.GetSpec(), material); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entries == nil {
		p.entries = map[types.UID]entry{}
	}
	p.entries[service.GetUID()] = fresh
	return fresh.connection, nil
}

func (p *Pool) known(uid types.UID) (entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.entries[uid]
	return known, ok
}

func (p *Pool) connect(spec *v1alpha1.KeyServiceSpec, material secrets) (*Connection, error) {
	connected, err := connect(spec, material)
	if err != nil {
		return nil, err
	}
	connection := &Connection{
		Service:      connected,
		Capabilities: keyservice.CapabilitiesOf(connected),
		Endpoint:     Endpoint(spec),
	}
	if lister, ok := connected.(keyservice.AllLister); ok {
		connection.Inventory = &keyservice.Inventory{Lister: lister, Period: p.ResyncPeriod}
	}
	return connection, nil
}

// Forget drops the connection of a KeyService that is gone.
func (p *Pool) Forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.entries, uid)
}

// version changes with everything that a connection depends on.
func (p *Pool) version(ctx context.Context, service v1alpha1.GenericKeyService) (string, error) {
	parts := []string{fmt.Sprint(service.GetGeneration())}
	for _, name := range service.GetSpec().SecretNames() {
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		err := p.SecretVersions.Get(ctx, types.NamespacedName{Namespace: p.SecretNamespace(service), Name: name}, secret)
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("looking up Secret %s: %w", name, err)
		}
		if apierrors.IsNotFound(err) {
			parts = append(parts, "absent")
			continue
		}
		parts = append(parts, secret.GetResourceVersion())
	}
	return strings.Join(parts, "/"), nil
}

func trimLineBreak(value []byte) string { return strings.TrimRight(string(value), "\r\n") }
