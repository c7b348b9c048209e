// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// pageSize is max_records. A page can be shorter and still not be the last.
const pageSize = "1000"

// fields names the fields to ask for, since a collection shows only names otherwise.
func (c *cluster) fields() string {
	const fields = "name,comment,access_key,key_expiry_time,key_time_to_live"
	if c.slots() > 1 {
		return fields + ",keys"
	}
	return fields
}

func readRequest(name string) rest.Request {
	return rest.Request{Op: "read user", Safe: true, Subject: describeUser(name), Method: http.MethodGet}
}

// read returns the user of exactly this name, nil if there is none. A service that ignores the case of names can return a user
// of another spelling, who would be taken for a second user with the same key.
func (s *Service) read(ctx context.Context, connected *cluster, name string) (*user, error) {
	found, err := s.readAnyCase(ctx, connected, name)
	if found != nil && found.name != name {
		return nil, nil
	}
	return found, err
}

// readAnyCase returns the user in the service's spelling, nil if there is none. Only the service's own code says so: a 404 can
// come from a proxy.
func (s *Service) readAnyCase(ctx context.Context, connected *cluster, name string) (*user, error) {
	get := readRequest(name)
	get.Path, get.Query = connected.usersPath()+"/"+url.PathEscape(name), url.Values{"fields": {connected.fields()}}
	answer, err := s.client.Do(ctx, get)
	if codeOf(err) == codeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var wire wireUser
	if json.Unmarshal(answer.Body, &wire) != nil || wire.Name == "" {
		return nil, get.Fail(keyservice.Unavailable, errNotONTAP)
	}
	found, err := wire.user()
	if err != nil {
		return nil, get.Fail(keyservice.Unavailable, err)
	}
	return found, nil
}

// ListAll implements keyservice.AllLister. The owners are the users' names. root is left out.
func (s *Service) ListAll(ctx context.Context) (map[string][]keyservice.Key, error) {
	connected, err := s.connected(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[string][]keyservice.Key{}
	query := url.Values{"fields": {connected.fields()}, "max_records": {pageSize}}
	err = rest.Pages(listRequest(), func(string) (string, error) {
		users, next, err := s.page(ctx, connected, query)
		for _, found := range users {
			if listed := found.list(); len(listed) > 0 && !strings.EqualFold(found.name, root) {
				keys[found.name] = listed
			}
		}
		if err != nil || next == nil {
			return "", err
		}
		if !next.Has("fields") {
			next.Set("fields", connected.fields()) // without it, every user would seem to have no key
		}
		query = next
		return next.Encode(), nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// page reads one page, and the query of the next one: nil if it was the last.
func (s *Service) page(ctx context.Context, connected *cluster, query url.Values) ([]*user, url.Values, error) {
	list := listRequest()
	list.Path, list.Query, list.Subject = connected.usersPath(), query, "SVM "+s.svm
	answer, err := s.client.Do(ctx, list)
	if codeOf(err) == codeNotFound {
		return nil, nil, invalid(list, ReasonSVMNotFound, fmt.Errorf(
			"the cluster no longer has the SVM or its S3 server; create the S3 server, or correct the KeyService's svm: %w", reasonOf(err)))
	}
	if err != nil {
		return nil, nil, err
	}
	users, next, err := decodePage(answer.Body, list.Path)
	if err != nil {
		return nil, nil, list.Fail(keyservice.Unavailable, err)
	}
	return users, next, nil
}

func listRequest() rest.Request {
	return rest.Request{Op: "list keys", Safe: true, Method: http.MethodGet}
}
