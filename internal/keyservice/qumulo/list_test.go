// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

func TestListAllReadsEveryPageInEveryFormOfTheNextLink(t *testing.T) {
	for _, options := range []cluster.Options{
		{Next: cluster.NextRelative}, {Next: cluster.NextAbsolute}, {Next: cluster.NextForeign}, {NumericAuthID: true},
	} {
		t.Run(fmt.Sprint(options.Next, ", numeric auth_id ", options.NumericAuthID), func(t *testing.T) {
			options.PageSize = 3
			b := newBed(t, options)
			want := map[string][]string{}
			for _, name := range []string{"bob", "carol", "dave"} {
				want["auth_id:"+b.cluster.AddUser(name)] = b.makeKeys(t, "local:"+name)
			}
			all, err := b.ListAll(t.Context())
			if err != nil || len(all) != len(want) {
				t.Fatalf("got %d owners, %v", len(all), err)
			}
			for owner, keys := range all {
				if !slices.Equal(ids(keys), want[owner]) || !keys[0].CreatedAt.Equal(start) {
					t.Errorf("%s: got %v, want %v", owner, keys, want[owner])
				}
			}
			b.calls(t, getKeys, 2)
		})
	}
}

func TestAnIncompleteListIsAnError(t *testing.T) {
	page := func(next string) simulator.Effect {
		return simulator.Answer(200, nil, `{"entries":[{"access_key_id":"A","owner":{"auth_id":"1"}}],"paging":{"next":`+next+`}}`)
	}
	for name, test := range map[string]struct {
		effect simulator.Effect
		text   string
	}{
		"the next page has no cursor":       {page(`"/v1/s3/access-keys/?limit=5"`), "paging.next"},
		"the next page is no URI":           {page(`"http://[::1"`), "paging.next"},
		"the pages go in a circle":          {page(`"/v1/s3/access-keys/?after=A"`), "circle"},
		"a key has no ID":                   {simulator.Answer(200, nil, `{"entries":[{"owner":{"auth_id":"1"}}]}`), "access_key_id"},
		"an unknown path in Qumulo's words": {simulator.Answer(404, nil, `{"error_class":"rest_not_found_error"}`), "URL"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			b.cluster.Inject(anyList, test.effect)
			all, err := b.ListAll(t.Context())
			expectKind(t, err, keyservice.Unavailable, "list keys: ", test.text)
			if all != nil {
				t.Errorf("got %v", all)
			}
			_, err = b.List(t.Context(), "local:alice")
			expectKind(t, err, keyservice.Unavailable, test.text)
		})
	}
}

func TestAKeyWithoutAnOwnerIsListedAllTheSame(t *testing.T) {
	b := newBed(t, cluster.Options{})
	body := `{"entries":[{"access_key_id":"A","owner":null},{"access_key_id":"B","owner":{"auth_id":` + b.alice + `}}]}`
	b.cluster.Inject(anyList, simulator.Answer(200, nil, body))
	all, err := b.ListAll(t.Context())
	if err != nil || len(all[""]) != 1 || len(all["auth_id:"+b.alice]) != 1 {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestListGivesTheUsersKeysOnly(t *testing.T) {
	b := newBed(t, cluster.Options{PageSize: 1})
	b.cluster.AddUser("bob")
	b.makeKeys(t, "local:bob")
	want := b.makeKeys(t, "local:alice")
	for name, effect := range map[string]simulator.Effect{
		"when the service filters": nil,
		"when a proxy loses the query": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			query := r.URL.Query()
			query.Del("user")
			r.URL.RawQuery = query.Encode()
			next.ServeHTTP(w, r)
		},
		"when the service refuses to filter with 400": simulator.Answer(400, nil, ""),
		"when the service refuses to filter with 404": simulator.Answer(404, nil, `{"error_class":"x"}`),
		"when the name leads to a tombstone":          simulator.Answer(400, nil, `{"error_class":"cred_invalid_local_user_error"}`),
	} {
		t.Run(name, func(t *testing.T) {
			if effect != nil {
				defer b.cluster.Inject(simulator.Rule{Path: keysPath, Query: "user="}, effect)()
			}
			keys, err := b.List(t.Context(), "local:alice")
			if err != nil || !slices.Equal(ids(keys), want) {
				t.Errorf("got %v, %v, want %v", keys, err, want)
			}
		})
	}
}

func TestAFullListWithoutOwnersGivesTheUserNothing(t *testing.T) {
	b := newBed(t, cluster.Options{})
	if _, err := b.List(t.Context(), "local:alice"); err != nil {
		t.Fatal(err)
	}
	b.cluster.Inject(simulator.Rule{Path: keysPath, Query: "user="}, simulator.Answer(400, nil, ""))
	b.cluster.Inject(anyList, simulator.Answer(200, nil, `{"entries":[{"access_key_id":"A"}]}`))
	if keys, err := b.List(t.Context(), "local:alice"); err != nil || len(keys) != 0 {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestTheKeysOfADeletedUserAreStillListed(t *testing.T) {
	for _, refused := range []bool{false, true} {
		t.Run(fmt.Sprint("its auth_id is refused: ", refused), func(t *testing.T) {
			b := newBed(t, cluster.Options{DeletedOwnerRefused: refused})
			made := b.create(t, "local:alice")
			b.cluster.DeleteUser("alice")
			b.cluster.AddUser("alice")
			b.cluster.AddUser("another")
			b.makeKeys(t, "local:another")
			for _, user := range []string{"local:alice", "auth_id:" + b.alice} {
				keys, err := b.List(t.Context(), user)
				if err != nil || len(keys) != 1 || keys[0].ID != made.ID {
					t.Errorf("%s: got %v, %v", user, keys, err)
				}
			}
		})
	}
}

func TestTheNameOfADeletedUserIsNotFoundByANewProcess(t *testing.T) {
	b := newBed(t, cluster.Options{})
	b.create(t, "local:alice")
	b.cluster.DeleteUser("alice")
	b.cluster.AddUser("alice")
	fresh := b.connect(t, Config{Username: cluster.DefaultUsername, Password: cluster.DefaultPassword})
	_, err := fresh.List(t.Context(), "local:alice")
	expectKind(t, err, keyservice.NotFound, "auth_id:N", "cred_invalid_local_user_error")
}
