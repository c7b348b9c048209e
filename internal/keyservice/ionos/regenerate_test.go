// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestARegenerationCarriesNoBody(t *testing.T) {
	b := newBed(t, cloud.Options{})
	old := b.create(t, 1)
	var length int64
	var header http.Header
	b.cloud.Inject(anyRenew(old.ID), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		length, header = r.ContentLength, r.Header
		next.ServeHTTP(w, r)
	})
	if _, err := b.Regenerate(t.Context(), "", old.ID, 0); err != nil || length != 0 || header.Get("Content-Type") != "" ||
		header.Get("Content-Length") != "0" {
		t.Errorf("length %d, header %v, %v", length, header, err)
	}
}

func TestAKeyMayBeProvisionedAgainByItsRegeneration(t *testing.T) {
	b := newBed(t, cloud.Options{Provisioning: 10 * time.Second, ChangesProvision: true})
	old := b.create(t, 1)
	b.after(10 * time.Second)
	regenerated, err := b.Regenerate(t.Context(), "", old.ID, 0)
	if err != nil || regenerated.State != keyservice.Pending || b.valid(regenerated) || b.list(t)[old.ID].State != keyservice.Pending {
		t.Fatalf("got %+v, %v", regenerated.Key, err)
	}
	b.after(20 * time.Second)
	if !b.valid(regenerated) || b.list(t)[old.ID].State != keyservice.Active {
		t.Errorf("got %v", b.list(t))
	}
}

func TestARefusedRegenerationThatWillPassIsTriedAgain(t *testing.T) {
	for _, status := range []int{400, 403, 409, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			b := newBed(t, cloud.Options{
				Provisioning: time.Second, Destroying: time.Minute, RenewEarlyStatus: status, DestroyingStatus: status,
			})
			key := b.create(t, 1)
			_, err := b.Regenerate(t.Context(), "", key.ID, 0)
			expectKind(t, err, keyservice.Unavailable, "not available yet", fmt.Sprint(status))
			b.after(time.Second)
			if err := b.Delete(t.Context(), "", key.ID); err != nil {
				t.Fatal(err)
			}
			_, err = b.Regenerate(t.Context(), "", key.ID, 0)
			expectKind(t, err, keyservice.Unavailable, "the key is being deleted", fmt.Sprint(status))
		})
	}
}

func TestARefusalThatTheListDoesNotExplainIsReturned(t *testing.T) {
	b := newBed(t, cloud.Options{})
	key := b.create(t, 1)
	b.cloud.Inject(anyRenew(key.ID), simulator.Answer(422, nil, `{"messages":[{"message":"no"}]}`))
	for name, effect := range map[string]simulator.Effect{
		"it fails":             simulator.Answer(500, nil, ""),
		"it has not got it":    simulator.Answer(200, nil, `{"items":[]}`),
		"nothing is odd in it": nil,
	} {
		t.Run(name, func(t *testing.T) {
			if effect != nil {
				defer b.cloud.Inject(anyList, effect)()
			}
			_, err := b.Regenerate(t.Context(), "", key.ID, 0)
			expectKind(t, err, keyservice.Invalid, "422 Unprocessable Entity: no")
		})
	}
}
