// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// FuzzGlob compares the globs of grants, which decide who may have whose keys, with a simpler way to the same.
func FuzzGlob(f *testing.F) {
	for _, pair := range [][2]string{
		{"local:team-a-*", "local:team-a-backup"}, {"*", ""}, {"?", "ä"}, {"a*b*c", "abcabc"}, {"", ""}, {"a.c", "abc"}, {`\*`, `\x`}, {"[a]", "a"}, {"*", "a\nb"}, {"?", "\xff"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(text) || strings.Count(pattern, "*") > 8 || len(text) > 64 {
			return // the API server takes no other text, and the simple way is slow
		}
		if got, want := glob(pattern, text), matches([]rune(pattern), []rune(text)); got != want {
			t.Errorf("%q on %q: %t", pattern, text, got)
		}
	})
}

// matches is glob as one would explain it.
func matches(pattern, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '*':
		return matches(pattern[1:], text) || len(text) > 0 && matches(pattern, text[1:])
	case len(text) == 0:
		return false
	default:
		return (pattern[0] == '?' || pattern[0] == text[0]) && matches(pattern[1:], text[1:])
	}
}

// FuzzClean makes any text fit for a condition or an event.
func FuzzClean(f *testing.F) {
	for _, text := range []string{"plain", "a\x00b\n", strings.Repeat("ä", 40), "\xff\xfe", "\u202e"} {
		f.Add(text, 16)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 3 + (limit&0x7fffffff)%2048
		cleaned := clean(text, limit)
		if len(cleaned) > limit || !utf8.ValidString(cleaned) || strings.ContainsFunc(cleaned, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q became %q", text, cleaned)
		}
	})
}

// FuzzRecord reads the record of a Secret, which whoever may edit the Secret can write: nothing is believed that the
// operator did not sign, and what it did sign reads as it was written.
func FuzzRecord(f *testing.F) {
	ak := restingAccessKey()
	forAnother, err := signer.signRecord("uid-of-another", plan.Record{KeyID: "K1"})
	if err != nil {
		f.Fatal(err)
	}
	for _, annotation := range []string{
		`{"keyID":"K1","accessKeyID":"AKIA1","revision":1,"issuedAt":"2026-03-01T12:00:00Z","digest":"x"}`, `{"keyID":"K1"}`, `{}`, `null`, `[]`, ``, forAnother,
		`{"keyID":"K1","revision":-1,"previousKeys":[{"keyID":"K0","revokeAt":"0001-01-01T00:00:00Z"}]}`, `{"keyID":"K1","issuedAt":"9999-12-31T23:59:59Z","proof":"."}`,
	} {
		f.Add(annotation)
	}
	f.Fuzz(func(t *testing.T, annotation string) {
		secret := newSecret(ak, "backup")
		secret.Annotations = map[string]string{v1alpha1.RecordAnnotation: annotation}
		secret.Data = map[string][]byte{v1alpha1.SecretKeyAccessKeyID: []byte("AKIA1"), v1alpha1.SecretKeySecretAccessKey: []byte("s")}
		if _, believed := signer.recordOf(secret); believed || signer.secretOf(ak, digested(secret), nil).State != plan.SecretEdited {
			t.Errorf("%q is believed", annotation)
		}
		var record plan.Record
		if json.Unmarshal([]byte(annotation), &record) != nil || record.KeyID == "" {
			return
		}
		record.Digest = pairDigest(digest([]byte("AKIA1")), digest([]byte("s")))
		signed, err := signer.signRecord(ak.UID, record)
		if err != nil {
			return // a time that JSON cannot write
		}
		secret.Annotations[v1alpha1.RecordAnnotation] = signed
		if again, believed := signer.recordOf(secret); !believed || !equality.Semantic.DeepEqual(again, record) {
			t.Errorf("%q was written as %s, and that read as %+v", annotation, signed, again)
		}
		if found := signer.secretOf(ak, digested(secret), nil); found.State != plan.SecretIntact {
			t.Errorf("%s is %s", signed, found.State)
		}
	})
}
