// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Versions of the two APIs.
const (
	iamVersion = "2010-05-08"
	stsVersion = "2011-06-15"
)

// These error codes are used in several places.
const (
	accessDenied          = "AccessDenied"
	noSuchEntity          = "NoSuchEntity"
	signatureDoesNotMatch = "SignatureDoesNotMatch"
	validationError       = "ValidationError"
)

// apiError is an error response.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func forbidden(code, format string, args ...any) *apiError {
	return &apiError{http.StatusForbidden, code, fmt.Sprintf(format, args...)}
}

func invalid(code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *apiError {
	return &apiError{http.StatusNotFound, noSuchEntity, fmt.Sprintf(format, args...)}
}

func noSuchUser(name string) *apiError {
	return notFound("The user with name %s cannot be found.", name)
}

func noSuchKey(id string) *apiError { return notFound("The Access Key with id %s cannot be found", id) }

// call is a request of the Query API: an action with its parameters, which are a form.
type call struct {
	request *http.Request // as received, for its signature
	body    []byte
	form    url.Values
	action  string
	caller  caller
}

// sts reports whether the action is one of STS.
func (c *call) sts() bool { return c.action == "GetCallerIdentity" || c.action == "AssumeRole" }

// resource is what the action is about, as messages name it.
func (c *call) resource() string {
	if c.form.Has("UserName") {
		return "user " + c.form.Get("UserName")
	}
	return "*"
}

// endpoint is an action, the parameters that it knows, and its handler. The handler holds s.mu, and returns nil for an action
// without a result.
type endpoint struct {
	action     string
	parameters []string
	handle     func(c *call) ([]node, *apiError)
}

func (s *Simulator) routes() {
	create := []string{"UserName"}
	if s.options.ChoosesKeys {
		create = append(create, "AccessKeyId", "SecretAccessKey")
	}
	for _, e := range []endpoint{
		{"CreateAccessKey", create, s.createKey},
		{"ListAccessKeys", []string{"UserName", "Marker", "MaxItems"}, s.listKeys},
		{"UpdateAccessKey", []string{"UserName", "AccessKeyId", "Status"}, s.updateKey},
		{"DeleteAccessKey", []string{"UserName", "AccessKeyId"}, s.deleteKey},
		{"GetAccessKeyLastUsed", []string{"AccessKeyId"}, s.getLastUsed},
		{"GetUser", []string{"UserName"}, s.getUser},
		{"ListUsers", []string{"PathPrefix", "Marker", "MaxItems"}, s.listUsers},
		{"GetAccountSummary", nil, s.getAccountSummary},
		{"GetCallerIdentity", nil, s.getCallerIdentity},
		{"AssumeRole", []string{"RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds"}, s.assumeRole},
	} {
		s.Handle("POST /"+e.action, s.handler(e))
	}
	s.Handle("/", func(w http.ResponseWriter, r *http.Request) {
		switch c := callOf(r); {
		case c.request.URL.Path != s.options.Path:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<UnknownOperationException/>\n")
		case c.action == "":
			http.Redirect(w, r, "https://aws.amazon.com/iam/", http.StatusFound)
		default:
			s.handler(endpoint{action: c.action})(w, r)
		}
	})
}

// contextKey is the key of a *call in the context of a request.
type contextKey struct{}

func callOf(r *http.Request) *call { return r.Context().Value(contextKey{}).(*call) }

// ServeHTTP implements http.Handler. Every request of the Query API has the same path, so ServeHTTP puts the action into the path:
// rules of faults, and Calls, know "POST /CreateAccessKey".
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has disconnected
	}
	c := &call{request: r, body: body}
	if r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		c.form, _ = url.ParseQuery(string(body)) // a malformed form has no action
	}
	path := "/"
	if r.URL.Path == s.options.Path {
		c.action = c.form.Get("Action")
		path += url.PathEscape(c.action)
	}
	if s.options.Server != "" {
		w.Header().Set("Server", s.options.Server)
	}
	routed := r.WithContext(context.WithValue(r.Context(), contextKey{}, c))
	routed.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	routed.Body = io.NopCloser(bytes.NewReader(body))
	s.Core.ServeHTTP(w, routed)
}

// handler returns an HTTP handler that checks everything that is the same for all actions before it calls the endpoint.
func (s *Simulator) handler(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := callOf(r)
		var refused *apiError
		if c.caller, refused = s.admit(c); refused == nil {
			refused = s.check(c, e)
		}
		if refused != nil {
			s.write(w, c, nil, refused)
			return
		}
		result, refused := e.handle(c)
		s.write(w, c, result, refused)
	}
}

// check checks the version, the rate limit, the permission for the action, and the names of the parameters. AWS ignores unknown
// parameters. The simulator rejects them, because they are mistakes of the client.
func (s *Simulator) check(c *call, e endpoint) *apiError {
	version := iamVersion
	if c.sts() {
		version = stsVersion
	}
	got := "NO_VERSION_SPECIFIED"
	if c.form.Has("Version") {
		got = c.form.Get("Version")
	}
	if e.handle == nil || got != version {
		return invalid("InvalidAction", "Could not find operation %s for version %s", c.action, got)
	}
	if slices.Contains(s.options.Missing, c.action) {
		return &apiError{s.options.MissingStatus, s.options.MissingCode, "The action " + c.action + " is not valid for this endpoint."}
	}
	if refused := s.throttle(); refused != nil {
		return refused
	}
	if !c.sts() && !s.permits(c) {
		return forbidden(accessDenied, "User: %s is not authorized to perform: iam:%s on resource: %s because no identity-based policy allows the iam:%s action",
			s.arn(c.caller), c.action, c.resource(), c.action)
	}
	return checkParameters(c, e)
}

func checkParameters(c *call, e endpoint) *apiError {
	for name := range c.form {
		if name != "Action" && name != "Version" && !slices.Contains(e.parameters, name) {
			return invalid("MalformedInput", "unknown parameter %s", name)
		}
	}
	return nil
}

// permits reports whether the caller may use the action. Only the user of the operator and roles have permissions.
func (s *Simulator) permits(c *call) bool {
	if c.caller.user != nil && c.caller.user.name != OperatorName {
		return false
	}
	return s.actions == nil || slices.Contains(s.actions, "iam:"+c.action)
}

func (s *Simulator) createKey(c *call) ([]node, *apiError) {
	owner, refused := s.userOf(c)
	if refused != nil {
		return nil, refused
	}
	pair := chosen{c.form.Get("AccessKeyId"), c.form.Get("SecretAccessKey")}
	switch {
	case (pair.id == "") != (pair.secret == ""):
		return nil, invalid("InvalidInput", "AccessKeyId and SecretAccessKey must be supplied together")
	case pair.id != "" && s.key(pair.id) != nil && s.key(pair.id).Live():
		return nil, &apiError{http.StatusConflict, "EntityAlreadyExists", "AccessKeyId is already in use"}
	}
	made, refused := s.makeKey(owner, OperatorName, pair)
	if refused != nil {
		return nil, refused
	}
	return []node{branch("AccessKey", append(s.metadata(owner, made), leaf("SecretAccessKey", made.secret))...)}, nil
}

// metadata is what lists show of a key.
func (s *Simulator) metadata(owner *user, k *key) []node {
	status := active
	if k.inactive {
		status = s.options.InactiveWord
	}
	shown := []node{leaf("UserName", owner.name), leaf("AccessKeyId", k.AccessKeyID), leaf("Status", status)}
	switch s.options.Dates {
	case DatesAbsent:
	case DatesNanoseconds:
		shown = append(shown, leaf("CreateDate", k.CreatedAt.UTC().Format("2006-01-02T15:04:05.000000000Z")))
	default:
		shown = append(shown, leaf("CreateDate", written(k.CreatedAt)))
	}
	return shown
}

func (s *Simulator) updateKey(c *call) ([]node, *apiError) {
	if refused := checkKeyID(c); refused != nil {
		return nil, refused
	}
	status, refused := required(c, "Status")
	if refused != nil {
		return nil, refused
	}
	if status != active && status != inactive {
		return nil, invalid(validationError, "1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [Active, Inactive]", status)
	}
	k, refused := s.keyOf(c)
	if refused != nil {
		return nil, refused
	}
	s.setActive(k, status == active)
	return nil, nil
}

func (s *Simulator) deleteKey(c *call) ([]node, *apiError) {
	if refused := checkKeyID(c); refused != nil {
		return nil, refused
	}
	k, refused := s.keyOf(c)
	if refused != nil {
		if s.options.Lenient && refused.code == noSuchEntity {
			return nil, nil
		}
		return nil, refused
	}
	s.end(k, OperatorName)
	return nil, nil
}
