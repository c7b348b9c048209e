// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/hostile"
	account "accesskey.dev/operator/test/simulator/huawei"
)

// FuzzAnswers gives the backend answers that the service does not give.
func FuzzAnswers(f *testing.F) {
	const (
		users = "200\n" + `{"users":[{"user_id":"07609e7eb200250a3f7dc003cb7a4e2d","user_name":"alice"}],"page_info":{"current_count":1}}` + "\n---\n"
		entry = `{"access_key_id":"K1","user_id":"u","created_at":"2026-03-01T12:00:00.000Z","status":"inactive"}`
	)
	hostile.Fuzz(f, "alice", "K1", []string{
		users,
		users + "200\n" + `{"access_keys":[` + entry + `],"page_info":{"next_marker":"m","current_count":1}}` + "\n---\n200\n" + `{"access_keys":null,"page_info":{"current_count":0}}`,
		users + "201\n" + `{"access_key":{"access_key_id":"K1","secret_access_key":"s","created_at":"2026-03-01T12:00:00.000Z","status":"active"}}`,
		users + "404\n" + `{"error_code":"PAP5.0018","error_msg":"no such key"}`,
		users + "204\n",
		users + "200\n" + `{"access_key_last_used":{"last_used_at":"2026-03-01T12:00:00Z"}}`,
		"401\n" + `{"error_code":"APIGW.0301","error_msg":"bad signature AUTH at 20260301T120000Z"}`,
		"429\n" + `{"error_msg":"policy user over ratelimit,limit:5,time: 1 minute"}`,
		users + "409\n" + `{"error":{"code":"PAP5.0020","message":"akSkNumExceed BODY"}}` + "\n---\n200\n" + `{"access_keys":[` + entry + `,` + entry + `]}`,
		users + "0\n",
	}, func(client *http.Client, _ bool) (keyservice.Service, error) {
		return New(Config{
			URL: "https://iam.example", DomainID: account.DefaultDomainID, AccessKeyID: "OPERATOR", SecretAccessKey: hostile.Secret,
			HTTP: client, Now: func() time.Time { return start },
		})
	})
}

// FuzzCanonical signs paths and queries: what is signed is what net/url sends.
func FuzzCanonical(f *testing.F) {
	for _, pair := range [][3]string{
		{"v5/users", "limit", "200"}, {"v5/users/", "marker", "a+b/c=="}, {"a b/ä~_-.", "a b", "*'()"}, {"", "", ""}, {"%2f/..", "&", "="}, {"//", "\x00", "\xff"},
	} {
		f.Add(pair[0], pair[1], pair[2])
	}
	f.Fuzz(func(t *testing.T, path, name, value string) {
		sent := &url.URL{Scheme: "https", Host: "iam.example", Path: "/" + path, RawQuery: url.Values{name: {value, "z", "a"}, "m": {"1"}}.Encode()}
		arrived, err := url.ParseRequestURI(sent.RequestURI())
		if err != nil {
			return // a path that net/url itself cannot read is never sent
		}
		signed, err := url.PathUnescape(canonicalPath(arrived))
		if want := strings.TrimSuffix(sent.Path, "/") + "/"; err != nil || signed != want {
			t.Errorf("path %q is signed as %q: %v", want, signed, err)
		}
		query, err := url.ParseQuery(canonicalQuery(arrived))
		if err != nil || !maps.EqualFunc(query, sent.Query(), sameValues) {
			t.Errorf("query %q is signed as %q: %v", sent.RawQuery, canonicalQuery(arrived), err)
		}
		if strings.ContainsAny(canonicalPath(arrived)+canonicalQuery(arrived), " +\n\r") {
			t.Errorf("%q has what is to be escaped", canonicalPath(arrived)+"?"+canonicalQuery(arrived))
		}
	})
}

func sameValues(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// FuzzWindow reads how long the gateway asks to wait: an hour at most. The contract has what the gateway is known to say.
func FuzzWindow(f *testing.F) {
	known := map[string]time.Duration{
		"limit:5,time:2 second": 2 * time.Second, "limit:5,time: 3 minute": 3 * time.Minute, "time:1 hour": time.Hour, "time:9999 hour": time.Hour,
		"time:0 second": 0, "time:-1 second": 0, "time:99999999999999999999 second": 0, "time": 0, "slow down": 0,
	}
	for words := range known {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		wait := windowOf(words)
		if want, ok := known[words]; wait < 0 || wait > time.Hour || ok && wait != want {
			t.Errorf("%q: %s", words, wait)
		}
	})
}
