// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const usersPath = "/api/protocols/s3/services/{svm}/users"

// Codes of errors beside those of the object store: the general guide's 1 to 4, and others that clusters answer.
const (
	codeInvalid      = "2"
	codeUnsupported  = "3"
	codeNotFound     = "4"
	codeArgument     = "262179" // an unknown member or parameter
	codeField        = "262197" // a value that a parameter can't have
	codeUnauthorized = "6691623"
	codeUndocumented = "92405999" // stands for a code that no source gives
)

// apiError is an answer that is not a success.
type apiError struct {
	status                int
	code, message, target string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// answer is what is written for a success: a body (nil: empty), and perhaps where the new resource is.
type answer struct {
	status   int
	body     any
	location string
	// change: something was done, which a cluster may also do in a job.
	change bool
}

// endpoint answers a request, or refuses it. Called with s.mu held.
type endpoint func(r *http.Request) (answer, *apiError)

func (s *Simulator) routes() {
	s.Handle("GET /api/cluster", s.authorized(s.cluster, "fields", "return_timeout"))
	s.Handle("GET /api/svm/svms", s.authorized(s.listSVMs, "name", "uuid", "fields", "max_records", "order_by", "return_records", "return_timeout"))
	collection := []string{
		"name", "comment", "access_key", "key_expiry_time", "key_time_to_live", "svm.name", "svm.uuid", "fields", "max_records",
		"order_by", "return_records", "return_timeout", startName, startUUID, "keys.id", "keys.access_key", "keys.expiry_time",
		"keys.time_to_live",
	}
	s.Handle("GET "+usersPath, s.authorized(s.inSVM(s.listUsers), collection...))
	s.Handle("POST "+usersPath, s.authorized(s.inSVM(s.createUser), "return_records", "return_timeout"))
	s.Handle("GET "+usersPath+"/{name}", s.authorized(s.inSVM(s.getUser), "fields", "return_timeout"))
	s.Handle("PATCH "+usersPath+"/{name}", s.authorized(s.inSVM(s.changeUser), "regenerate_keys", "delete_keys", "return_records", "return_timeout"))
	s.Handle("DELETE "+usersPath+"/{name}", s.authorized(s.inSVM(s.deleteUser), "return_records", "return_timeout"))
	s.Handle("/", s.authorized(func(*http.Request) (answer, *apiError) {
		return answer{}, &apiError{http.StatusNotFound, codeUnsupported, "API not found", ""}
	}))
}

// authorized wraps an endpoint that needs the account, and the right to it, and takes these parameters and no others.
func (s *Simulator) authorized(handle endpoint, parameters ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		var good answer
		refused := s.admit(r, parameters)
		if refused == nil {
			good, refused = handle(r)
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
		return &apiError{http.StatusForbidden, s.options.ForbiddenCode, "not authorized for that command", ""}
	}
	return checkQuery(r.URL.RawQuery, parameters)
}

// checkQuery refuses unknown parameters, and values that can't be. An unknown route takes any.
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
		if _, refused := flag(query, name, false); refused != nil {
			return refused
		}
	}
	if seconds := query.Get("return_timeout"); seconds != "" {
		if n, err := strconv.Atoi(seconds); err != nil || n < 0 || n > 120 {
			return badValue("return_timeout", seconds)
		}
	}
	return nil
}

// inSVM wraps an endpoint below an SVM.
func (s *Simulator) inSVM(handle endpoint) endpoint {
	return func(r *http.Request) (answer, *apiError) {
		if r.PathValue("svm") != s.options.SVMUUID {
			return answer{}, s.notFound("svm.uuid")
		}
		if !s.server && r.Method != http.MethodPost {
			return answer{}, s.notFound("svm.uuid")
		}
		return handle(r)
	}
}

// flag reads a boolean parameter, in which the vendor's own client begins with a capital.
func flag(query url.Values, name string, unset bool) (bool, *apiError) {
	text := query.Get(name)
	if text == "" {
		return unset, nil
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

// store is an error of the object store itself.
func (s *Simulator) store(code, message string) *apiError {
	return &apiError{s.options.ErrorStatus, code, message, ""}
}

func (s *Simulator) write(w http.ResponseWriter, good answer, refused *apiError) {
	w.Header().Set("Content-Type", "application/hal+json")
	switch {
	case refused != nil:
		s.writeError(w, refused)
		return
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
	w.WriteHeader(max(good.status, http.StatusOK))
	if good.body != nil {
		encode(w, good.body)
	}
}

// encode writes JSON. A client that left is no trouble of the simulator's.
func encode(w http.ResponseWriter, body any) {
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return
	}
}

func (s *Simulator) writeError(w http.ResponseWriter, refused *apiError) {
	if refused.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Private Area"`)
	}
	w.WriteHeader(refused.status)
	if s.options.BareErrors {
		return
	}
	body := map[string]any{"message": refused.message, "code": refused.code}
	if number, err := strconv.Atoi(refused.code); err == nil && s.options.NumericCodes {
		body["code"] = number
	}
	if refused.target != "" {
		body["target"] = refused.target
	}
	encode(w, map[string]any{"error": body})
}

// decode reads a body that is one JSON object of known members. An empty body is one without members.
func decode(r *http.Request, into any) *apiError {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil && decoder.More() {
		err = errors.New("data after the body")
	}
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
		"name": "cluster1", "uuid": "1cd8a442-86d1-11e0-ae1c-123478563412",
		"version": map[string]any{
			"full":       "NetApp Release " + s.version.String() + "P2: Thu Jan 08 09:13:37 UTC 2026",
			"generation": s.version[0], "major": s.version[1], "minor": s.version[2],
		},
		"_links": links("/api/cluster"),
	}}, nil
}

func (s *Simulator) listSVMs(r *http.Request) (answer, *apiError) {
	query := r.URL.Query()
	records := []any{}
	for _, svm := range [][2]string{{s.options.SVM, s.options.SVMUUID}, {"other", "0b3d1f5e-8375-11e9-99e1-0050568e3ed9"}} {
		if (!query.Has("name") || query.Get("name") == svm[0]) && (!query.Has("uuid") || query.Get("uuid") == svm[1]) {
			records = append(records, map[string]any{"name": svm[0], "uuid": svm[1], "_links": links("/api/svm/svms/" + svm[1])})
		}
	}
	return answer{body: map[string]any{"records": records, "num_records": len(records), "_links": links(r.URL.RequestURI())}}, nil
}

func links(self string) map[string]any {
	return map[string]any{"self": map[string]any{"href": self}}
}
