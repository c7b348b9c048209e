// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// Connection is a connected key service.
type Connection struct {
	keyservice.Service
	keyservice.Capabilities
	// Identity of the service, whatever its address. Two connections with one identity have the same users and keys.
	Identity string
	// Clock of the service.
	Clock *keyservice.ServiceClock

	period      time.Duration
	mu          sync.Mutex
	inventories map[string]*keyservice.Inventory
}

// Inventory returns the shared resync: of the whole service, or of the user if the service cannot list all keys.
func (c *Connection) Inventory(user string) *keyservice.Inventory {
	c.mu.Lock()
	defer c.mu.Unlock()
	lister, ok := c.Service.(keyservice.AllLister)
	if ok {
		user = ""
	} else {
		lister = oneUser{c.Service, user}
	}
	if c.inventories[user] == nil {
		c.inventories[user] = &keyservice.Inventory{Lister: lister, Clock: c.Clock, Period: c.period}
	}
	return c.inventories[user]
}

// Resync returns the shared listing of the whole service, and makes it if it is due. It returns a zero Snapshot if the service
// cannot list all keys, or if no AccessKey has asked for the listing yet.
func (c *Connection) Resync(ctx context.Context, now time.Time) (keyservice.Snapshot, error) {
	c.mu.Lock()
	inventory := c.inventories[""]
	c.mu.Unlock()
	if inventory == nil || !c.ListsAll {
		return keyservice.Snapshot{}, nil
	}
	return inventory.Snapshot(ctx, now)
}

// oneUser lists one user instead of the whole service.
type oneUser struct {
	service keyservice.Service
	user    string
}

// ListAll implements keyservice.AllLister.
func (o oneUser) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	keys, err := o.service.List(ctx, o.user)
	return map[string][]keyservice.Key{o.user: keys}, err
}

// Pool keeps one Connection per KeyService, and replaces it when the spec or one of the Secrets changes. Safe for concurrent
// use.
type Pool struct {
	// Live reads without a cache, since credentials are never cached.
	Live client.Reader
	// SecretVersions reads the metadata of Secrets from a cache.
	SecretVersions client.Reader
	// ClusterNamespace holds the Secrets of ClusterKeyServices. Empty: they are not served.
	ClusterNamespace string
	// ResyncPeriod of the Inventories.
	ResyncPeriod time.Duration
	// Clock is given to services that need the time.
	Clock clock.PassiveClock
	// Transport carries the requests to the services; nil for TLS over TCP.
	Transport http.RoundTripper

	making  singleflight.Group
	mu      sync.Mutex
	entries map[types.UID]entry
}

// entry is a connection and what it was made from.
type entry struct {
	// version changes with the spec and with every write to a Secret. It is cheap to read.
	version string
	// generation and material change only with the spec and with the data of the Secrets.
	generation int64
	material   string
	connection *Connection
	// err of a failed attempt to connect, and when to try again.
	err     error
	retryAt time.Time
}

// connectRetry is how long the pool waits before it tries to connect to a service again.
const connectRetry = time.Minute

// SecretNamespace returns the namespace of the Secrets of a KeyService.
func (p *Pool) SecretNamespace(service v1alpha1.GenericKeyService) string {
	if service.GetNamespace() == "" {
		return p.ClusterNamespace
	}
	return service.GetNamespace()
}

// ServesCluster reports whether ClusterKeyServices are served.
func (p *Pool) ServesCluster() bool { return p.ClusterNamespace != "" }

// Connected returns the connection of a KeyService, or the error of the last attempt to connect, and does not wait for the
// service. connected is false if Get would have to connect.
func (p *Pool) Connected(ctx context.Context, service v1alpha1.GenericKeyService) (connection *Connection, connected bool, err error) {
	version, err := p.version(ctx, service)
	if err != nil {
		return nil, false, err
	}
	if known, ok := p.current(service.GetUID(), version); ok {
		return known.connection, true, known.err
	}
	return nil, false, nil
}

// Get returns the connection of a KeyService, and connects if necessary. The error is *Error if a change of the KeyService or
// of its Secrets fixes it.
func (p *Pool) Get(ctx context.Context, service v1alpha1.GenericKeyService) (*Connection, error) {
	version, err := p.version(ctx, service)
	if err != nil {
		return nil, err
	}
	if known, ok := p.current(service.GetUID(), version); ok {
		return known.connection, known.err
	}
	// Many callers come at once. They share one connection, and so one session and one resync.
	made, err, _ := p.making.Do(string(service.GetUID())+"/"+version, func() (any, error) { return p.refresh(ctx, service, version) })
	if err != nil {
		return nil, err
	}
	return made.(*Connection), nil //nolint:forcetypeassert // what refresh returns
}

// refresh reads the Secrets and connects, or keeps the connection if only metadata changed.
func (p *Pool) refresh(ctx context.Context, service v1alpha1.GenericKeyService, version string) (*Connection, error) {
	if known, ok := p.current(service.GetUID(), version); ok {
		return known.connection, known.err
	}
	material, err := readSecrets(ctx, p.Live, service.GetSpec(), p.SecretNamespace(service))
	if err != nil {
		return nil, err
	}
	fresh := entry{version: version, generation: service.GetGeneration(), material: material.digest()}
	known, ok := p.known(service.GetUID())
	if ok && known.err == nil && known.generation == fresh.generation && known.material == fresh.material {
		fresh.connection = known.connection
	} else if fresh.connection, err = p.connect(ctx, service.GetSpec(), material); err != nil {
		if _, remote := errors.AsType[*keyservice.Error](err); !remote {
			return nil, err
		}
		fresh.err, fresh.retryAt = err, p.Clock.Now().Add(connectRetry)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entries == nil {
		p.entries = map[types.UID]entry{}
	}
	p.entries[service.GetUID()] = fresh
	return fresh.connection, fresh.err
}

// current returns the entry of a KeyService if it is of this version, and not a failure that is to be tried again.
func (p *Pool) current(uid types.UID, version string) (entry, bool) {
	known, ok := p.known(uid)
	return known, ok && known.version == version && (known.err == nil || p.Clock.Now().Before(known.retryAt))
}

func (p *Pool) known(uid types.UID) (entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.entries[uid]
	return known, ok
}

// connect makes the Service and asks it for its version, where that decides what it can do, and for its identity.
func (p *Pool) connect(ctx context.Context, spec *v1alpha1.KeyServiceSpec, material secrets) (*Connection, error) {
	serviceClock := &keyservice.ServiceClock{Now: p.Clock.Now}
	connected, err := connect(spec, material, p.Clock, serviceClock, p.Transport)
	if err != nil {
		return nil, err
	}
	if connector, ok := connected.(keyservice.Connector); ok {
		if err := connector.Connect(ctx); err != nil {
			return nil, err
		}
	}
	identity := ""
	if identifier, ok := connected.(keyservice.Identifier); ok {
		if identity, err = identifier.Identity(ctx); err != nil {
			return nil, err
		}
	}
	return &Connection{
		Service:      connected,
		Capabilities: keyservice.CapabilitiesOf(connected),
		Identity:     identity,
		Clock:        serviceClock,
		period:       p.ResyncPeriod,
		inventories:  map[string]*keyservice.Inventory{},
	}, nil
}

// Forget drops the connection of a KeyService that is gone.
func (p *Pool) Forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.entries, uid)
}

// version returns a text that changes with everything that a connection depends on.
func (p *Pool) version(ctx context.Context, service v1alpha1.GenericKeyService) (string, error) {
	parts := []string{fmt.Sprint(service.GetGeneration())}
	for _, name := range service.GetSpec().SecretNames() {
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		err := p.SecretVersions.Get(ctx, types.NamespacedName{Namespace: p.SecretNamespace(service), Name: name}, secret, client.UnsafeDisableDeepCopy)
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("looking up Secret %s: %w", name, err)
		}
		parts = append(parts, secret.GetResourceVersion()) // empty if there is no such Secret
	}
	return strings.Join(parts, "/"), nil
}
