// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"accesskey.dev/operator/test/simulator"
)

const usersPath = "/api/protocols/s3/services/{svm}/users"

// These error codes are not specific to the object store. The general guide documents 1 to 4. Clusters return the others.
const (
	codeInvalid      = "2"
	codeUnsupported  = "3"
	codeNotFound     = "4"
	codeArgument     = "262179" // unknown member or parameter
	codeField        = "262197" // invalid value of a parameter
	codePermission   = "6"      // unconfirmed
	codeUnauthorized = "6691623"
	codeUndocumented = "92405999" // stands for codes that no source names
)

// apiError is an error response.
type apiError struct {
	status                int
	code, message, target string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// answer is a successful response. A nil body is sent as an empty body or as {}.
type answer struct {
	status   int
	body     any
	location string
	// change reports that the request changed something. A cluster can also run changes as jobs.
	change bool
}

// endpoint handles a request. The caller holds s.mu.
type endpoint func(r *http.Request) (answer, *apiError)

func (s *Simulator) routes() {
	s.Handle("GET /api/cluster", s.authorized(s.cluster, "fields", "return_timeout"))
	s.Handle("GET /api/svm/svms", s.authorized(s.listSVMs, "name", "uuid", "fields", "max_records", "order_by", "return_records", "return_timeout"))
	s.Handle("GET "+usersPath, s.authorized(s.inSVM(s.listUsers), "name", "fields", "max_records", "return_timeout", startName, startUUID))
	s.Handle("POST "+usersPath, s.authorized(s.inSVM(s.createUser), "return_records", "return_timeout"))
	s.Handle("GET "+usersPath+"/{name}", s.authorized(s.inSVM(s.getUser), "fields", "return_timeout"))
	s.Handle("PATCH "+usersPath+"/{name}", s.authorized(s.inSVM(s.changeUser), "regenerate_keys", "delete_keys", "return_records", "return_timeout"))
	s.Handle("DELETE "+usersPath+"/{name}", s.authorized(s.inSVM(s.deleteUser), "return_records", "return_timeout"))
	s.Handle("/", s.authorized(func(*http.Request) (answer, *apiError) {
		return answer{}, &apiError{http.StatusNotFound, codeUnsupported, "API not found", ""}
	}))
}

// authorized returns a handler for an endpoint that requires the account and its permission, and accepts only these parameters.
func (s *Simulator) authorized(handle endpoint, parameters ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		var good answer
		refused := s.admit(r, parameters)
		if refused == nil {
			good, refused = s.verified(r, handle)
		}
		s.mu.Unlock()
		s.write(w, good, refused)
	}
}

func (s *Simulator) admit(r *http.Request, parameters []string) *apiError {
	username, password, ok := r.BasicAuth()
	if !ok || username != s.options.Username || password != s.options.Password {
		return &apiError{http.StatusUnauthorized, codeUnauthorized, "User is not authorized.", ""}
	}
	if slices.ContainsFunc(s.denied, func(d rule) bool {
		return (d.method == "" || d.method == r.Method) && strings.HasPrefix(r.URL.Path, d.path)
	}) {
		return &apiError{http.StatusForbidden, codePermission, "not authorized for that command", ""}
	}
	return checkQuery(r.URL.RawQuery, parameters)
}

// checkQuery rejects unknown parameters and invalid values. If parameters is empty, it accepts any parameter.
func checkQuery(raw string, parameters []string) *apiError {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return &apiError{http.StatusBadRequest, codeInvalid, "the query cannot be read", ""}
	}
	for name := range query {
		if len(parameters) > 0 && !slices.Contains(parameters, name) {
			return unexpected(name)
		}
	}
	for _, name := range []string{"return_records", "regenerate_keys", "delete_keys"} {
		if _, refused := flag(query, name); refused != nil {
			return refused
		}
	}
	if _, ok := simulator.Number(query, "return_timeout", 15, 0, 120); !ok {
		return badValue("return_timeout", query.Get("return_timeout"))
	}
	return nil
}

// inSVM returns an endpoint that first checks that the SVM exists.
func (s *Simulator) inSVM(handle endpoint) endpoint {
	return func(r *http.Request) (answer, *apiError) {
		if r.PathValue("svm") != DefaultSVMUUID || (!s.server && r.Method != http.MethodPost) {
			return answer{}, s.notFound("svm.uuid")
		}
		return handle(r)
	}
}

// flag parses a boolean parameter. The vendor's own client sends values such as True.
func flag(query url.Values, name string) (bool, *apiError) {
	text := query.Get(name)
	if text == "" {
		return false, nil
	}
	set, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return false, badValue(name, text)
	}
	return set, nil
}

func unexpected(name string) *apiError {
	return &apiError{http.StatusBadRequest, codeArgument, fmt.Sprintf("Unexpected argument %q.", name), name}
}

func badValue(name, value string) *apiError {
	return &apiError{http.StatusBadRequest, codeField, fmt.Sprintf("The value %q is invalid for field %q", value, name), name}
}

func (s *Simulator) notFound(target string) *apiError {
	return &apiError{s.options.NotFoundStatus, codeNotFound, "entry doesn't exist", target}
}

// store returns an error of the object store.
func (s *Simulator) store(code, message string) *apiError {
	return &apiError{s.options.ErrorStatus, code, message, ""}
}

func (s *Simulator) write(w http.ResponseWriter, good answer, refused *apiError) {
	w.Header().Set("Content-Type", "application/hal+json")
	switch {
	case refused != nil:
		if refused.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="Private Area"`)
		}
		good = answer{status: refused.status, body: s.errorBody(refused)}
	case good.change && s.options.Jobs:
		const job = "f95a2f1a-1b0c-11ec-8a2c-005056bb0fd0"
		self := map[string]any{"self": map[string]any{"href": "/api/cluster/jobs/" + job}}
		good = answer{status: http.StatusAccepted, body: map[string]any{"job": map[string]any{"uuid": job, "_links": self}}}
	case good.body == nil && !s.options.EmptyAnswers:
		good.body = map[string]any{}
	}
	if good.location != "" {
		w.Header().Set("Location", good.location)
	}
	simulator.WriteJSON(w, max(good.status, http.StatusOK), good.body)
}

func (s *Simulator) errorBody(refused *apiError) any {
	if s.options.BareErrors {
		return nil
	}
	body := map[string]any{"message": refused.message, "code": refused.code}
	if number, err := strconv.Atoi(refused.code); err == nil && s.options.NumericCodes {
		body["code"] = number
	}
	if refused.target != "" {
		body["target"] = refused.target
	}
	return map[string]any{"error": body}
}

// decode reads a body that must be a single JSON object without unknown members. An empty body counts as an empty object.
func decode(r *http.Request, into any) *apiError {
	err := simulator.DecodeJSON(r.Body, into)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return unexpected(strings.Trim(name, `"`))
	}
	return &apiError{http.StatusBadRequest, codeInvalid, "The body cannot be read: " + err.Error(), ""}
}

func (s *Simulator) cluster(*http.Request) (answer, *apiError) {
	return answer{body: map[string]any{
		"name": "cluster1", "uuid": s.uuid,
		"version": map[string]any{
			"full":       "NetApp Release " + s.version.String() + "P2: Thu Jan 08 09:13:37 UTC 2026",
			"generation": s.version.Major(), "major": s.version.Minor(), "minor": s.version.Patch(),
		},
		"_links": links("/api/cluster"),
	}}, nil
}

func (s *Simulator) listSVMs(r *http.Request) (answer, *apiError) {
	query := r.URL.Query()
	records := []any{}
	for _, svm := range [][2]string{{DefaultSVM, DefaultSVMUUID}, {"other", "0b3d1f5e-8375-11e9-99e1-0050568e3ed9"}} {
		if (!query.Has("name") || query.Get("name") == svm[0]) && (!query.Has("uuid") || query.Get("uuid") == svm[1]) {
			records = append(records, map[string]any{"name": svm[0], "uuid": svm[1], "_links": links("/api/svm/svms/" + svm[1])})
		}
	}
	return answer{body: map[string]any{"records": records, "num_records": len(records), "_links": links(r.URL.RequestURI())}}, nil
}

func links(self string) map[string]any {
	return map[string]any{"self": map[string]any{"href": self}}
}
