// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestTheUserIsReadFromTheToken(t *testing.T) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	padded := "e30." + base64.URLEncoding.EncodeToString([]byte(`{"sub":"b"}`)) + ".c2ln"
	for text, want := range map[string]string{
		token(`{"identity":{"uuid":"0F00-1","contractNumber":31871865},"sub":"x"}`): "0f00-1",
		token(`{"identity":{"uuid":""},"sub":"a"}`):                                 "a",
		token(`{"identity":"odd","sub":"a"}`):                                       "a",
		padded:                                                                      "b",
	} {
		if got := userOf(text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	seen := map[string]bool{}
	for _, odd := range []string{"", "opaque", "a.b", "a.!.c", token("[]"), token("{}"), token(`{"sub":{}}`)} {
		user := userOf(odd)
		if !strings.HasPrefix(user, "token-") || seen[user] || odd != "" && strings.Contains(user, odd) {
			t.Errorf("%q: got %q", odd, user)
		}
		seen[user] = true
	}
}
