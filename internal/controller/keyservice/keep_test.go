// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"errors"
	"testing"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
)

// TestPermissionsAreKeptBeforeAFinalizerIsSet: without them, the operator could not remove it.
func TestPermissionsAreKeptBeforeAFinalizerIsSet(t *testing.T) {
	b := newBed(t)
	kept, away := 0, errors.New("the API server does not answer")
	b.r.Keep = func(_ context.Context, namespace string) error {
		if kept++; namespace != "a" {
			t.Errorf("keeps the permissions in namespace %q", namespace)
		}
		return away
	}
	b.reconcile("first")
	if kept > 0 {
		t.Error("keeps the permissions for a service that no AccessKey uses")
	}
	b.need("first", "x")
	b.expectMessage(v1alpha1.ReasonFinalizerRefused, away.Error())
	b.expectFinalizers()
	away = nil
	b.reconcile("first")
	b.expectFinalizers("KeyService first", "Secret shared")
	b.delete(kube.AccessKey, "x")
	before := kept
	b.reconcile("first")
	b.expectFinalizers()
	if kept != before {
		t.Error("keeps the permissions when the last AccessKey is gone")
	}
}
