// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// WaitForFinalizerPolicy waits until the API server adds the finalizer to new AccessKeys. With the policy of config/finalizer it
// refuses them for some seconds after the CRD was installed, until it knows the schema.
func (c *Cluster) WaitForFinalizerPolicy(ctx context.Context) error {
	const probe = `{"apiVersion":"accesskey.dev/v1alpha1","kind":"AccessKey","metadata":{"name":"probe"},"spec":{"serviceRef":{"name":"probe"}}}`
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		out, err := c.Kubectl(ctx, []byte(probe), "create", "--namespace=default", "--dry-run=server", "--output=jsonpath={.metadata.finalizers}", "--filename=-")
		if err == nil && strings.Contains(out, v1alpha1.RevokeFinalizer) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server adds no finalizer to a new AccessKey: %q, %w", out, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
