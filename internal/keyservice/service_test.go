// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// limited is a service that has nothing but limits.
type limited struct {
	keyservice.Service

	limits keyservice.Limits
}

func (l limited) Limits() keyservice.Limits { return l.limits }

// TestEveryLimitIsACapability has the limits that no backend has together. The contract suite has the rest.
func TestEveryLimitIsACapability(t *testing.T) {
	limits := keyservice.Limits{KeysPerUser: 1, MaxTTL: time.Hour, DeletesLater: true, ActivatesLater: true, ReusesIDs: true, KeepsAccessKeyID: true, ListLag: time.Minute}
	want := keyservice.Capabilities{KeysPerUser: 1, MaxTTL: time.Hour, DeletesLater: true, ActivatesLater: true, ReusesIDs: true, KeepsAccessKeyID: true, ListLag: time.Minute}
	if got := keyservice.CapabilitiesOf(limited{limits: limits}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
