// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"strings"
	"testing"

	"accesskey.dev/operator/test/crash/kube"
)

// TestAServiceWhoseSecretIsBeingDeletedSaysSo: once the finalizer is removed, the keys of the service cannot be revoked.
func TestAServiceWhoseSecretIsBeingDeletedSaysSo(t *testing.T) {
	b := newBed(t)
	b.need("first", "x")
	b.reconcile("first")
	b.delete(kube.Secret, "shared")
	b.reconcile("first")
	if got := b.get("first").Status.Conditions[0].Message; !strings.Contains(got, "Secret a/shared is being deleted") {
		t.Errorf("reports %q", got)
	}
}

// TestAServiceIsReleasedWhenItsAccessKeyIsCreatedAgainForAnother: the new AccessKey has the name of the deleted one.
func TestAServiceIsReleasedWhenItsAccessKeyIsCreatedAgainForAnother(t *testing.T) {
	b := newBed(t)
	former := b.need("first", "x")
	b.reconcile("first")
	b.delete(kube.AccessKey, "x")
	b.need("another", "x")
	if got := b.r.serviceOfAccessKey(t.Context(), former); len(got) != 1 {
		t.Errorf("the deletion reconciles %v, and the finalizer stays until the next resync", got)
	}
}
