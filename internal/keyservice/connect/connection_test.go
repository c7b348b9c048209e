// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
)

// TestInventoriesOfUsersThatNobodyAsksForAreDropped, so that they do not grow with every user that there ever was.
func TestInventoriesOfUsersThatNobodyAsksForAreDropped(t *testing.T) {
	clock := testclock.NewFakeClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	service := fake.New(fake.Options{Clock: clock})
	connection := &Connection{
		Service: service, Clock: &keyservice.ServiceClock{Now: clock.Now}, period: time.Minute, inventories: map[string]*keyservice.Inventory{},
	}
	ask := func(user string) {
		service.AddUser(user)
		if _, err := connection.Inventory(user).Snapshot(t.Context(), clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 100 {
		ask(fmt.Sprint("user-", n))
		ask("stays")
		clock.Step(time.Minute)
	}
	if known := len(connection.inventories); known > 5 || connection.inventories["stays"] == nil {
		t.Errorf("%d inventories are kept", known)
	}
}

// TestTheBeginningOfADeletionIsNoChangeOfTheSpec: the connection is kept, although the ConfigMap with its CA goes first.
func TestTheBeginningOfADeletionIsNoChangeOfTheSpec(t *testing.T) {
	service := &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
	before := specGeneration(service)
	service.Generation, service.DeletionTimestamp = 4, &metav1.Time{Time: time.Now()} // as the API server counts
	if after := specGeneration(service); after != before {
		t.Errorf("generation %d became %d", before, after)
	}
}
