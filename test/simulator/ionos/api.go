// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"accesskey.dev/operator/test/simulator"
)

const keysPath = "/accesskeys"

// apiError is an error response.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// answer is a successful response. A nil body is sent as an empty body.
type answer struct {
	status int
	body   any
}

// endpoint handles a request of a user. The caller holds s.mu.
type endpoint func(r *http.Request, caller *user) (answer, *apiError)

func (s *Simulator) routes() {
	s.Handle("GET "+keysPath, s.authorized(s.listKeys))
	s.Handle("POST "+keysPath, s.authorized(s.createKey))
	s.Handle("GET "+keysPath+"/{id}", s.authorized(s.readKey))
	s.Handle("PUT "+keysPath+"/{id}", s.authorized(s.ensureKey))
	s.Handle("PUT "+keysPath+"/{id}/renew", s.authorized(s.renew))
	s.Handle("DELETE "+keysPath+"/{id}", s.authorized(s.deleteKey))
	s.Handle("/", func(w http.ResponseWriter, _ *http.Request) {
		s.write(w, answer{}, &apiError{http.StatusNotFound, "err-no-route", "there is no such resource"})
	})
}

// authorized returns a handler for an endpoint that requires a token and the privilege to use the Object Storage.
func (s *Simulator) authorized(handle endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answered, refused := s.admit(r, handle)
		s.mu.Unlock()
		s.write(w, answered, refused)
	}
}

func (s *Simulator) admit(r *http.Request, handle endpoint) (answer, *apiError) {
	s.sweep()
	text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	t, known := s.tokens[text]
	if !bearer || !known || (!t.expires.IsZero() && !s.Now().Before(t.expires)) {
		return answer{}, &apiError{http.StatusUnauthorized, "err-unauthorized", "the token is not valid"}
	}
	if t.user.barred {
		return answer{}, &apiError{
			s.options.PrivilegeStatus, "err-privilege", "the user is in no group with ACCESS_S3_OBJECT_STORAGE privilege",
		}
	}
	if id := r.PathValue("id"); id != "" && !isUUID(id) {
		return answer{}, &apiError{http.StatusBadRequest, "err-id", "the ID is not a UUID"}
	}
	return handle(r, t.user)
}

func (s *Simulator) write(w http.ResponseWriter, answered answer, refused *apiError) {
	if refused != nil {
		answered = answer{refused.status, map[string]any{}}
		if !s.options.BareErrors {
			answered.body = map[string]any{
				"httpStatus": refused.status,
				"messages":   []any{map[string]any{"errorCode": refused.code, "message": refused.message}},
			}
		}
	}
	simulator.WriteJSON(w, answered.status, answered.body)
}

// keyBody is a key that a client sends. The vendor's Go SDK also sends the read-only members, as empty strings. They are
// ignored.
type keyBody struct {
	ID         *string         `json:"id"`
	Metadata   *map[string]any `json:"metadata"`
	Properties *struct {
		Description     *string `json:"description"`
		AccessKey       any     `json:"accessKey"`
		SecretKey       any     `json:"secretKey"`
		CanonicalUserID any     `json:"canonicalUserId"`
		ContractUserID  any     `json:"contractUserId"`
	} `json:"properties"`
}

// readBody decodes a key and returns its description.
func (s *Simulator) readBody(r *http.Request) (string, *apiError) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return "", &apiError{http.StatusUnsupportedMediaType, "err-media", "the body must be application/json"}
	}
	var body keyBody
	if err := simulator.DecodeJSON(r.Body, &body); err != nil {
		return "", &apiError{http.StatusBadRequest, "err-body", err.Error()}
	}
	id := r.PathValue("id")
	switch {
	case body.Properties == nil || body.Properties.Description == nil:
		return "", &apiError{http.StatusUnprocessableEntity, "err-description", "properties.description is required"}
	case body.ID != nil && *body.ID != id:
		return "", &apiError{http.StatusUnprocessableEntity, "err-id", "the ID differs from the ID in the path"}
	}
	description := *body.Properties.Description
	if most := s.options.MaxDescription; most > 0 && len([]rune(description)) > most {
		return "", &apiError{
			http.StatusUnprocessableEntity, "err-description", fmt.Sprintf("properties.description is longer than %d characters", most),
		}
	}
	return description, nil
}

// isUUID reports whether text is a UUID of any version in lower case (RFC 9562).
var isUUID = regexp.MustCompile(`^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`).MatchString
