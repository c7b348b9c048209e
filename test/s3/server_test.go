// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAKeyOpensTheServerAsLongAsItExists(t *testing.T) {
	const id = "00000-A_92-character-key-of-IONOS-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	var keys atomic.Pointer[map[string]string]
	keys.Store(&map[string]string{})
	server, client := start(t, func() map[string]string { return *keys.Load() })
	for _, step := range []struct {
		name   string
		keys   map[string]string
		secret string
		want   string
	}{
		{"before it exists", map[string]string{"other": "secret/+="}, "secret/+=", "InvalidAccessKeyId"},
		{"while it exists", map[string]string{id: "secret/+="}, "secret/+=", ""},
		{"with another secret", map[string]string{id: "secret/+="}, "wrong", "SignatureDoesNotMatch"},
		{"after it was regenerated, with the old secret", map[string]string{id: "new"}, "secret/+=", "SignatureDoesNotMatch"},
		{"after it was regenerated, with the new secret", map[string]string{id: "new"}, "new", ""},
		{"after it was revoked", nil, "new", "InvalidAccessKeyId"},
	} {
		keys.Store(&step.keys)
		expectAccess(t, client, step.name, Pair{id, step.secret}, step.want)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := client.List(t.Context(), Pair{}); err == nil || Refused(err) != "" {
		t.Errorf("the stopped server answered: %v", err)
	}
	if _, err := os.Stat(server.directory); !os.IsNotExist(err) {
		t.Errorf("%s was left behind: %v", server.directory, err)
	}
}

// expectAccess lists the bucket with a pair, and expects the code with which the server refuses it, or none.
func expectAccess(t *testing.T, client *Client, step string, pair Pair, want string) {
	t.Helper()
	objects, err := client.List(t.Context(), pair)
	if Refused(err) != want || (err == nil) != (want == "") {
		t.Errorf("%s: got %v, want %q", step, err, want)
	}
	if err == nil && !slices.Equal(objects, []string{Object}) {
		t.Errorf("%s: got the objects %q", step, objects)
	}
}

// start starts a server, which the test must stop, and returns a client for it.
func start(t *testing.T, keys func() map[string]string) (*Server, *Client) {
	t.Helper()
	binary, err := Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server, err := Start(t.Context(), binary, keys)
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewClient(server.Endpoint, server.CA)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestAServerThatEndsAtOnceIsAnErrorWithItsOutput(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "versitygw")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\necho the disk is full\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), binary, nil); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	if _, err := StartIAM(t.Context(), binary); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	if _, err := Start(t.Context(), binary+"-missing", nil); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}
