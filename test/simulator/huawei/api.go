// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"accesskey.dev/operator/test/simulator"
)

const (
	usersPath = "/v5/users"
	keysPath  = usersPath + "/{user_id}/access-keys"
	keyPath   = keysPath + "/{access_key_id}"
	// milliseconds is the time layout of the service: always UTC with three decimal places.
	milliseconds = "2006-01-02T15:04:05.000Z"
)

// endpoint handles a request. The caller holds s.mu.
type endpoint func(r *http.Request) (answer, *apiError)

func (s *Simulator) routes() {
	s.Handle("GET "+usersPath, s.guarded(s.listUsers, ListUsers))
	s.Handle("GET "+keysPath, s.guarded(s.ofUser(s.listKeys), ListKeys))
	s.Handle("POST "+keysPath, s.guarded(s.ofUser(s.createKey), CreateKeys))
	s.Handle("PUT "+keyPath, s.guarded(s.ofUser(s.updateKey), UpdateKeys))
	s.Handle("DELETE "+keyPath, s.guarded(s.ofUser(s.deleteKey), DeleteKeys))
	s.Handle("GET "+keyPath+"/last-used", s.guarded(s.ofUser(s.showLastUsed), ShowLastUsed))
	s.Handle("/", func(w http.ResponseWriter, _ *http.Request) {
		s.write(w, answer{}, &apiError{
			http.StatusNotFound, gatewayUnknownAPI, "The API does not exist or has not been published in the environment",
		})
	})
}

// guarded returns a handler that checks the signature, the rate limit and the permission for the action before it calls the
// endpoint. Only the user of the operator has permissions.
func (s *Simulator) guarded(handle endpoint, action string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		userID, refused := s.admit(r)
		if refused == nil {
			refused = s.throttle()
		}
		if refused == nil && (userID != OperatorID || !s.actions[action]) {
			refused = &apiError{http.StatusForbidden, accessDenied, "access denied: no identity-based policy allows the " + action + " action"}
		}
		if refused != nil {
			s.write(w, answer{}, refused)
			return
		}
		result, refused := handle(r)
		s.write(w, result, refused)
	}
}

// ofUser returns an endpoint that first checks that the user exists. A path contains the ID of a user, not the name.
func (s *Simulator) ofUser(handle endpoint) endpoint {
	return func(r *http.Request) (answer, *apiError) {
		id := r.PathValue("user_id")
		if !slices.ContainsFunc(s.users, func(user User) bool { return user.ID == id }) {
			return answer{}, s.unknown("user: " + id)
		}
		return handle(r)
	}
}

func (s *Simulator) unknown(what string) *apiError {
	return &apiError{http.StatusNotFound, s.options.NotFoundCode, "Could not find " + what}
}

func (s *Simulator) listUsers(r *http.Request) (answer, *apiError) {
	var items []item
	for _, user := range s.users {
		items = append(items, item{user.ID, map[string]any{
			"user_id": user.ID, "user_name": user.Name, "is_root_user": false, "enabled": true, "description": "",
			"urn": "iam::" + s.options.DomainID + ":user:" + user.Name, "created_at": "2023-09-13T06:51:20.550Z",
		}})
	}
	return s.page(r.URL.Query(), "users", items)
}

func (s *Simulator) listKeys(r *http.Request) (answer, *apiError) {
	var items []item
	for _, pair := range s.listed(r.PathValue("user_id")) {
		items = append(items, item{pair.ID, s.metadata(pair)})
	}
	return s.page(r.URL.Query(), "access_keys", items)
}

// listed returns the keys that a list contains: the keys that existed before the list lag.
func (s *Simulator) listed(owner string) []simulator.Pair {
	past := s.Now().Add(-s.options.Lag)
	return slices.DeleteFunc(append([]simulator.Pair{s.operator}, s.History()...), func(pair simulator.Pair) bool {
		return pair.Owner != owner || pair.CreatedAt.After(past) || (!pair.Live() && !pair.DeletedAt.After(past))
	})
}

func (s *Simulator) metadata(pair simulator.Pair) map[string]any {
	status := "active"
	if s.inactive[pair.ID] {
		status = "inactive"
	}
	return map[string]any{
		"user_id": pair.Owner, "access_key_id": pair.AccessKeyID, "created_at": written(pair.CreatedAt), "status": status,
	}
}

func (s *Simulator) createKey(r *http.Request) (answer, *apiError) {
	if body, _ := io.ReadAll(r.Body); len(body) > 0 {
		return answer{}, &apiError{http.StatusBadRequest, invalidParameter, "the request takes no body"}
	}
	pair, secret, refused := s.makeKey(r.PathValue("user_id"), OperatorName)
	if refused != nil {
		return answer{}, refused
	}
	key := s.metadata(pair)
	key["secret_access_key"] = secret
	return answer{http.StatusCreated, map[string]any{"access_key": key}}, nil
}

func (s *Simulator) updateKey(r *http.Request) (answer, *apiError) {
	var body struct {
		Status string `json:"status"`
	}
	if err := simulator.DecodeJSON(r.Body, &body); err != nil {
		return answer{}, &apiError{http.StatusBadRequest, invalidParameter, "Request body is invalid."}
	}
	if body.Status != "active" && body.Status != "inactive" {
		return answer{}, &apiError{http.StatusBadRequest, invalidParameter, "Request parameter status is invalid."}
	}
	pair, refused := s.keyOf(r)
	if refused != nil {
		return answer{}, refused
	}
	s.inactive[pair.ID] = body.Status == "inactive"
	switch s.options.Updated {
	case "":
		return answer{http.StatusOK, map[string]any{"access_key": s.metadata(pair)}}, nil
	case "no body":
		return answer{http.StatusOK, nil}, nil
	default:
		return answer{http.StatusOK, json.RawMessage(s.options.Updated)}, nil
	}
}

func (s *Simulator) deleteKey(r *http.Request) (answer, *apiError) {
	pair, refused := s.keyOf(r)
	if refused != nil {
		return answer{}, refused
	}
	s.end(pair.ID, OperatorName)
	return answer{http.StatusNoContent, nil}, nil
}

func (s *Simulator) showLastUsed(r *http.Request) (answer, *apiError) {
	pair, refused := s.keyOf(r)
	if refused != nil {
		return answer{}, refused
	}
	used := map[string]any{}
	if at, ok := s.lastUsed[pair.ID]; ok {
		used["last_used_at"] = written(at)
	} else if s.options.UsedAtCreation {
		used["last_used_at"] = written(pair.CreatedAt)
	}
	return answer{http.StatusOK, map[string]any{"access_key_last_used": used}}, nil
}

// keyOf returns the key that the path names. A key that is newer than the list lag, or of another user, is unknown.
func (s *Simulator) keyOf(r *http.Request) (simulator.Pair, *apiError) {
	id := r.PathValue("access_key_id")
	pair, exists := s.pair(id)
	if !exists || pair.Owner != r.PathValue("user_id") || pair.CreatedAt.After(s.Now().Add(-s.options.Lag)) {
		return simulator.Pair{}, s.unknown("credential: " + id)
	}
	return pair, nil
}

func written(at time.Time) string { return at.UTC().Format(milliseconds) }
