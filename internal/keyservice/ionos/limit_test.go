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

func TestTheOperatorsKeyAmongFiveIsTakenOver(t *testing.T) {
	for _, status := range []int{400, 403, 409, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			b := newBed(t, cloud.Options{LimitFirst: true, LimitStatus: status})
			b.makeKeys(t, 4)
			first := b.create(t, 1)
			crashed := b.connect(t, b.alice)
			second, err := crashed.Create(t.Context(), "", keyOf(crashed, 1))
			if err != nil || !b.valid(second) || b.valid(first) {
				t.Errorf("got %+v, %v", second.Key, err)
			}
		})
	}
}

func TestAKeyWithoutOurMarkIsNotTakenOver(t *testing.T) {
	for name, spoil := range map[string]func(*testBed, string){
		"since its description was edited": func(b *testBed, id string) { b.cloud.Describe(id, "mine now") },
		"since it failed":                  func(b *testBed, id string) { b.cloud.FailKey(id, "no space") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{LimitFirst: true})
			b.makeKeys(t, 4)
			first := b.create(t, 1)
			spoil(b, first.ID)
			_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
			expectKind(t, err, keyservice.QuotaExceeded)
			b.calls(t, putRenew, 0)
		})
	}
}

func TestKeysThatAreBeingDestroyedMayCountAgainstTheLimit(t *testing.T) {
	for name, test := range map[string]struct {
		options cloud.Options
		made    bool
	}{
		"if they do, the create fails until they are gone": {cloud.Options{}, false},
		"if they do not, the key is made":                  {cloud.Options{DestroyingUncounted: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Destroying = time.Minute
			b := newBed(t, test.options)
			foreign := b.makeKeys(t, 5)
			for _, key := range foreign[:2] {
				if err := b.Delete(t.Context(), "", key.ID); err != nil {
					t.Fatal(err)
				}
			}
			made, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
			if test.made {
				if err != nil || !b.valid(made) {
					t.Errorf("got %v", err)
				}
				return
			}
			expectKind(t, err, keyservice.Unavailable, "(5), of which 2 are still being deleted")
			b.after(time.Minute)
			b.create(t, 1)
		})
	}
}

func TestAFullUserDoesNotMakeEveryFailureALimit(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
	}{
		"not a wrong token":  {simulator.Answer(401, nil, ""), keyservice.Unauthorized},
		"not another server": {simulator.Answer(404, nil, ""), keyservice.Unavailable},
		"not a privilege": {
			simulator.Answer(422, nil, `{"messages":[{"message":"ACCESS_S3_OBJECT_STORAGE"}]}`), keyservice.Unauthorized,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{})
			b.makeKeys(t, 5)
			b.cloud.Inject(anyCreate, test.effect)
			_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
			expectKind(t, err, test.kind)
			b.calls(t, getKeys, 0)
		})
	}
}

func TestAMissingPrivilegeIsNamed(t *testing.T) {
	for _, status := range []int{403, 422} {
		for _, bare := range []bool{false, true} {
			t.Run(fmt.Sprint(status, " bare ", bare), func(t *testing.T) {
				b := newBed(t, cloud.Options{PrivilegeStatus: status, BareErrors: bare})
				b.cloud.SetPrivilege("alice", false)
				_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
				if status == 422 && bare {
					expectKind(t, err, keyservice.Invalid, "422") // nothing tells what it is about
					return
				}
				expectKind(t, err, keyservice.Unauthorized, "a group with the privilege to use the Object Storage (ACCESS_S3_OBJECT_STORAGE)")
			})
		}
	}
}
