// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Cache is a process's view of the server, with informers that lag. The event handlers run in Deliver.
type Cache struct {
	cache.Cache
	// Consistent lets a new informer start with what the server has. client-go asks for such a list since version 0.35
	// (feature WatchListClient), but not every API server can give it.
	Consistent bool

	server *Server
	// behind is the lag of an informer: it does not deliver newer events.
	behind  func(kind string) time.Duration
	options cache.Options

	mu        sync.Mutex
	informers map[view]*informer
	views     []view                                 // of the informers, in order
	indexers  map[view]map[string]client.IndexerFunc // by field
}

// view identifies an informer: of one kind, whole objects or only metadata.
type view struct {
	kind     string
	metadata bool
}

// NewCache returns a cache with the filters and transforms of options. behind is the lag of the informers of a kind.
func NewCache(server *Server, options cache.Options, behind func(kind string) time.Duration) *Cache {
	return &Cache{
		server: server, options: options, behind: behind,
		informers: map[view]*informer{}, indexers: map[view]map[string]client.IndexerFunc{},
	}
}

// Deliver updates the informers as far as their lag allows, and calls the handlers. It reports whether anything was new.
func (c *Cache) Deliver() bool {
	c.mu.Lock()
	views := slices.Clone(c.views)
	c.mu.Unlock()
	moved := false
	for _, v := range views {
		for c.next(c.informers[v]) {
			moved = true
		}
	}
	return moved
}

func compareViews(a, b view) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(fmt.Sprint(a.metadata), fmt.Sprint(b.metadata)))
}

// next delivers one event to one informer.
func (c *Cache) next(i *informer) bool {
	if i.position == len(c.server.history) {
		return false
	}
	e := c.server.history[i.position]
	if time.Since(e.at) < c.behind(i.kind) {
		return false
	}
	c.mu.Lock()
	i.position++
	notify := i.apply(e, c.indexers[i.view])
	c.mu.Unlock()
	for _, tell := range notify {
		tell()
	}
	return true
}

// NextDelivery returns when the next event can be delivered, or zero.
func (c *Cache) NextDelivery() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var next time.Time
	for _, i := range c.informers {
		if i.position == len(c.server.history) {
			continue
		}
		if at := c.server.history[i.position].at.Add(c.behind(i.kind)); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// GetInformer implements cache.Informers. A new informer starts with a list that is as old as its lag, unless the cache is
// consistent.
func (c *Cache) GetInformer(_ context.Context, object client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.informer(object), nil
}

func (c *Cache) informer(object runtime.Object) *informer {
	v := view{kindOf(object), isMetadata(object)}
	if i, ok := c.informers[v]; ok {
		return i
	}
	i := &informer{cache: c, view: v, entries: map[types.NamespacedName]entry{}, labels: c.options.DefaultLabelSelector}
	for of, config := range c.options.ByObject {
		if kindOf(of) == v.kind {
			i.labels, i.transform = config.Label, config.Transform
		}
	}
	if i.transform == nil {
		i.transform = c.options.DefaultTransform
	}
	for i.position < len(c.server.history) && (c.Consistent || time.Since(c.server.history[i.position].at) >= c.behind(v.kind)) {
		i.apply(c.server.history[i.position], c.indexers[v])
		i.position++
	}
	c.informers[v] = i
	c.views = append(c.views, v)
	slices.SortFunc(c.views, compareViews)
	return i
}

// WaitForCacheSync implements cache.Informers.
func (c *Cache) WaitForCacheSync(context.Context) bool { return true }

// IndexField implements client.FieldIndexer. An index of metadata is apart from one of whole objects.
func (c *Cache) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.informer(object)
	if c.indexers[i.view] == nil {
		c.indexers[i.view] = map[string]client.IndexerFunc{}
	}
	c.indexers[i.view][field] = values
	for _, known := range i.entries {
		known.values[field] = values(known.object)
	}
	return nil
}

// Get implements client.Reader.
func (c *Cache) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.informer(into).entries[key]
	if !ok {
		return apierrors.NewNotFound(resource(kindOf(into)), key.Name)
	}
	return fill(into, found.object)
}

// List implements client.Reader.
func (c *Cache) List(_ context.Context, into client.ObjectList, opts ...client.ListOption) error {
	options := (&client.ListOptions{}).ApplyOptions(opts)
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.informer(into)
	var found []client.Object
	for _, name := range slices.SortedFunc(maps.Keys(i.entries), compareNames) {
		matches, err := i.entries[name].matches(options.FieldSelector)
		if err != nil {
			return err
		}
		if matches && selected(i.entries[name].object, options) {
			found = append(found, i.entries[name].object)
		}
	}
	return fillList(into, found)
}

func compareNames(a, b types.NamespacedName) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

// entry is an object in a cache, with its indexed values.
type entry struct {
	object client.Object
	values map[string][]string
}

func (e entry) matches(selector fields.Selector) (bool, error) {
	if selector == nil {
		return true, nil
	}
	for _, requirement := range selector.Requirements() {
		values, indexed := e.values[requirement.Field]
		if !indexed {
			return false, fmt.Errorf("there is no index %s", requirement.Field)
		}
		if !slices.Contains(values, requirement.Value) {
			return false, nil
		}
	}
	return true, nil
}

// informer caches one kind of object.
type informer struct {
	cache.Informer
	view

	cache     *Cache
	labels    labels.Selector
	transform toolscache.TransformFunc
	// position in the server's history.
	position int
	entries  map[types.NamespacedName]entry
	handlers []toolscache.ResourceEventHandler
}

// apply processes an event, and returns calls of the handlers. The caller holds the cache's lock.
func (i *informer) apply(e event, indexers map[string]client.IndexerFunc) (notify []func()) {
	if e.ref.Kind != i.kind {
		return nil
	}
	name := types.NamespacedName{Namespace: e.ref.Namespace, Name: e.ref.Name}
	before, known := i.entries[name]
	if e.object == nil || (i.labels != nil && !i.labels.Matches(labels.Set(e.object.GetLabels()))) {
		delete(i.entries, name)
		for _, handler := range i.handlers {
			if known {
				notify = append(notify, func() { handler.OnDelete(before.object) })
			}
		}
		return notify
	}
	now := entry{object: i.shown(e.object), values: map[string][]string{}}
	for field, values := range indexers {
		now.values[field] = values(now.object)
	}
	i.entries[name] = now
	for _, handler := range i.handlers {
		if known {
			notify = append(notify, func() { handler.OnUpdate(before.object, now.object) })
		} else {
			notify = append(notify, func() { handler.OnAdd(now.object, false) })
		}
	}
	return notify
}

// shown returns what the cache keeps of an object.
func (i *informer) shown(object client.Object) client.Object {
	var shown client.Object = metadataOf(object)
	if !i.metadata {
		shown = copyOf(object)
	}
	if i.transform == nil {
		return shown
	}
	transformed, err := i.transform(shown)
	if err != nil {
		panic(err) // no transform of the operator fails
	}
	return transformed.(client.Object)
}

// AddEventHandlerWithOptions implements cache.Informer.
func (i *informer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, _ toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	i.cache.mu.Lock()
	var first []client.Object
	for _, name := range slices.SortedFunc(maps.Keys(i.entries), compareNames) {
		first = append(first, i.entries[name].object)
	}
	i.handlers = append(i.handlers, handler)
	i.cache.mu.Unlock()
	for _, object := range first {
		handler.OnAdd(object, true)
	}
	return synced{}, nil
}

// synced is the registration of a handler that has received all objects.
type synced struct {
	toolscache.ResourceEventHandlerRegistration
}

// HasSynced implements toolscache.ResourceEventHandlerRegistration.
func (synced) HasSynced() bool { return true }
