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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
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
	// Clock of the service.
	Clock *keyservice.ServiceClock

	period      time.Duration
	mu          sync.Mutex
	inventories map[string]*keyservice.Inventory
}

// Inventory is the shared resync: of the whole service, or where it can't list that, of the user.
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
		if c.inventories == nil {
			c.inventories = map[string]*keyservice.Inventory{}
		}
		c.inventories[user] = &keyservice.Inventory{Lister: lister, Clock: c.Clock, Period: c.period}
	}
	return c.inventories[user]
}

// Resync is the shared resync of the whole service, made or waited for if it is due. Zero where AccessKeys do not share one: the service
// can't list all, or none of them has asked yet.
func (c *Connection) Resync(ctx context.Context, now time.Time) (keyservice.Snapshot, error) {
	c.mu.Lock()
	inventory := c.inventories[""]
	c.mu.Unlock()
	if inventory == nil || !c.ListsAll {
		return keyservice.Snapshot{}, nil
	}
	return inventory.Await(ctx, now)
}

// oneUser lists one user in the place of the whole service.
type oneUser struct {
	service keyservice.Service
	user    string
}

// ListAll implements keyservice.AllLister.
func (o oneUser) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	keys, err := o.service.List(ctx, o.user)
	return map[string][]keyservice.Key{o.user: keys}, err
}

// Pool keeps one Connection per KeyService, made anew when its spec or one of its Secrets changes. Safe for concurrent
// use.
type Pool struct {
	// Live reads past every cache: credentials are never cached.
	Live client.Reader
	// SecretVersions reads the metadata of Secrets from a cache.
	SecretVersions client.Reader
	// ClusterNamespace holds the Secrets of ClusterKeyServices. Empty: they are not served.
	ClusterNamespace string
	// ResyncPeriod of the Inventories.
	ResyncPeriod time.Duration
	// Clock for services that want to be told the time.
	Clock clock.PassiveClock
	// Transport carries the requests to the services; nil for TLS over TCP.
	Transport http.RoundTripper

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
	// err of a service that did not say what it can do, and when to ask it again: by the monotonic clock, since the pool's
	// clock has one, so that a wall clock that is set back does not put it off.
	err     error
	retryAt time.Time
}

// connectRetry is how long a service that failed to connect is left alone.
const connectRetry = time.Minute

// SecretNamespace is where the Secrets of a KeyService are.
func (p *Pool) SecretNamespace(service v1alpha1.GenericKeyService) string {
	if service.GetNamespace() == "" {
		return p.ClusterNamespace
	}
	return service.GetNamespace()
}

// ServesCluster reports whether ClusterKeyServices are served.
func (p *Pool) ServesCluster() bool { return p.ClusterNamespace != "" }

// ErrNotNow is GetIf's answer to who may not connect.
var ErrNotNow = errors.New("the key service is not connected, and is not to be now")

// Get returns the connection of a KeyService. The error is *Error where a change of the KeyService or its Secrets mends it.
func (p *Pool) Get(ctx context.Context, service v1alpha1.GenericKeyService) (*Connection, error) {
	return p.GetIf(ctx, service, func() bool { return true })
}

// GetIf is Get for a caller that may have to leave it to the others to connect: where that takes time, it is asked first.
func (p *Pool) GetIf(ctx context.Context, service v1alpha1.GenericKeyService, may func() bool) (*Connection, error) {
	version, err := p.version(ctx, service)
	if err != nil {
		return nil, err
	}
	if known, ok := p.known(service.GetUID()); ok && p.holds(known, version) {
		return known.connection, known.err
	}
	if !may() {
		return nil, ErrNotNow
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

// renew reads the Secrets and connects, or keeps the connection if only metadata changed.
func (p *Pool) renew(ctx context.Context, service v1alpha1.GenericKeyService, version string) (*Connection, error) {
	known, ok := p.known(service.GetUID())
	if ok && p.holds(known, version) {
		return known.connection, known.err
	}
	material, err := readSecrets(ctx, p.Live, service.GetSpec(), p.SecretNamespace(service))
	if err != nil {
		return nil, err
	}
	fresh := entry{version: version, generation: service.GetGeneration(), material: material.digest()}
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

// holds: the entry is of this version, and no failure that is due to be tried again.
func (p *Pool) holds(known entry, version string) bool {
	return known.version == version && (known.err == nil || p.Clock.Now().Before(known.retryAt))
}

func (p *Pool) known(uid types.UID) (entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.entries[uid]
	return known, ok
}

// connect asks a service whose version decides what it can do, so that nothing is planned on less than it can.
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
	connection := &Connection{
		Service:      connected,
		Capabilities: keyservice.CapabilitiesOf(connected),
		Endpoint:     Endpoint(spec),
		Clock:        serviceClock,
		period:       p.ResyncPeriod,
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
		err := p.SecretVersions.Get(ctx, types.NamespacedName{Namespace: p.SecretNamespace(service), Name: name}, secret, client.UnsafeDisableDeepCopy)
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
