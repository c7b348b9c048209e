// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package hostile is a key service that answers whatever a fuzzer comes up with, and what a backend owes its caller all
// the same.
package hostile

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// Secret is the operator's credential: no error may tell it.
	Secret = "Geheim+0123/456789"
	// maxRequests is what no operation takes, not even one that meets pages without an end.
	maxRequests = 5000
)

// Service is an http.RoundTripper that gives one answer after the other, and the last one for ever. A script has answers
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

// Expect fails the test unless err is nil, or an error of a known kind that tells nothing.
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
			s.t.Errorf("the error tells the secret: %s", text)
		}
	}
	const enough = 4096
	if len(text) > enough {
		s.t.Errorf("an error of %d bytes", len(text))
	}
}

// ExpectKeys fails the test if a key has no ID.
func (s *Service) ExpectKeys(keys []keyservice.Key) {
	s.t.Helper()
	for _, key := range keys {
		if key.ID == "" {
			s.t.Errorf("a key without an ID: %+v", key)
		}
	}
}

// ExpectCredential fails the test unless an issue without an error gave a pair.
func (s *Service) ExpectCredential(credential keyservice.Credential, err error) {
	s.t.Helper()
	s.Expect(err)
	if err == nil && (credential.ID == "" || credential.AccessKeyID == "" || credential.SecretAccessKey == "") {
		s.t.Errorf("issued %+v without an error", credential)
	}
	if err != nil && credential != (keyservice.Credential{}) {
		s.t.Errorf("issued %+v with the error %v", credential, err)
	}
}
