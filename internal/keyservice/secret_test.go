// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"encoding/json"
	"encoding/xml"
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

func TestASecretIsRedactedWhereverItIsWritten(t *testing.T) {
	for name, value := range forms() {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%U", "%5.2s", "%c"} {
				expectRedacted(t, fmt.Sprintf(verb, value))
			}
			expectRedacted(t, fmt.Sprint(value), fmt.Sprintln(value), fmt.Errorf("failed: %v", value).Error())
			encoded, err := json.Marshal(value)
			if err != nil || !strings.Contains(string(encoded), "[redacted]") {
				t.Errorf("got %s, %v", encoded, err)
			}
			var log strings.Builder
			for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
				slog.New(handler).With("with", value).Info("message", "value", value, "group", slog.GroupValue(slog.Any("a", value)))
			}
			if !strings.Contains(log.String(), "redacted") && name != "a pointer to a struct" {
				t.Errorf("got %s", log.String())
			}
			expectRedacted(t, string(encoded), log.String())
		})
	}
}

func TestOnlyRevealReturnsTheSecret(t *testing.T) {
	var decoded holder
	if err := json.Unmarshal([]byte(`{"Secret":"`+plain+`"}`), &decoded); err != nil || decoded.Secret.Reveal() != plain {
		t.Errorf("the secret changed: %v", err)
	}
	expectRedacted(t, decoded.Secret.String(), decoded.Secret.GoString()) // without fmt
	if value := slog.AnyValue(decoded.Secret).Resolve(); value.Kind() != slog.KindString || value.String() != "[redacted]" {
		t.Errorf("got %s %v", value.Kind(), value)
	}
	encoded, err := xml.Marshal(decoded.Secret)
	if err != nil || string(encoded) != "<Secret>[redacted]</Secret>" {
		t.Errorf("got %s, %v", encoded, err)
	}
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
