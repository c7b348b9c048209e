// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

const plain = "wJalrXUtnFEMI"

type holder struct {
	Name   string
	Secret keyservice.Secret
	More   map[string]keyservice.Secret
}

func forms() map[string]any {
	secret := keyservice.Secret(plain)
	return map[string]any{
		"the secret itself":      secret,
		"a pointer to it":        &secret,
		"a slice":                []keyservice.Secret{secret},
		"a map's value":          map[string]keyservice.Secret{"a": secret},
		"a struct":               holder{"a", secret, map[string]keyservice.Secret{"b": secret}},
		"a pointer to a struct":  &holder{Secret: secret},
		"a credential":           keyservice.Credential{SecretAccessKey: secret},
		"a struct without names": struct{ Value any }{secret},
	}
}

func TestASecretIsRedactedByEveryVerb(t *testing.T) {
	for name, value := range forms() {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%U", "%5.2s", "%c"} {
				expectRedacted(t, fmt.Sprintf(verb, value))
			}
			expectRedacted(t, fmt.Sprint(value), fmt.Sprintln(value), fmt.Errorf("failed: %v", value).Error())
			// Without fmt, by those who call the methods themselves.
			expectRedacted(t, keyservice.Secret(plain).String(), keyservice.Secret(plain).GoString())
		})
	}
}

func TestASecretIsRedactedByEncoders(t *testing.T) {
	for name, value := range forms() {
		t.Run(name, func(t *testing.T) {
			encoded, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			expectRedacted(t, string(encoded))
			if !strings.Contains(string(encoded), "[redacted]") {
				t.Errorf("got %s", encoded)
			}
		})
	}
	type document struct{ Secret keyservice.Secret }
	encoded, err := xml.Marshal(document{plain})
	if err != nil {
		t.Fatal(err)
	}
	expectRedacted(t, string(encoded))
}

func TestASecretIsRedactedByLogs(t *testing.T) {
	for name, value := range forms() {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
				slog.New(handler).With("with", value).Info("message", "value", value, "group", slog.GroupValue(slog.Any("a", value)))
			}
			expectRedacted(t, log.String())
			if !strings.Contains(log.String(), "redacted") && name != "a pointer to a struct" {
				t.Errorf("got %s", log.String())
			}
		})
	}
}

func TestASecretIsAPlainStringToAnyLogger(t *testing.T) {
	value := slog.AnyValue(keyservice.Secret(plain)).Resolve()
	if value.Kind() != slog.KindString || value.String() != "[redacted]" {
		t.Errorf("got %s %v", value.Kind(), value)
	}
}

func TestASecretIsReadAndRevealedAsItIs(t *testing.T) {
	var decoded holder
	if err := json.Unmarshal([]byte(`{"Secret":"`+plain+`"}`), &decoded); err != nil {
		t.Fatal(err)
	}
	if decoded.Secret.Reveal() != plain {
		t.Error("the secret changed")
	}
}

func TestAnErrorThatWrapsASecretRevealsNothing(t *testing.T) {
	err := errors.Join(fmt.Errorf("bad secret %s", keyservice.Secret(plain)))
	expectRedacted(t, err.Error())
}

func expectRedacted(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		lower := strings.ToLower(text)
		for _, form := range []string{plain, fmt.Sprintf("%x", plain), fmt.Sprintf("% x", plain), "77 74 97"} {
			if strings.Contains(lower, strings.ToLower(form)) {
				t.Errorf("the secret is revealed: %s", text)
			}
		}
	}
}
