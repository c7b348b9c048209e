// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"net/http"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"accesskey.dev/operator/api/v1alpha1"
)

// Manager is a manager for controllers. Methods that they do not use are missing.
type Manager struct {
	manager.Manager

	Types  *runtime.Scheme
	Client *Client
	Cache  *Cache
	Logger logr.Logger

	runnables []manager.Runnable
}

// Run starts all runnables, each in its own goroutine, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	for _, runnable := range m.runnables {
		go func() { _ = runnable.Start(ctx) }() // a controller fails only if its caches do
	}
}

// Add implements manager.Manager. Caches need no start.
func (m *Manager) Add(runnable manager.Runnable) error {
	if _, isCache := runnable.(interface{ GetCache() cache.Cache }); !isCache {
		m.runnables = append(m.runnables, runnable)
	}
	return nil
}

// GetScheme implements cluster.Cluster.
func (m *Manager) GetScheme() *runtime.Scheme { return m.Types }

// GetClient implements cluster.Cluster.
func (m *Manager) GetClient() client.Client { return m.Client }

// GetAPIReader implements cluster.Cluster.
func (m *Manager) GetAPIReader() client.Reader { return m.Client.Live() }

// GetCache implements cluster.Cluster.
func (m *Manager) GetCache() cache.Cache { return m.Cache }

// GetFieldIndexer implements cluster.Cluster.
func (m *Manager) GetFieldIndexer() client.FieldIndexer { return m.Cache }

// GetConfig implements cluster.Cluster.
func (m *Manager) GetConfig() *rest.Config { return nil }

// GetHTTPClient implements cluster.Cluster.
func (m *Manager) GetHTTPClient() *http.Client { return nil }

// GetLogger implements manager.Manager.
func (m *Manager) GetLogger() logr.Logger { return m.Logger }

// GetControllerOptions implements manager.Manager. All processes have controllers with the same names.
func (m *Manager) GetControllerOptions() config.Controller {
	return config.Controller{SkipNameValidation: ptr.To(true)}
}

// GetRESTMapper implements cluster.Cluster.
func (m *Manager) GetRESTMapper() meta.RESTMapper { return mapper }

var mapper = newMapper()

func newMapper() meta.RESTMapper {
	known := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion, corev1.SchemeGroupVersion})
	for _, kind := range []string{AccessKey, KeyService} {
		known.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	known.Add(v1alpha1.GroupVersion.WithKind(ClusterKeyService), meta.RESTScopeRoot)
	known.Add(corev1.SchemeGroupVersion.WithKind(Secret), meta.RESTScopeNamespace)
	known.Add(corev1.SchemeGroupVersion.WithKind(Namespace), meta.RESTScopeRoot)
	return known
}
