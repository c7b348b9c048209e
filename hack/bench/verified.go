// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/admin"
)

// verifiedKeys are the AccessKeys of the service with a data plane. They are few, because the S3 server reads all accounts for
// each request.
const verifiedKeys = 100

// measureVerified lets the operator issue keys that it verifies at a real S3 server before it publishes them.
func (w *world) measureVerified(ctx context.Context, _ pattern, r *round) error {
	plane := w.simulators.S3
	err := w.keyService(ctx, "verified", "qumulo", func(spec *v1alpha1.KeyServiceSpec, account admin.Account) {
		fillQumulo(spec, account)
		spec.S3 = &v1alpha1.S3{Endpoint: plane.Endpoint, Region: plane.Region, TLS: &v1alpha1.TLS{CABundle: plane.CA}}
	})
	if err != nil {
		return err
	}
	if err := w.startManager(ctx); err != nil {
		return err
	}
	if err := w.manager.observed(ctx, r.observed); err != nil {
		return err
	}
	if err := w.ready(ctx, "verified"); err != nil {
		return err
	}
	// The first key of a key service sets its finalizer.
	first, err := w.newBatch(ctx, "first", 1)
	if err != nil {
		return err
	}
	b, err := w.newBatch(ctx, "verified", verifiedKeys)
	if err != nil {
		return err
	}
	first.service, b.service = "verified", "verified"
	if _, err := w.apply(ctx, first); err != nil {
		return err
	}
	took, err := w.work(ctx, "Issuing verified keys", func() (pace, error) { return w.apply(ctx, b) })
	r.verified = &took
	return errors.Join(err, w.stopManager())
}
