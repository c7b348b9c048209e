// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// measureYardstick lets the generator handle AccessKeys of the floor's group, as an administrator.
func (w *world) measureYardstick(ctx context.Context, _ pattern, r *round) error {
	if err := w.startProcess(ctx, w.generator, "--group="+floorGroup, "--kubeconfig="+w.cluster.Kubeconfig); err != nil {
		return err
	}
	b, err := w.newBatch(ctx, "yardstick", r.keys)
	if err != nil {
		return err
	}
	b.floor = true
	if r.yardstick, err = w.work(ctx, "The yardstick", func() (pace, error) { return w.apply(ctx, b) }); err != nil {
		return err
	}
	return errors.Join(w.stopManager(), each(ctx, len(b.namespaces), len(b.namespaces), func(i int) error {
		in := client.InNamespace(b.namespaces[i])
		return errors.Join(w.floor.DeleteAllOf(ctx, &v1alpha1.AccessKey{}, in), w.floor.DeleteAllOf(ctx, &corev1.Secret{}, in))
	}))
}
