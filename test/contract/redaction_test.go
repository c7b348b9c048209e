// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"

	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

var redactionCases = []contractCase{
	{"nothing secret is in an error, a log line or a metric, whatever the service quotes", everyone, nothingSecret},
	{"a printed backend or credential reveals no secret", everyone, printing},
}

// quoting faults are a service that repeats in its error what it was sent.
var quoting = []fault{
	{name: "quotes the Authorization header", effect: quote(func(r *http.Request) string { return r.Header.Get("Authorization") })},
	{name: "quotes what the Authorization header encodes", effect: quote(func(r *http.Request) string {
		username, password, _ := r.BasicAuth()
		return username + ":" + password + " " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	})},
	{name: "quotes the request's body", effect: quote(func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		return string(body)
	})},
}

// quote answers 400 with what words takes from the request, in the words of the subject that is served: see quoted.
func quote(words func(r *http.Request) string) simulator.Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		simulator.Answer(http.StatusBadRequest, nil, "QUOTE "+words(r))(w, r, next)
	}
}

// quoted puts what a quoting fault says into the form of the service's own errors.
func (s subject) quoted(f fault) fault {
	effect := f.effect
	if !strings.HasPrefix(f.name, "quotes") {
		return f
	}
	f.effect = func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		effect(&wording{ResponseWriter: w, refusal: s.refusal}, r, next)
	}
	return f
}

type wording struct {
	http.ResponseWriter

	refusal func(words string) string
}

// Write implements io.Writer.
func (w *wording) Write(p []byte) (int, error) {
	_, err := io.WriteString(w.ResponseWriter, w.refusal(string(p)))
	return len(p), err
}

// nothingSecret makes every request fail in ways that could reveal a secret, and searches for the secret in all output.
func nothingSecret(t *testing.T, s subject) {
	met := map[string]bool{}
	each(t, s, func(op operation) {
		for _, r := range s.requests[op.name] {
			if !met[r.name] {
				check(t, s, fmt.Sprint(op.name, ": ", r.name), func(t *testing.T) { failingInPublic(t, s, op, r) })
			}
			met[r.name] = true
		}
	})
	check(t, s, "the metrics and the log", func(t *testing.T) {
		b := s.start(t, 0)
		made := b.create(t, b.alice)
		for how, text := range map[string]string{"the metrics": metrics(t), "the log": logged.String()} {
			noSecrets(t, how, text, slices.Concat(b.subject.secrets, []string{made.SecretAccessKey.Reveal(), made.AccessKeyID}))
		}
	})
}

func failingInPublic(t *testing.T, s subject, op operation, r request) {
	for _, f := range slices.Concat(quoting, lost, []fault{{effect: simulator.Answer(401, nil, "")}}) {
		if f.hangs || !s.happens(r, f) {
			continue
		}
		b := s.start(t, 0)
		call := op.prepare(t, b)
		service, _ := b.dial(t)
		b.meet(op.name, r, s.quoted(f))
		err := call(t.Context(), service)
		for how, text := range visible(err) {
			noSecrets(t, how, text, b.subject.secrets)
		}
	}
}

// visible returns an error in every form in which it may be printed.
func visible(err error) map[string]string {
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		all[verb] = fmt.Sprintf(verb, err)
		all["wrapped "+verb] = fmt.Sprintf(verb, fmt.Errorf("reconcile: %w", err))
	}
	encoded, _ := json.Marshal(map[string]any{"error": err})
	all["JSON"] = string(encoded)
	var lines bytes.Buffer
	slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})).Error("Failed", "error", err)
	funcr.NewJSON(func(line string) { lines.WriteString(line) }, funcr.Options{Verbosity: 10}).Error(err, "Failed", "cause", err)
	all["a log line"] = lines.String()
	return all
}

func noSecrets(t *testing.T, where, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		for how, form := range forms(secret) {
			if strings.Contains(text, form) {
				t.Errorf("%s has a secret, %s: %.500s", where, how, text)
				return
			}
		}
	}
}

// forms in which a secret may be written.
func forms(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	return map[string]string{
		"as it is":        secret,
		"in JSON":         strings.Trim(string(quoted), `"`),
		"in base64":       strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		"in hexadecimals": fmt.Sprintf("%x", secret),
		"in a URL":        url.QueryEscape(secret),
	}
}

// metrics is what a scrape of the services' metrics gives.
func metrics(t *testing.T) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(rest.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, family := range families {
		text.WriteString(family.String())
	}
	return text.String()
}

func printing(t *testing.T, s subject) {
	b := s.start(t, 0)
	made := b.create(t, b.alice)
	secrets := slices.Concat(b.subject.secrets, []string{made.SecretAccessKey.Reveal()})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s.documented != nil {
			noSecrets(t, "the backend in "+verb, fmt.Sprintf(verb, b.Service), secrets)
		}
		noSecrets(t, "the credential in "+verb, fmt.Sprintf(verb, made), secrets)
	}
	encoded, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	noSecrets(t, "the credential in JSON", string(encoded), secrets)
	var lines bytes.Buffer
	slog.New(slog.NewTextHandler(&lines, nil)).Info("Made", "credential", made, "secret", made.SecretAccessKey)
	funcr.New(func(_, line string) { lines.WriteString(line) }, funcr.Options{Verbosity: 10}).Info("Made", "credential", made)
	noSecrets(t, "a log line", lines.String(), secrets)
}
