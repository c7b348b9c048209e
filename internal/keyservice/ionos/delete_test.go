// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
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

func TestDeleteNeedsNoUser(t *testing.T) {
	b := newBed(t, cloud.Options{})
	key := b.create(t, 1)
	if err := b.Delete(t.Context(), "whoever", key.ID); err != nil || b.valid(key) {
		t.Errorf("got %v", err)
	}
}

func TestAKeyThatIsGoneIsDeleted(t *testing.T) {
	for name, test := range map[string]struct {
		options cloud.Options
		lists   int
	}{
		"as the service says":                            {cloud.Options{}, 0},
		"with no reason, after a look at the whole list": {cloud.Options{BareErrors: true, PageSize: 1}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options)
			b.makeKeys(t, 2)
			if err := b.Delete(t.Context(), "", "11111111-1111-5111-8111-111111111111"); err != nil {
				t.Error(err)
			}
			b.calls(t, deleteKey, 1)
			b.calls(t, getKeys, test.lists)
		})
	}
}

func TestFailuresOfADelete(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		gone   bool
		text   string
	}{
		"a proxy's 404":              {simulator.Answer(404, nil, "<html>"), keyservice.Unavailable, false, "still lists"},
		"a 404 without a body":       {simulator.Answer(404, nil, ""), keyservice.Unavailable, false, "still lists"},
		"a server error":             {simulator.Answer(500, nil, ""), keyservice.Unavailable, false, "500"},
		"unauthorized":               {simulator.Answer(401, nil, ""), keyservice.Unauthorized, false, "token is wrong"},
		"forbidden":                  {simulator.Answer(403, nil, ""), keyservice.Unauthorized, false, "privilege"},
		"throttled":                  {simulator.Throttle("5"), keyservice.Throttled, false, "429"},
		"redirected":                 {simulator.Answer(301, nil, ""), keyservice.Unavailable, false, "URL"},
		"refused":                    {simulator.Answer(409, nil, `{"messages":[{"message":"busy"}]}`), keyservice.Invalid, false, "busy"},
		"no answer, not carried out": {simulator.Drop(), keyservice.Unavailable, false, "closed the connection"},
		"no answer, but carried out": {simulator.DropAnswer(), keyservice.Unavailable, true, "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{})
			key := b.create(t, 1)
			b.list(t)
			b.cloud.Inject(anyDelete.Once(), test.effect)
			err := b.Delete(t.Context(), "", key.ID)
			expectKind(t, err, test.kind, "delete key: key "+key.ID+": ", test.text)
			if b.valid(key) == test.gone {
				t.Errorf("gone: %t", test.gone)
			}
			if err := b.Delete(t.Context(), "", key.ID); err != nil {
				t.Errorf("the repeated delete: %v", err)
			}
		})
	}
}

func TestAnUnansweredListLeavesARefusalOpen(t *testing.T) {
	b := newBed(t, cloud.Options{})
	key := b.create(t, 1)
	b.list(t)
	b.cloud.Inject(anyDelete, simulator.Answer(404, nil, ""))
	b.cloud.Inject(anyList, simulator.Answer(503, nil, ""))
	expectKind(t, b.Delete(t.Context(), "", key.ID), keyservice.Unavailable, "503")
}

func TestTheLastKeyMayHaveToStay(t *testing.T) {
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

func TestAnIDThatCannotBeAKeysIsNeverSent(t *testing.T) {
	b := newBed(t, cloud.Options{})
	for _, id := range []string{"", ".", "..", "../regions", "a/renew", "a?b", "a#b", "a%2fb", `a\b`, "a b", "a\n", "ä"} {
		t.Run(fmt.Sprintf("%q", id), func(t *testing.T) {
			expectKind(t, b.Delete(t.Context(), "", id), keyservice.Invalid, "delete key")
			_, err := b.Regenerate(t.Context(), "", id, 0)
			expectKind(t, err, keyservice.Invalid, "regenerate key")
		})
	}
	if calls := b.cloud.Calls(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}
