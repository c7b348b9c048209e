// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"net/http"
	"testing"
	"unicode/utf8"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/hostile"
)

// FuzzAnswers gives the backend answers that the service does not give.
func FuzzAnswers(f *testing.F) {
	const (
		id    = "0a5fc301-0f3b-5b3d-9d5b-aa1f0e5c5d2b"
		entry = `{"id":"` + id + `","type":"accesskey","metadata":{"createdDate":"2026-03-01T12:00:00Z","status":"AVAILABLE"},` +
			`"properties":{"description":"","accessKey":"K1","secretKey":"s"}}`
	)
	hostile.Fuzz(f, "", id, []string{
		"200\n" + `{"items":[],"limit":1,"offset":0,"_links":{}}`,
		"200\n" + `{"items":[` + entry + `],"limit":1,"_links":{"next":"http://elsewhere.example"}}` + "\n---\n200\n" + `{"items":[]}`,
		"200\n" + `{"items":[` + entry + `]}`,
		"201\n" + entry,
		"404\n" + `{"httpStatus":404,"messages":[{"errorCode":"paas-not-found","message":"no such key"}]}`,
		"200\n" + entry,
		"401\n" + `{"httpStatus":401,"messages":[{"errorCode":"AUTH","message":"BODY"}]}`,
		"422\n" + `{"httpStatus":422,"messages":[{"message":"ACCESS_S3_OBJECT_STORAGE"}]}` + "\n---\n200\n" + `{"items":[` + entry + `]}`,
		"429 Retry-After: 9\n",
		"201\n" + `{"metadata":{"status":"FAILED","statusMessage":"no"},"properties":7}`,
	}, func(client *http.Client, _ bool) (keyservice.Service, error) {
		return New(Config{Token: hostile.Secret, HTTP: client})
	})
}

// FuzzMark writes marks and reads them: a key's own mark names its owner, and a copy on another key nobody.
func FuzzMark(f *testing.F) {
	for _, owner := range [][4]string{
		{"team-a", "backup", "8a9d3c5e-0000-4000-8000-000000000001", "by hand"},
		{"a, made by accesskey-operator (uid x, key y)", "b", "uid", "AccessKey a/b, made by accesskey-operator (uid x, key 0a5fc301-0f3b-5b3d-9d5b-aa1f0e5c5d2b)"},
		{"ä\n\xff", "", "u", ""},
	} {
		f.Add(owner[0], owner[1], owner[2], owner[3])
	}
	space := namespace
	f.Fuzz(func(t *testing.T, namespace, name, uid, foreign string) {
		by := keyservice.Owner{UID: uid, Namespace: namespace, Name: name}
		id, another := uuid5(space, uid), uuid5(space, uid+"/other")
		written := mark(by, id)
		if uidPattern.MatchString(uid) {
			if len(written) > maxDescription || !utf8.ValidString(written) {
				t.Errorf("%d bytes: %q", len(written), written)
			}
			if got := readMark(written, id); got != uid {
				t.Errorf("%q is read as %q", written, got)
			}
		}
		if got := readMark(written, another); got != "" {
			t.Errorf("on another key %q is read as %q", written, got)
		}
		if got := readMark(foreign, id); got != "" && !uidPattern.MatchString(got) {
			t.Errorf("%q is read as %q", foreign, got)
		}
	})
}
