// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/hostile"
)

// FuzzAnswers gives the backend answers that no cluster gives.
func FuzzAnswers(f *testing.F) {
	const (
		login = "200\n" + `{"bearer_token":"session-v1:abc"}` + "\n---\n"
		found = "200\n" + `{"domain":"LOCAL","auth_id":"1000","uid":null,"name":"alice"}` + "\n---\n"
		entry = `{"access_key_id":"K1","owner":{"auth_id":"1000"},"creation_time":"2026-03-01T12:00:00.000000000Z"}`
	)
	hostile.Fuzz(f, "local:alice", "K1", []string{
		login + "200\n" + `{"revision_id":"Qumulo Core 7.9.2.2"}`,
		login + found + "200\n" + `{"entries":[` + entry + `],"paging":{"next":"/v1/s3/access-keys/?after=K1"}}` + "\n---\n200\n" + `{"entries":[]}`,
		login + "200\n" + `{"entries":[` + entry + `],"paging":{"next":null}}`,
		login + found + "201\n" + `{"access_key_id":"K1","secret_access_key":"s","creation_time":"2026-03-01T12:00:00Z"}`,
		login + "404\n" + `{"error_class":"rest_not_found_error","description":"no such key"}`,
		login + found + "409\n" + `{"error_class":"s3_access_key_limit_reached_error","description":"two keys: AUTH"}`,
		"401\n" + `{"error_class":"auth_error","description":"BODY"}`,
		login + "401\n{}\n---\n" + login + "429 Retry-After: 7\n",
		login + found + "0\n",
		login + "302 Location: https://elsewhere.example/\n<html>",
	}, func(client *http.Client, variant bool) (keyservice.Service, error) {
		config := Config{URL: "https://qumulo.example:8000", HTTP: client, Username: "admin", Password: hostile.Secret}
		if variant {
			config.Username, config.Password, config.Token = "", "", hostile.Secret
		}
		return New(config)
	})
}

// FuzzUser reads identity strings: what is taken has one spelling, and says the same when it is read again.
func FuzzUser(f *testing.F) {
	for _, user := range []string{
		"local:alice", "ad:EXAMPLE\\alice", "uid:1000", "auth_id:18446744073709551615", "sid:S-1-5-21-1-2-3-1000", "alice", "S-1-5-32-544",
		"", "1000", "uid:01", "uid:-1", "sid:S-1", "local: a", "local:a:b", "group:admins", "local:ä", "local:../../v1?x=#",
	} {
		f.Add(user)
	}
	f.Fuzz(func(t *testing.T, user string) {
		read, err := parseUser(user)
		if err != nil {
			return
		}
		if spelled := spell(read); spelled != user && "sid:"+user != spelled {
			t.Errorf("%q was read as %q", user, spelled)
		}
		encoded, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(encoded, &members); err != nil || len(members) < 1 || len(members) > 2 {
			t.Errorf("%q is sent as %s", user, encoded)
		}
	})
}

// spell is the other way round.
func spell(i identity) string {
	switch {
	case i.UID != nil:
		return fmt.Sprintf("uid:%d", *i.UID)
	case i.AuthID != "":
		return "auth_id:" + i.AuthID
	case i.SID != "":
		return "sid:" + i.SID
	case i.Domain == "LOCAL":
		return "local:" + i.Name
	case i.Domain == "ACTIVE_DIRECTORY":
		return "ad:" + i.Name
	default:
		return i.Name
	}
}
