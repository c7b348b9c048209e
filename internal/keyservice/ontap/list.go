// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// maxPages ends a listing that would never end.
	maxPages = 1000
	// pageSize is max_records. A page can be shorter and still not be the last.
	pageSize = "1000"
)

// fields are asked for by name, since a collection gives nothing but names otherwise.
func (c *cluster) fields() string {
	const fields = "name,comment,access_key,key_expiry_time,key_time_to_live"
	if c.slots() > 1 {
		return fields + ",keys"
	}
	return fields
}

func readRequest(name string) request {
	return request{call: keyservice.Call{Op: "read user", Safe: true}, subject: describeUser(name), method: http.MethodGet}
}

// read returns the user of exactly this name, nil if there is none. A service that ignores the case of names can give
// another spelling, which would be taken for a second user with the same key: whoever has that is not the one asked for.
func (s *Service) read(ctx context.Context, connected *cluster, name string) (*user, error) {
	found, err := s.readAnyCase(ctx, connected, name)
	if found != nil && found.name != name {
		return nil, nil
	}
	return found, err
}

// readAnyCase returns the user, nil if there is none. Only the service's own code says so: a 404 can come from a proxy.
func (s *Service) readAnyCase(ctx context.Context, connected *cluster, name string) (*user, error) {
	get := readRequest(name)
	get.path, get.query = connected.usersPath()+"/"+url.PathEscape(name), url.Values{"fields": {connected.fields()}}
	answer, err := s.client.do(ctx, get)
	if codeOf(err) == codeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var wire wireUser
	if json.Unmarshal(answer.Body, &wire) != nil || wire.Name == "" {
		return nil, get.fail(keyservice.Unavailable, errNotONTAP)
	}
	found, err := wire.user()
	if err != nil {
		return nil, get.fail(keyservice.Unavailable, err)
	}
	return found, nil
}

// ListAll implements keyservice.AllLister. The owners are the users' names. root is left out.
func (s *Service) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	connected, err := s.connected(ctx)
	if err != nil {
		return nil, err
	}
	users, err := s.listUsers(ctx, connected)
	if err != nil {
		return nil, err
	}
	keys := map[string][]keyservice.Key{}
	for _, found := range users {
		if listed := found.list(); len(listed) > 0 && !strings.EqualFold(found.name, root) {
			keys[found.name] = listed
		}
	}
	return keys, nil
}

// listUsers reads every page, or fails: half a list would look like lost keys.
func (s *Service) listUsers(ctx context.Context, connected *cluster) ([]*user, error) {
	var all []*user
	query := url.Values{"fields": {connected.fields()}, "max_records": {pageSize}}
	seen := map[string]bool{query.Encode(): true}
	for range maxPages {
		users, next, err := s.page(ctx, connected, query)
		if err != nil {
			return nil, err
		}
		all = append(all, users...)
		if next == nil {
			return all, nil
		}
		if !next.Has("fields") {
			next.Set("fields", connected.fields()) // without it, every user would seem to have no key
		}
		if seen[next.Encode()] {
			return nil, listRequest().fail(keyservice.Unavailable, errors.New("the service's pages go in a circle"))
		}
		seen[next.Encode()] = true
		query = next
	}
	return nil, listRequest().fail(keyservice.Unavailable, errors.New("the service's list of users does not end"))
}

// page reads one page, and what to ask for the next one: nil if it was the last.
func (s *Service) page(ctx context.Context, connected *cluster, query url.Values) ([]*user, url.Values, error) {
	list := listRequest()
	list.path, list.query, list.subject = connected.usersPath(), query, "SVM "+s.svm
	answer, err := s.client.do(ctx, list)
	if codeOf(err) == codeNotFound {
		failed := list.fail(keyservice.Invalid, fmt.Errorf(
			"the cluster has the SVM or its S3 server no more; create the S3 server, or correct the KeyService's svm: %w", reasonOf(err)))
		failed.Reason = ReasonSVMNotFound
		return nil, nil, failed
	}
	if err != nil {
		return nil, nil, err
	}
	page, err := decodePage(answer.Body, list.path)
	if err != nil {
		return nil, nil, list.fail(keyservice.Unavailable, err)
	}
	return page.users, page.next, nil
}

func listRequest() request {
	return request{call: keyservice.Call{Op: "list keys", Safe: true}, method: http.MethodGet}
}
