// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestADeletionIsAcceptedAndTheKeyIsListedUntilItIsGone(t *testing.T) {
	for name, options := range map[string]cloud.Options{
		"and does not work meanwhile":        {},
		"and works meanwhile":                {DestroyingWorks: true},
		"and a repeated deletion is refused": {DestroyAgainStatus: 409},
		"or is not explained":                {DestroyAgainStatus: 422, BareErrors: true},
		"or forbidden":                       {DestroyAgainStatus: 403},
		"or finds nothing":                   {DestroyAgainStatus: 404},
		"or finds nothing and does not say":  {DestroyAgainStatus: 404, BareErrors: true},
	} {
		t.Run(name, func(t *testing.T) {
			options.Destroying = 10 * time.Second
			b := newBed(t, options)
			key, other := b.create(t, 1), b.create(t, 2)
			for range 2 {
				if err := b.Delete(t.Context(), "", key.ID); err != nil {
					t.Fatal(err)
				}
				if b.list(t)[key.ID].State != keyservice.Deleting || b.valid(key) != options.DestroyingWorks {
					t.Errorf("got %v", b.list(t))
				}
			}
			b.after(10 * time.Second)
			if _, listed := b.list(t)[key.ID]; listed || b.valid(key) || !b.valid(other) {
				t.Errorf("got %v", b.list(t))
			}
			if err := b.Delete(t.Context(), "", key.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAFailedListDoesNotDecideARefusal(t *testing.T) {
	b := newBed(t, cloud.Options{})
	key := b.create(t, 1)
	b.list(t)
	b.cloud.Inject(anyDelete, simulator.Answer(404, nil, ""))
	expectKind(t, b.Delete(t.Context(), "", key.ID), keyservice.Unavailable, "still lists")
	b.cloud.Inject(anyList, simulator.Answer(503, nil, ""))
	expectKind(t, b.Delete(t.Context(), "", key.ID), keyservice.Unavailable, "503")
}

func TestTheServiceMayRefuseToDeleteTheLastKey(t *testing.T) {
	for _, status := range []int{400, 403, 409, 422} {
		b := newBed(t, cloud.Options{LastKeyStatus: status})
		key := b.create(t, 1)
		err := b.Delete(t.Context(), "", key.ID)
		if err == nil || !b.valid(key) {
			t.Fatalf("%d: got %v", status, err)
		}
		want := keyservice.Invalid
		if status == 403 {
			want = keyservice.Unauthorized
		}
		expectKind(t, err, want, "delete key: key "+key.ID, "cannot be deleted while there are buckets")
	}
}
