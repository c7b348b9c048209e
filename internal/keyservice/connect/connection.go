// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/internal/verify"
)

// Connection is a connected key service.
type Connection struct {
	keyservice.Service
	keyservice.Capabilities
	// Identity of the service, whatever its address. Two connections with one identity have the same users and keys.
	Identity string
	// Clock of the service.
	Clock *keyservice.ServiceClock
	// ReplacedAt is when it took the place of another one, because the spec or the credentials changed, in seconds; zero if it did
	// not. Failures before that say nothing.
	ReplacedAt time.Time
	// Timeout bounds each request to the service.
	Timeout time.Duration
	// DataPlane is where pairs are verified; nil if the KeyService has no s3.
	DataPlane *verify.DataPlane

	http        *http.Client
	period      time.Duration
	mu          sync.Mutex
	inventories map[string]*keyservice.Inventory
	// pruned is when the inventories of users were last dropped that no AccessKey asks for any more.
	pruned time.Time
}

// connect makes the Service and asks it for its version, where that decides what it can do, and for its identity.
func (p *Pool) connect(ctx context.Context, service v1alpha1.GenericKeyService, material secrets, gate *rest.Gate) (*Connection, error) {
	spec := service.GetSpec()
	serviceClock := &keyservice.ServiceClock{Now: p.Clock.Now}
	// The identity of the Pod is for ClusterKeyServices, which administrators create.
	to := endpoint{clock: p.Clock, service: serviceClock, gate: gate, ownIdentity: service.GetNamespace() == "", base: p.Transport}
	connected, httpClient, err := connect(spec, material, to)
	if err != nil {
		return nil, err
	}
	dataPlane, err := connectDataPlane(spec, material, to)
	if err != nil {
		return nil, err
	}
	identity, err := identify(ctx, connected)
	if err != nil {
		httpClient.CloseIdleConnections()
		return nil, err
	}
	return &Connection{
		Service:      connected,
		Capabilities: keyservice.CapabilitiesOf(connected),
		Identity:     identity,
		Clock:        serviceClock,
		Timeout:      timeoutOf(spec),
		DataPlane:    dataPlane,
		http:         httpClient,
		period:       p.ResyncPeriod,
		inventories:  map[string]*keyservice.Inventory{},
	}, nil
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
		c.prune()
		c.inventories[user] = &keyservice.Inventory{Lister: lister, Clock: c.Clock, Period: c.period}
	}
	return c.inventories[user]
}

// Answered notes that the service has listed the keys of a user live. It says nothing about a listing of all keys, which may fail for its
// size.
func (c *Connection) Answered(user string) {
	if !c.ListsAll {
		c.Inventory(user).Answered()
	}
}

// prune drops the inventories of users that no AccessKey asks for any more, once per period.
func (c *Connection) prune() {
	now := c.Clock.Now()
	if now.Before(c.pruned.Add(c.period)) {
		return
	}
	c.pruned = now
	maps.DeleteFunc(c.inventories, func(_ string, inventory *keyservice.Inventory) bool { return inventory.Unused(now) })
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

// Verify asks the service which one it is. The error is an *Error if another one answers at the address now.
func (c *Connection) Verify(ctx context.Context) error {
	identity, err := identify(ctx, c.Service)
	if err != nil || SameService(identity, c.Identity) {
		return err
	}
	return &Error{v1alpha1.ReasonIdentityChanged, fmt.Errorf("%s answers at the address of the KeyService, where %s was before", identity, c.Identity)}
}

// close closes the connections that carry no request.
func (c *Connection) close() {
	if c != nil && c.http != nil {
		c.http.CloseIdleConnections()
	}
	if c != nil && c.DataPlane != nil {
		c.DataPlane.Close()
	}
}

// identify reads the version of a service, where that decides what it can do, and its identity; empty if it has none.
func identify(ctx context.Context, service keyservice.Service) (string, error) {
	if connector, ok := service.(keyservice.Connector); ok {
		if err := connector.Connect(ctx); err != nil {
			return "", err
		}
	}
	identifier, ok := service.(keyservice.Identifier)
	if !ok {
		return "", nil
	}
	return identifier.Identity(ctx)
}

// SameService reports whether two identities are, or may be, of one service. Some are not known: an empty one, and that of an
// IONOS token without claims, which changes with the token. The identity of an SVM has the UUID of its cluster only if the
// account may see it.
func SameService(one, other string) bool {
	unknown := func(identity string) bool { return identity == "" || strings.HasPrefix(identity, "ionos/token-") }
	if one == other || unknown(one) || unknown(other) {
		return true
	}
	return strings.HasPrefix(one, "ontap/") && strings.HasPrefix(other, "ontap/") && path.Base(one) == path.Base(other) &&
		strings.Count(one, "/") != strings.Count(other, "/")
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
