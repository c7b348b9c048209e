// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
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

// These error codes come from the vendor's documents: the error codes of IAM 5.0, of the API gateway and of the classic IAM.
const (
	accessDenied        = "PAP5.0001"
	invalidMarker       = "PAP5.0010"
	invalidParameter    = "IAM.0007"
	gatewayUnknownAPI   = "APIGW.0101"
	gatewayUnauthorized = "APIGW.0301"
	gatewayThrottled    = "APIGW.0308"
)

// apiError is an error response.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// answer is a successful response. A nil body is sent as an empty body.
type answer struct {
	status int
	body   any
}

// endpoint handles a request. The caller holds s.mu.
type endpoint func(r *http.Request) (answer, *apiError)

// routes registers each call with its permission (API reference of IAM 5.0, page of each call).
func (s *Simulator) routes() {
	s.Handle("GET "+usersPath, s.guarded(s.listUsers, "iam:users:listUsersV5"))
	s.Handle("GET "+keysPath, s.guarded(s.ofUser(s.listKeys), "iam:credentials:listCredentialsV5"))
	s.Handle("POST "+keysPath, s.guarded(s.ofUser(s.createKey), "iam:credentials:createCredentialV5"))
	s.Handle("PUT "+keyPath, s.guarded(s.ofUser(s.updateKey), "iam:credentials:updateCredentialV5"))
	s.Handle("DELETE "+keyPath, s.guarded(s.ofUser(s.deleteKey), "iam:credentials:deleteCredentialV5"))
	s.Handle("GET "+keyPath+"/last-used", s.guarded(s.ofUser(s.showLastUsed), "iam:credentials:showAccessKeyLastUsedV5"))
	s.Handle("/", func(w http.ResponseWriter, _ *http.Request) {
		s.write(w, answer{}, &apiError{http.StatusNotFound, gatewayUnknownAPI, "The API does not exist or has not been published in the environment"})
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
		if refused == nil && (userID != OperatorID || (s.actions != nil && !slices.Contains(s.actions, action))) {
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

func (s *Simulator) write(w http.ResponseWriter, result answer, refused *apiError) {
	if s.options.NoDate {
		w.Header()["Date"] = nil
	}
	w.Header().Set("X-Request-Id", simulator.Random(32, simulator.Hex))
	if refused != nil {
		result = answer{refused.status, s.shape(refused)}
		if refused.status == http.StatusTooManyRequests && s.options.RetryAfter != "" {
			w.Header().Set("Retry-After", s.options.RetryAfter)
		}
	}
	if result.body != nil {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	}
	simulator.WriteJSON(w, result.status, result.body)
}

// shape returns the body of an error response. The gateway documents only the flat shape for its own errors.
func (s *Simulator) shape(refused *apiError) any {
	shape := s.options.Shape
	if shape != ShapeBare && strings.HasPrefix(refused.code, "APIGW.") {
		shape = ShapeFlat
	}
	switch shape {
	case ShapeCode:
		return map[string]any{"code": refused.code, "message": refused.message, "request_id": simulator.Random(32, simulator.Hex)}
	case ShapeNested:
		return map[string]any{"error": map[string]any{"error_code": refused.code, "error_msg": refused.message}, "details": []any{}}
	case ShapeClassic:
		return map[string]any{"error": map[string]any{
			"code": refused.status, "message": refused.code + " " + refused.message, "title": http.StatusText(refused.status),
		}}
	case ShapeCamel:
		return map[string]any{"errorCode": refused.code, "errorMsg": refused.message}
	case ShapeBare:
		return nil
	default:
		body := map[string]any{"error_code": refused.code, "error_msg": refused.message, "request_id": simulator.Random(32, simulator.Hex)}
		if refused.code == accessDenied {
			body["encoded_authorization_message"] = simulator.Random(64, simulator.Hex) // differs in every response
		}
		return body
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
