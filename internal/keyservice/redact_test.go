// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

// awkward has characters that every encoding writes in its own way.
const awkward = `p"<ä&\ +/w=7`

func TestASecretIsTakenOutOfWhatQuotesIt(t *testing.T) {
	const sloped = "a?~>b?~>" // differs in the two alphabets of base64
	redactor := keyservice.NewRedactor(awkward, "", "access-v1:abcdef", sloped)
	body, err := json.Marshal(map[string]string{"password": awkward})
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(string(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"as it is":           "wrong password " + awkward,
		"twice":              awkward + awkward,
		"in JSON":            "cannot read " + string(body),
		"in JSON in JSON":    "cannot read " + string(again),
		"in a query":         "GET /?p=" + url.QueryEscape(awkward),
		"in a path":          "GET /" + url.PathEscape(awkward),
		"in hexadecimal":     fmt.Sprintf("got %x", awkward),
		"in upper case":      fmt.Sprintf("got %X", awkward),
		"in base64":          "Basic " + base64.StdEncoding.EncodeToString([]byte(awkward)),
		"behind a name":      "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+awkward)),
		"behind a longer":    "Basic " + base64.StdEncoding.EncodeToString([]byte("admins:"+awkward+"\n")),
		"behind another":     "Basic " + base64.StdEncoding.EncodeToString([]byte("an admin:"+awkward+"!")),
		"behind eight":       "Basic " + base64.StdEncoding.EncodeToString([]byte("another:"+awkward+"!")),
		"before a slope":     "Basic " + base64.StdEncoding.EncodeToString([]byte(sloped+"?~>?~>")),
		"in base64 for URLs": "Basic " + base64.URLEncoding.EncodeToString([]byte("?~>?~>"+sloped+"?~>?~>")),
		"another secret too": "Bearer access-v1:abcdef and " + awkward,
	} {
		t.Run(name, func(t *testing.T) {
			got := redactor.Clean(text)
			if !strings.Contains(got, "[redacted]") || tells(got, awkward) || strings.Contains(got, "abcdef") {
				t.Errorf("%q became %q", text, got)
			}
			if strings.HasPrefix(text, "Basic ") && got != "Basic [redacted]" {
				t.Errorf("%q became %q, which keeps a part", text, got)
			}
			if excerpt := redactor.Excerpt(text); tells(excerpt, awkward) || !strings.Contains(excerpt, "[redacted]") {
				t.Errorf("%q is quoted as %q", text, excerpt)
			}
		})
	}
}

// tells reports whether a text reveals the secret, or most of it in base64.
func tells(text, secret string) bool {
	if strings.Contains(text, secret) {
		return true
	}
	for before := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, before), secret...))
		if strings.Contains(text, encoded[4:len(encoded)-4]) {
			return true
		}
	}
	return false
}

func TestOtherTextStaysAsItIs(t *testing.T) {
	const text = "user local:backup has 2 keys: AKIA1, AKIA2 [redacted]"
	var none *keyservice.Redactor
	for _, redactor := range []*keyservice.Redactor{none, keyservice.NewRedactor(), keyservice.NewRedactor("", awkward)} {
		if got := redactor.Clean(text); got != text {
			t.Errorf("got %q", got)
		}
		if got := redactor.Excerpt(text + "\x00"); got != text {
			t.Errorf("got %q", got)
		}
	}
}

func TestAShortSecretDoesNotMakeTheTextGrowWithoutEnd(t *testing.T) {
	if got := keyservice.NewRedactor("e", "d").Clean("seed"); got != "s[redacted][redacted][redacted]" {
		t.Errorf("got %q", got)
	}
}

func TestASecretIsNotPutTogetherByWhatIsLeftOut(t *testing.T) {
	redactor := keyservice.NewRedactor("geheim-geheim")
	for _, text := range []string{"geheim\x00-geheim", "gehe\u200bim-geheim", strings.Repeat("x", 195) + "geheim-geheim"} {
		if got := redactor.Excerpt(text); strings.Contains(got, "geh") {
			t.Errorf("%q is quoted as %q", text, got)
		}
	}
}

func TestARedactedErrorKeepsItsChain(t *testing.T) {
	cause := errors.New("refused " + awkward)
	redactor := keyservice.NewRedactor(awkward)
	err := redactor.Error(fmt.Errorf("outer: %w", cause))
	if !errors.Is(err, cause) || err.Error() != "outer: refused [redacted]" {
		t.Errorf("got %v", err)
	}
	if redactor.Error(nil) != nil {
		t.Error("an error out of nothing")
	}
}
