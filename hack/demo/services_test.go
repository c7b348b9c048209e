// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator/admin"
)

func TestSamplesGetTheValuesOfTheSimulator(t *testing.T) {
	t.Chdir("../..")
	for _, row := range services.Kinds() {
		t.Run(row.Kind, func(t *testing.T) {
			secret := row.Open(services.Options{}).AddUser("user").Secret
			s := service{name: row.Kind, account: admin.Account{Spec: map[string]string{"url": "https://127.0.0.1:1"}, CA: "pem", Secret: secret, User: "user"}, s3: admin.S3{Endpoint: "https://127.0.0.1:2", Region: "us-east-1", CA: "pem"}}
			objects, err := s.read()
			if err != nil || len(objects) < 3 {
				t.Fatalf("got %v, %v", objects, err)
			}
			var pointed strings.Builder
			for _, object := range objects {
				if err := s.point(object); err != nil {
					t.Fatal(err)
				}
				if err := json.NewEncoder(&pointed).Encode(object); err != nil {
					t.Fatal(err)
				}
			}
			text := pointed.String()
			for _, want := range []string{`"url":"https://127.0.0.1:1"`, `"s3":{"endpoint":"https://127.0.0.1:2","region":"us-east-1"}`, `"user":"user"`, `"ttl":"1m"`, `"renewBefore":"25s"`, s.authority()} {
				if !strings.Contains(text, want) {
					t.Errorf("got %s, want %s", text, want)
				}
			}
			if strings.Contains(text, "REPLACE-ME") {
				t.Errorf("a value is missing: %s", text)
			}
		})
	}
}

func TestTheCASecretContainsTheCAOfTheS3Server(t *testing.T) {
	secret := map[string]any{"kind": "Secret", "stringData": map[string]any{"ca.crt": ""}}
	s := service{account: admin.Account{CA: "of the service "}, s3: admin.S3{CA: "of the S3 server"}}
	if err := s.point(secret); err != nil {
		t.Fatal(err)
	}
	if got := secret["stringData"].(map[string]any)["ca.crt"]; got != "of the service of the S3 server" {
		t.Errorf("got %q", got)
	}
}

func TestUnknownSecretIsAnError(t *testing.T) {
	secret := map[string]any{"kind": "Secret", "stringData": map[string]any{"other": "REPLACE-ME"}}
	if err := (service{name: "qumulo"}).point(secret); err == nil || !strings.Contains(err.Error(), "the key other") {
		t.Errorf("got %v", err)
	}
}
