// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"net/http"
	"net/url"
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
	for operation, script := range []string{
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
	} {
		f.Add(byte(operation), script)
	}
	f.Fuzz(func(t *testing.T, operation byte, script string) {
		cloud := hostile.New(t, script)
		service, err := New(Config{Token: hostile.Secret, HTTP: cloud.Client()})
		if err != nil {
			t.Fatal(err)
		}
		switch ctx := t.Context(); operation % 6 {
		case 0:
			_, err = service.Probe(ctx)
		case 1:
			keys, listErr := service.List(ctx, "")
			cloud.ExpectKeys(keys)
			err = listErr
		case 2:
			all, listErr := service.ListAll(ctx)
			cloud.ExpectKeys(all[""])
			err = listErr
		case 3:
			credential, createErr := service.Create(ctx, "", keyOf(service, 1))
			cloud.ExpectCredential(credential, createErr)
		case 4:
			err = service.Delete(ctx, "", id)
		case 5:
			credential, renewErr := service.Regenerate(ctx, "", id, 0)
			cloud.ExpectCredential(credential, renewErr)
		}
		cloud.Expect(err)
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

// FuzzKeyID deletes and renews keys of any ID: the request names that key and nothing else.
func FuzzKeyID(f *testing.F) {
	for _, id := range []string{"0a5fc301-0f3b-5b3d-9d5b-aa1f0e5c5d2b", "", ".", "..", "a/renew", "a?limit=1", "a#b", "a%2f..", "a b", "ä"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		var sent []*url.URL
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, r.URL)
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		})}
		service, err := New(Config{Token: "t", HTTP: client})
		if err != nil {
			t.Fatal(err)
		}
		err = service.Delete(t.Context(), "", id)
		_, _ = service.Regenerate(t.Context(), "", id, 0)
		if (err == nil) != (len(sent) == 2) {
			t.Fatalf("sent %v with %v", sent, err)
		}
		for i, suffix := range []string{"", "/renew"}[:len(sent)] {
			again, err := url.ParseRequestURI(sent[i].RequestURI())
			if err != nil || again.Path != keysPath+"/"+id+suffix || again.RawQuery != "" || sent[i].Fragment != "" {
				t.Errorf("%q went to %s", id, sent[i])
			}
		}
	})
}

// FuzzTimestamp reads times: one that can't be read is zero, and no error.
func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{`"2026-03-01T12:00:00Z"`, `"2026-03-01T12:00:00.5+01:00"`, `null`, `1`, `""`, `{}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var read timestamp
		if err := read.UnmarshalJSON([]byte(text)); err != nil {
			t.Error(err)
		}
	})
}
