// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"cmp"
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
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

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
	entries map[types.NamespacedName]entry
}

// entry is a connection and what it was made from.
type entry struct {
	uid types.UID
	// version changes with the spec and with every write to a Secret. It is cheap to read.
	version string
	// generation and material change only with the spec and with the data of the Secrets and the ConfigMap.
	generation int64
	material   string
	// gate stops requests while the service refuses the credentials in the material.
	gate *rest.Gate
	// connection is nil with err.
	connection *Connection
	// err of a failed attempt to connect, and when to try again.
	err     error
	retryAt time.Time
	// lost is what is missing of the material, although the connection is kept.
	lost error
	// rereadAt is when to read the ConfigMap again; zero if the spec refers to none.
	rereadAt time.Time
}

const (
	// connectRetry is how long the pool waits before it tries to connect to a service again, unless the error says how long.
	connectRetry = time.Minute
	// rereadPeriod is how long the content of a ConfigMap counts as current. ConfigMaps are not watched: a watch would keep the
	// metadata of every ConfigMap of the cluster in memory.
	rereadPeriod = time.Minute
)

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
	if known, ok := p.current(service, version); ok {
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
	if known, ok := p.current(service, version); ok {
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
	if known, ok := p.current(service, version); ok {
		return known.connection, known.err
	}
	material, err := readSecrets(ctx, p.Live, service.GetSpec(), p.SecretNamespace(service))
	if err != nil {
		return nil, err
	}
	known, ok := p.known(service)
	fresh := entry{uid: service.GetUID(), version: version, generation: specGeneration(service), material: material.digest(), gate: known.gate}
	if service.GetSpec().HasConfigMapCA() {
		fresh.rereadAt = p.Clock.Now().Add(rereadPeriod)
	}
	same := ok && known.generation == fresh.generation && known.material == fresh.material
	if !same {
		fresh.gate = rest.NewGate(p.Clock.Now, refusalsBefore(service, version, ok))
	}
	if same && known.err == nil {
		fresh.connection = known.connection
	} else if fresh.connection, err = p.connect(ctx, service, material, fresh.gate); err != nil {
		fresh = p.failed(service, fresh, known, err)
	} else {
		fresh.connection.replaces(known, fresh, p.Clock.Now())
	}
	p.store(client.ObjectKeyFromObject(service), fresh)
	return fresh.connection, fresh.err
}

// replaces notes that a connection was made from another spec or other Secrets than the one before.
func (c *Connection) replaces(known, fresh entry, now time.Time) {
	if known.uid == fresh.uid && (known.generation != fresh.generation || known.material != fresh.material) {
		c.ReplacedAt = now.Truncate(time.Second)
	}
}

// specGeneration returns the generation of a KeyService's spec: the API server also counts the beginning of a deletion, which changes
// nothing that a connection depends on.
func specGeneration(service v1alpha1.GenericKeyService) int64 {
	generation := service.GetGeneration()
	if !service.GetDeletionTimestamp().IsZero() {
		generation--
	}
	return generation
}

// failed returns the entry of a KeyService that was not connected. Where a Secret of one that is in use is gone, the connection
// is kept, so that keys can still be revoked and the Secret can be created again.
func (p *Pool) failed(service v1alpha1.GenericKeyService, fresh, known entry, err error) entry {
	local, blamed := errors.AsType[*Error](err)
	keep := known.connection != nil && known.generation == fresh.generation && controllerutil.ContainsFinalizer(service, v1alpha1.InUseFinalizer)
	switch {
	case !blamed:
		fresh.err, fresh.retryAt = err, p.Clock.Now().Add(cmp.Or(keyservice.RetryAfterOf(err), connectRetry))
	case local.Reason == v1alpha1.ReasonCredentialsNotFound && keep:
		fresh.connection, fresh.lost = known.connection, err
		fresh.material, fresh.gate = known.material, known.gate
	default:
		fresh.err = err
	}
	return fresh
}

// store replaces the entry of a KeyService.
func (p *Pool) store(name types.NamespacedName, fresh entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entries == nil {
		p.entries = map[types.NamespacedName]entry{}
	}
	if former := p.entries[name].connection; former != fresh.connection {
		former.close()
	}
	p.entries[name] = fresh
}

// current returns the entry of a KeyService if it is of this version, and neither a failure that is to be tried again nor a
// ConfigMap that is to be read again.
func (p *Pool) current(service v1alpha1.GenericKeyService, version string) (entry, bool) {
	known, ok := p.known(service)
	now := p.Clock.Now()
	tryAgain := known.err != nil && !now.Before(known.retryAt)
	readAgain := !known.rereadAt.IsZero() && !now.Before(known.rereadAt)
	return known, ok && known.version == version && !tryAgain && !readAgain
}

// known returns the entry of a KeyService; not that of another one that had its name before.
func (p *Pool) known(service v1alpha1.GenericKeyService) (entry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.entries[client.ObjectKeyFromObject(service)]
	if !ok || known.uid != service.GetUID() {
		return entry{}, false
	}
	return known, true
}

// Forget drops the connection of a KeyService that is gone, or whose address leads to another service now.
func (p *Pool) Forget(name types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries[name].connection.close()
	delete(p.entries, name)
}

// SecretsExpendable reports whether nothing is lost if the Secrets of a KeyService disappear now: the pool is connected with them,
// or they are of no use.
func (p *Pool) SecretsExpendable(ctx context.Context, service v1alpha1.GenericKeyService) (bool, error) {
	version, err := p.version(ctx, service)
	if err != nil {
		return false, err
	}
	known, ok := p.known(service)
	if !ok || known.version != version {
		return false, nil
	}
	_, useless := errors.AsType[*Error](known.err)
	return known.connection != nil || useless || known.gate.Refusals().Count > 0, nil
}

// Lost returns what is missing of the Secrets of a KeyService whose connection is kept nevertheless; nil if nothing is.
func (p *Pool) Lost(service v1alpha1.GenericKeyService) error {
	known, _ := p.known(service)
	return known.lost
}

// Refused returns how often in a row the service refused the credentials; nil if it accepted them, or if they were not sent. It
// is what the status says until the Secrets were read for the first time.
func (p *Pool) Refused(service v1alpha1.GenericKeyService) *v1alpha1.RefusedCredentials {
	known, ok := p.known(service)
	if !ok {
		return service.GetStatus().RefusedCredentials
	}
	refusals := known.gate.Refusals()
	if refusals.Count == 0 {
		return nil
	}
	return &v1alpha1.RefusedCredentials{
		Count: refusals.Count, NextAttempt: metav1.NewTime(refusals.Next), Version: known.version, Message: refusals.Reason,
	}
}

// refusalsBefore returns the refusals that the status has from before a restart, if they are of the same spec and Secrets.
func refusalsBefore(service v1alpha1.GenericKeyService, version string, connectedBefore bool) rest.Refusals {
	refused := service.GetStatus().RefusedCredentials
	if connectedBefore || refused == nil || refused.Version != version {
		return rest.Refusals{}
	}
	return rest.Refusals{Count: refused.Count, Next: refused.NextAttempt.Time, Reason: refused.Message}
}

// version returns a text that changes with everything that a connection depends on.
func (p *Pool) version(ctx context.Context, service v1alpha1.GenericKeyService) (string, error) {
	parts := []string{fmt.Sprint(specGeneration(service))}
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
