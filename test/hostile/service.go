// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package hostile is a key service with the answers of a fuzzer, and what a backend must return nevertheless.
package hostile

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// Secret is the operator's credential: no error may reveal it.
	Secret = "Geheim+0123/456789"
	// maxRequests is what no operation takes, not even one that meets pages without an end.
	maxRequests = 5000
)

// Service is an http.RoundTripper that gives one answer after the other, and then repeats the last one. A script has answers
// separated by lines of "---". Of each the first line is the status and a header, if any ("429 Retry-After: 5"), and the
// rest is the body. Status 0 loses the answer. A refusal quotes the request where it says AUTH or BODY.
type Service struct {
	t        *testing.T
	answers  []string
	requests int
}

// New returns a service that follows the script.
func New(t *testing.T, script string) *Service {
	t.Helper()
	return &Service{t: t, answers: strings.Split(script, "\n---\n")}
}

// Client is like those that backends are given.
func (s *Service) Client() *http.Client {
	return &http.Client{
		Transport:     s,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// RoundTrip implements http.RoundTripper.
func (s *Service) RoundTrip(request *http.Request) (*http.Response, error) {
	if s.requests++; s.requests > maxRequests {
		s.t.Fatal("the requests do not end")
	}
	answer := s.answers[min(s.requests, len(s.answers))-1]
	head, body, _ := strings.Cut(answer, "\n")
	number, line, _ := strings.Cut(head, " ")
	status, err := strconv.Atoi(number)
	if err != nil || status < 200 || status > 599 {
		return nil, errors.New("the answer is lost")
	}
	header := http.Header{"Date": {"Sun, 01 Mar 2026 12:00:00 GMT"}}
	if name, value, ok := strings.Cut(line, ":"); ok {
		header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if status >= 300 {
		body = s.quote(request, body)
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: request}, nil
}

func (s *Service) quote(request *http.Request, body string) string {
	var sent []byte
	if request.Body != nil {
		sent, _ = io.ReadAll(request.Body)
	}
	quoted := strings.Trim(strconv.Quote(string(sent)), `"`)
	return strings.NewReplacer("AUTH", request.Header.Get("Authorization"), "BODY", quoted).Replace(body)
}

// Fuzz gives a backend answers that no service gives, in every operation. open makes the backend; with a variant if it has one.
func Fuzz(f *testing.F, user, keyID string, scripts []string, open func(client *http.Client, variant bool) (keyservice.Service, error)) {
	f.Helper()
	for _, script := range scripts {
		for operation := range byte(len(operations)) {
			f.Add(operation, script)
		}
		f.Add(byte(0x80), script)
	}
	f.Fuzz(func(t *testing.T, operation byte, script string) {
		s := New(t, script)
		service, err := open(s.Client(), operation&0x80 != 0)
		if err != nil {
			t.Fatal(err)
		}
		s.Expect(operations[int(operation&0x7f)%len(operations)](s, service, user, keyID))
	})
}

// operations of a service. One that the service does not have does nothing.
var operations = []func(s *Service, service keyservice.Service, user, keyID string) error{
	func(s *Service, service keyservice.Service, user, _ string) error {
		keys, err := service.List(s.t.Context(), user)
		s.expectKeys(keys)
		return err
	},
	func(s *Service, service keyservice.Service, user, _ string) error {
		request := keyservice.CreateRequest{Owner: keyservice.Owner{UID: "11111111-aaaa-4aaa-8aaa-111111111111", Namespace: "a", Name: "b"}, TTL: time.Hour}
		if chooser, ok := service.(keyservice.HandleChooser); ok {
			request.ID = chooser.ChooseID(user, request.Owner, 1, nil)
		}
		return s.expectCredential(service.Create(s.t.Context(), user, request))
	},
	func(s *Service, service keyservice.Service, user, keyID string) error {
		return service.Delete(s.t.Context(), user, keyID)
	},
	able(func(s *Service, lister keyservice.AllLister, _, _ string) error {
		all, err := lister.ListAll(s.t.Context())
		for _, keys := range all {
			s.expectKeys(keys)
		}
		return err
	}),
	able(func(s *Service, prober keyservice.Prober, _, _ string) error {
		_, err := prober.Probe(s.t.Context())
		return err
	}),
	able(func(s *Service, regenerator keyservice.Regenerator, user, keyID string) error {
		return s.expectCredential(regenerator.Regenerate(s.t.Context(), user, keyID, time.Hour))
	}),
	able(func(s *Service, disabler keyservice.Disabler, user, keyID string) error {
		return disabler.Disable(s.t.Context(), user, keyID)
	}),
	able(func(s *Service, enabler keyservice.Enabler, user, keyID string) error {
		return enabler.Enable(s.t.Context(), user, keyID)
	}),
	able(func(s *Service, reporter keyservice.LastUsedReporter, user, keyID string) error {
		_, err := reporter.LastUsed(s.t.Context(), user, keyID)
		return err
	}),
	able(func(s *Service, resolver keyservice.UserResolver, user, _ string) error {
		id, err := resolver.ResolveUser(s.t.Context(), user)
		if (id == "") != (err != nil) {
			s.t.Errorf("resolved to %q, %v", id, err)
		}
		return err
	}),
	able(func(s *Service, identifier keyservice.Identifier, _, _ string) error {
		_, err := identifier.Identity(s.t.Context())
		return err
	}),
}

func able[Ability any](do func(s *Service, service Ability, user, keyID string) error) func(*Service, keyservice.Service, string, string) error {
	return func(s *Service, service keyservice.Service, user, keyID string) error {
		ability, ok := service.(Ability)
		if !ok {
			return nil
		}
		return do(s, ability, user, keyID)
	}
}

// Expect fails the test unless err is nil, or an error of a known kind without the secret.
func (s *Service) Expect(err error) {
	s.t.Helper()
	if err == nil {
		return
	}
	failed, ok := errors.AsType[*keyservice.Error](err)
	if !ok || failed.Op == "" {
		s.t.Fatalf("%T is no error of a key service: %v", err, err)
	}
	switch failed.Kind {
	case keyservice.Unavailable, keyservice.Throttled, keyservice.Unauthorized, keyservice.QuotaExceeded, keyservice.NotFound,
		keyservice.Invalid, keyservice.Ambiguous:
	default:
		s.t.Errorf("kind %q: %v", failed.Kind, err)
	}
	text := err.Error()
	for _, form := range []string{Secret, base64.StdEncoding.EncodeToString([]byte("admin:" + Secret))} {
		if strings.Contains(text, form) {
			s.t.Errorf("the error reveals the secret: %s", text)
		}
	}
	const enough = 4096
	if len(text) > enough {
		s.t.Errorf("an error of %d bytes", len(text))
	}
}

func (s *Service) expectKeys(keys []keyservice.Key) {
	s.t.Helper()
	for _, key := range keys {
		if key.ID == "" {
			s.t.Errorf("a key without an ID: %+v", key)
		}
	}
}

// expectCredential fails the test unless there is either a whole pair or an error, which it returns.
func (s *Service) expectCredential(credential keyservice.Credential, err error) error {
	s.t.Helper()
	if err == nil && (credential.ID == "" || credential.AccessKeyID == "" || credential.SecretAccessKey == "") {
		s.t.Errorf("issued %+v without an error", credential)
	}
	if err != nil && credential != (keyservice.Credential{}) {
		s.t.Errorf("issued %+v with the error %v", credential, err)
	}
	return err
}
