// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"os"
	"slices"
	"testing"
	"time"
)

func TestAKeyOfTheIAMAPIOpensTheBucketWhileItIsActive(t *testing.T) {
	server := startIAM(t)
	client, err := NewClient(server.Endpoint, server.CA)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.AddUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	pair, err := server.MakeKey(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	nothing := func() error { return nil }
	for _, step := range []struct {
		name string
		do   func() error
		pair Pair
		want string
	}{
		{"just created", nothing, pair, ""},
		{"with another secret", nothing, Pair{pair.AccessKeyID, "wrong"}, "SignatureDoesNotMatch"},
		{"disabled", func() error { return server.SetActive(t.Context(), "alice", pair.AccessKeyID, false) }, pair, "InvalidAccessKeyId"},
		{"enabled", func() error { return server.SetActive(t.Context(), "alice", pair.AccessKeyID, true) }, pair, ""},
		{"deleted", func() error { return server.RemoveKey(t.Context(), "alice", pair.AccessKeyID) }, pair, "InvalidAccessKeyId"},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		expectAccess(t, client, step.name, step.pair, step.want)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(server.directory); !os.IsNotExist(err) {
		t.Errorf("%s was left behind: %v", server.directory, err)
	}
}

func TestTheIAMAPIListsTheKeysOfAUserAndHoldsTwo(t *testing.T) {
	server := startIAM(t)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.AddUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	var want []string
	for range 2 {
		pair, err := server.MakeKey(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, pair.AccessKeyID)
	}
	keys, err := server.Keys(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range keys {
		got = append(got, key.ID)
		if _, err := time.Parse(time.RFC3339, key.CreateDate); key.Status != "Active" || err != nil {
			t.Errorf("got %+v (%v)", key, err)
		}
	}
	slices.Sort(want) // the server sorts them, too
	if !slices.Equal(got, want) {
		t.Errorf("got the keys %q, want %q", got, want)
	}
	if _, err := server.MakeKey(t.Context(), "alice"); Code(err) != "LimitExceeded" {
		t.Errorf("a third key: got %v", err)
	}
	if _, err := server.MakeKey(t.Context(), "bob"); Code(err) != "NoSuchEntity" {
		t.Errorf("a key of an unknown user: got %v", err)
	}
}

// startIAM starts the servers, which the test must stop.
func startIAM(t *testing.T) *IAM {
	t.Helper()
	binary, err := Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server, err := StartIAM(t.Context(), binary)
	if err != nil {
		t.Fatal(err)
	}
	return server
}
