// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"accesskey.dev/operator/test/simulator"
)

const (
	keysPath    = "/v1/s3/access-keys/"
	decodeError = "decode_error"
	// nanoseconds is the time layout of the cluster: always UTC with nine decimal places.
	nanoseconds = "2006-01-02T15:04:05.000000000Z"
)

// apiError is an error response.
type apiError struct {
	status      int
	class       string
	description string
}

func (e *apiError) Error() string { return e.class + ": " + e.description }

// endpoint handles a request. The first result is written as JSON; nil is an empty body. The caller holds s.mu.
type endpoint func(r *http.Request) (any, *apiError)

func (s *Simulator) routes() {
	s.Handle("POST /v1/session/login", s.open(s.login))
	s.Handle("GET /v1/version", s.open(s.version))
	s.Handle("GET /v1/session/who-am-i", s.authorized(s.whoAmI, nil))
	s.Handle("GET /v1/node/state", s.authorized(s.nodeState, nil))
	s.Handle("POST /v1/identity/find", s.authorized(s.findIdentity, nil))
	s.Handle("GET "+keysPath+"{$}", s.authorized(s.listKeys, s.options.ReadPrivileges))
	s.Handle("POST "+keysPath+"{$}", s.authorized(s.createKey, s.options.WritePrivileges))
	s.Handle("DELETE "+keysPath+"{id}", s.authorized(s.deleteKey, s.options.WritePrivileges))
	// The collection without its trailing slash does not exist. Without this route, ServeMux would redirect.
	notThere := s.open(func(*http.Request) (any, *apiError) {
		return nil, &apiError{http.StatusNotFound, "rest_not_found_error", "no such resource"}
	})
	s.Handle(strings.TrimSuffix(keysPath, "/"), notThere)
	s.Handle("/", notThere)
}

// open returns a handler for an endpoint that does not require a login.
func (s *Simulator) open(handle endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answer, refused := handle(r)
		s.mu.Unlock()
		s.write(w, answer, refused)
	}
}

// authorized returns a handler for an endpoint that requires a token and these privileges of the account.
func (s *Simulator) authorized(handle endpoint, privileges []string) http.HandlerFunc {
	return s.open(func(r *http.Request) (any, *apiError) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		expires, known := s.tokens[token]
		if !known || (!expires.IsZero() && !s.Now().Before(expires)) {
			return nil, &apiError{http.StatusUnauthorized, "unauthenticated_error", "Need to log in first."}
		}
		for _, privilege := range privileges {
			if !slices.Contains(s.privileges, privilege) {
				return nil, &apiError{http.StatusForbidden, "auth_insufficient_privileges_error", privilege + " is required"}
			}
		}
		return handle(r)
	})
}

func (s *Simulator) write(w http.ResponseWriter, answer any, refused *apiError) {
	status := http.StatusOK
	if refused != nil {
		status, answer = refused.status, nil
		if !s.options.BareErrors {
			answer = map[string]any{
				"module": "qm", "error_class": refused.class, "description": refused.description,
				"stack": []string{"qm::refuse"}, "user_visible": true, "inner": nil,
			}
		}
	}
	simulator.WriteJSON(w, status, answer)
}

func (s *Simulator) login(r *http.Request) (any, *apiError) {
	var credentials struct {
		Username *string `json:"username"`
		Password *string `json:"password"`
	}
	if refused := decode(r, &credentials); refused != nil {
		return nil, refused
	}
	if credentials.Username == nil || credentials.Password == nil {
		return nil, missing("username, password")
	}
	if *credentials.Username != DefaultUsername || *credentials.Password != s.options.Password {
		return nil, &apiError{http.StatusUnauthorized, "unauthenticated_error", "Incorrect username or password."}
	}
	return map[string]any{"bearer_token": s.issue("1:", s.Now().Add(s.options.SessionLife))}, nil
}

func (s *Simulator) version(*http.Request) (any, *apiError) {
	return map[string]any{
		"revision_id": s.options.Version, "build_id": "1.2.3", "flavor": "release", "build_date": "2026-01-01T00:00:00Z",
	}, nil
}

func (s *Simulator) whoAmI(*http.Request) (any, *apiError) {
	return map[string]any{
		"id": "500", "name": DefaultUsername, "primary_group": "513", "sid": "S-1-5-21-1-2-3-500", "uid": "",
		"home_directory": nil, "can_change_password": true, "privileges": s.privileges,
	}, nil
}

func (s *Simulator) nodeState(*http.Request) (any, *apiError) {
	return map[string]any{"node_id": 1, "state": "ACTIVE", "cluster_id": s.options.ClusterID}, nil
}

func (s *Simulator) findIdentity(r *http.Request) (any, *apiError) {
	var query identityQuery
	if refused := decode(r, &query); refused != nil {
		return nil, refused
	}
	if query.empty() {
		return nil, missing("auth_id, sid, uid, gid or name")
	}
	identity, refused := s.find(query)
	if refused != nil {
		return nil, refused
	}
	return s.full(identity), nil
}

func (s *Simulator) createKey(r *http.Request) (any, *apiError) {
	var body struct {
		User *identityQuery `json:"user"`
	}
	if refused := decode(r, &body); refused != nil {
		return nil, refused
	}
	if body.User == nil || body.User.empty() {
		return nil, missing("user")
	}
	owner, refused := s.find(*body.User)
	if refused != nil {
		return nil, refused
	}
	pair, secret, refused := s.makeKey(owner, DefaultUsername)
	if refused != nil {
		return nil, refused
	}
	return map[string]any{
		"access_key_id": pair.AccessKeyID, "secret_access_key": secret, "owner": s.full(owner),
		"creation_time": pair.CreatedAt.UTC().Format(nanoseconds),
	}, nil
}

func (s *Simulator) deleteKey(r *http.Request) (any, *apiError) {
	if !s.End(r.PathValue("id"), DefaultUsername) {
		return nil, &apiError{http.StatusNotFound, s.options.MissingKeyClass, "no such access key"}
	}
	return nil, nil
}

func (s *Simulator) listKeys(r *http.Request) (any, *apiError) {
	query := r.URL.Query()
	keys, next := s.LivePairs(), any(nil)
	if query.Has("user") {
		if query.Has("limit") || query.Has("after") {
			return nil, &apiError{http.StatusBadRequest, "http_bad_request_error", "user cannot be combined with limit or after"}
		}
		owner, refused := s.ownerOf(query.Get("user"))
		if refused != nil {
			return nil, refused
		}
		keys = s.LivePairsOf(owner)
	} else {
		limit, ok := simulator.Number(query, "limit", s.options.PageSize, 1, math.MaxInt)
		if !ok {
			return nil, &apiError{http.StatusBadRequest, decodeError, fmt.Sprintf("limit %q is not a positive number", query.Get("limit"))}
		}
		keys, next = s.page(r, keys, min(limit, s.options.PageSize))
	}
	entries := []any{}
	for _, pair := range keys {
		entries = append(entries, map[string]any{
			"access_key_id": pair.AccessKeyID, "owner": s.sparse(pair.Owner),
			"creation_time": pair.CreatedAt.UTC().Format(nanoseconds),
		})
	}
	return map[string]any{"entries": entries, "paging": map[string]any{"next": next}}, nil
}

// page returns the keys after ?after= and the value of paging.next. Keys are sorted by ID, not by creation time.
func (s *Simulator) page(r *http.Request, keys []simulator.Pair, limit int) ([]simulator.Pair, any) {
	after := r.URL.Query().Get("after")
	slices.SortFunc(keys, func(a, b simulator.Pair) int { return strings.Compare(a.ID, b.ID) })
	keys = slices.DeleteFunc(keys, func(pair simulator.Pair) bool { return pair.ID <= after })
	if len(keys) <= limit {
		return keys, nil
	}
	keys = keys[:limit]
	after = keys[limit-1].ID
	next := keysPath + "?" + url.Values{"after": {after}, "limit": {strconv.Itoa(limit)}}.Encode()
	switch s.options.Next {
	case NextAbsolute:
		next = "https://" + r.Host + next
	case NextForeign:
		next = "https://cluster.invalid:8000" + next
	default:
	}
	return keys, next
}

// decode reads a body that must be a single JSON object without unknown members.
func decode(r *http.Request, into any) *apiError {
	switch err := simulator.DecodeJSON(r.Body, into); {
	case errors.Is(err, io.EOF):
		return missing("body")
	case err != nil:
		return &apiError{http.StatusBadRequest, decodeError, err.Error()}
	}
	return nil
}

func missing(field string) *apiError {
	return &apiError{http.StatusBadRequest, decodeError, fmt.Sprintf("field '%s' not found", field)}
}
