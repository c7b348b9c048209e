// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"errors"
	"testing"
)

type plainService struct{ keys int }

func (s plainService) Limits() Limits { return Limits{KeysPerUser: s.keys} }

func (plainService) List(context.Context, string) ([]Key, error) { return nil, nil }

func (plainService) Create(context.Context, string, CreateRequest) (Credential, error) {
	return Credential{}, nil
}

func (plainService) Delete(context.Context, string, string) error { return nil }

type listingService struct{ plainService }

func (listingService) ListAll(context.Context) (map[string][]Key, error) { return nil, nil }

func TestCapabilitiesOf(t *testing.T) {
	for name, test := range map[string]struct {
		service Service
		want    Capabilities
	}{
		"one key leaves no room for overlap": {plainService{1}, Capabilities{KeysPerUser: 1}},
		"two keys can overlap":               {plainService{2}, Capabilities{KeysPerUser: 2, Overlap: true}},
		"a service that lists everything":    {listingService{plainService{5}}, Capabilities{KeysPerUser: 5, Overlap: true, ListsAll: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := CapabilitiesOf(test.service); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAnErrorLeadsToItsCause(t *testing.T) {
	cause := errors.New("cause")
	if err := (&Error{Kind: Invalid, Op: "list keys", Err: cause}); !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}
