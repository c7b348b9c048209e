// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// watch prints each AccessKey that changes after it was listed, until the context ends. If the connection is lost, the watch goes on
// where it ended.
func (s *session) watch(ctx context.Context, c client.WithWatch, list *v1alpha1.AccessKeyList, o *listOptions, show func(...entry) error) error {
	namespace, err := s.namespaceOf(o.allNamespaces)
	if err != nil {
		return err
	}
	reported := ""
	begin := func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		options.LabelSelector = o.selector
		watcher, err := c.Watch(ctx, &v1alpha1.AccessKeyList{}, &client.ListOptions{Namespace: namespace, Raw: &options})
		switch {
		case err == nil:
			reported = ""
		case !apierrors.IsForbidden(err) && ctx.Err() == nil && reported != err.Error():
			reported = err.Error()
			s.notef("the watch was interrupted, and is tried again: %s\n", err)
		}
		return watcher, err
	}
	quiet := klog.NewContext(ctx, logr.Discard()) // begin reports errors
	watcher, err := watchtools.NewRetryWatcherWithContext(quiet, list.ResourceVersion, &cache.ListWatch{WatchFuncWithContext: begin})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		ak, ok := event.Object.(*v1alpha1.AccessKey)
		if !ok {
			return fmt.Errorf("the watch ended: %w", apierrors.FromObject(event.Object))
		}
		each := entryOf(ak, s.now())
		if event.Type == watch.Deleted {
			each.health, each.next = health{ready: "-", reason: "Deleted", tone: faint}, nil
		}
		if err := show(each); err != nil {
			return err
		}
	}
	return nil
}
