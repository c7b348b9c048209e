// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestNewSaysWhatIsWrongWithAConfiguration(t *testing.T) {
	good := Config{URL: "https://s3.ionos.example", Token: "eyJ0", HTTP: http.DefaultClient}
	for name, test := range map[string]struct {
		change func(*Config)
		text   string // empty: accepted
	}{
		"a host":                 {func(*Config) {}, ""},
		"no URL":                 {func(c *Config) { c.URL = "" }, ""},
		"a slash at its end":     {func(c *Config) { c.URL += "/" }, ""},
		"a port":                 {func(c *Config) { c.URL += ":8443" }, ""},
		"a token with a newline": {func(c *Config) { c.Token += "\n" }, ""},
		"a blank":                {func(c *Config) { c.URL = " " }, "cannot be read"},
		"no scheme":              {func(c *Config) { c.URL = "s3.ionos.com" }, "cannot be read"},
		"a space":                {func(c *Config) { c.URL = "https://s3 ionos" }, "cannot be read"},
		"plain HTTP":             {func(c *Config) { c.URL = "http://s3.ionos.com" }, "https://"},
		"no host":                {func(c *Config) { c.URL = "https://" }, "no host"},
		"a path":                 {func(c *Config) { c.URL += "/accesskeys" }, "after the host"},
		"a query":                {func(c *Config) { c.URL += "?a=b" }, "after the host"},
		"a bare question mark":   {func(c *Config) { c.URL += "?" }, "after the host"},
		"a fragment":             {func(c *Config) { c.URL += "#a" }, "after the host"},
		"a password in the URL":  {func(c *Config) { c.URL = "https://u:geheim@s3.ionos.com" }, "belong into a Secret"},
		"no token":               {func(c *Config) { c.Token = "" }, "no token"},
		"a token of blanks":      {func(c *Config) { c.Token = " \n" }, "no token"},
		"a token of two lines":   {func(c *Config) { c.Token = "geheim\r\nX: y" }, "characters"},
		"no HTTP client":         {func(c *Config) { c.HTTP = nil }, "HTTP client"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			test.change(&config)
			service, err := New(config)
			if test.text == "" {
				if err != nil || service == nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			expectKind(t, err, keyservice.Invalid, "set up the IONOS client: ", test.text)
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestWithoutAURLItIsTheVendors(t *testing.T) {
	service, err := New(Config{Token: "t", HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if got := r.URL.String(); got != "https://s3.ionos.com/accesskeys?limit=100&offset=0" || r.Header.Get("Authorization") != "Bearer t" {
			t.Errorf("sent to %s with %v", got, r.Header)
		}
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = service.List(t.Context(), "")
	expectKind(t, err, keyservice.Unavailable, "503")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestProbeProvesTheToken(t *testing.T) {
	b := newBed(t, cloud.Options{PageSize: 1})
	b.makeKeys(t, 2)
	if version, err := b.Probe(t.Context()); err != nil || version != "IONOS Object Storage Management API 0.1.0" {
		t.Errorf("got %q, %v", version, err)
	}
	b.calls(t, getKeys, 1)
	_, err := b.connect(t, "wrong").Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "check credentials: ", "the token is wrong or has ended")
	b.cloud.SetPrivilege("alice", false)
	_, err = b.Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "privilege to use the Object Storage")
}

func TestFailuresOfAProbe(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"a page of another server":   {simulator.Answer(200, nil, "<html>"), keyservice.Unavailable, "check the KeyService's URL"},
		"another service's JSON":     {simulator.Answer(200, nil, `{"version":"9"}`), keyservice.Unavailable, "check the KeyService's URL"},
		"another server's 404":       {simulator.Answer(404, nil, ""), keyservice.Unavailable, "check that the KeyService's URL"},
		"a redirect to a login":      {simulator.Answer(302, nil, ""), keyservice.Unavailable, "URL"},
		"a proxy that wants a login": {simulator.Answer(407, nil, ""), keyservice.Unauthorized, "407"},
		"throttled":                  {simulator.Throttle("3"), keyservice.Throttled, "429"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{})
			b.cloud.Inject(anyList, test.effect)
			_, err := b.Probe(t.Context())
			expectKind(t, err, test.kind, "check credentials: ", test.text)
		})
	}
}

func TestARevokedTokenIsUnauthorizedEverywhere(t *testing.T) {
	b := newBed(t, cloud.Options{})
	key := b.create(t, 1)
	b.cloud.RevokeTokens()
	_, err := b.List(t.Context(), "")
	expectKind(t, err, keyservice.Unauthorized, "401", "put a new one into its Secret")
	_, err = b.Create(t.Context(), "", keyOf(b.Service, 2))
	expectKind(t, err, keyservice.Unauthorized)
	_, err = b.Regenerate(t.Context(), "", key.ID, 0)
	expectKind(t, err, keyservice.Unauthorized)
	expectKind(t, b.Delete(t.Context(), "", key.ID), keyservice.Unauthorized)
	if calls := b.cloud.Calls(); calls[putKey] != 2 || calls[putRenew] != 1 || calls[deleteKey] != 1 {
		t.Errorf("a request was sent again: %v", calls)
	}
}

func TestTheServicesWordsAreCutAndCleaned(t *testing.T) {
	b := newBed(t, cloud.Options{})
	body := `{"messages":[{"errorCode":7,"message":"line\nbreak\u0000\u001b[31m ` + strings.Repeat("long ", 200) + `"}]}`
	b.cloud.Inject(anyCreate, simulator.Answer(400, nil, body))
	_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.Invalid, "7: line break[31m long", "…")
	if strings.ContainsAny(err.Error(), "\n\x00\x1b") || len(err.Error()) > 400 {
		t.Errorf("got %q", err)
	}
}

func TestErrorsOfOtherFormsAreRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"httpStatus":"x","messages":{"message":"no array"}}`: "no explanation",
		`{"messages":[]}`:                                 "no explanation",
		`{"messages":[{},{"message":"b"},null]}`:          ": b",
		`{"messages":[{"errorCode":"a"},{"message":""}]}`: ": a",
		`"text"`: "no explanation",
		`null`:   "no explanation",
		``:       "no explanation",
	} {
		b := newBed(t, cloud.Options{})
		b.cloud.Inject(anyCreate, simulator.Answer(400, nil, body))
		_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
		expectKind(t, err, keyservice.Invalid, "400 Bad Request: ", want)
	}
}

func TestTheServicesWordsNeverTellTheToken(t *testing.T) {
	b := newBed(t, cloud.Options{})
	b.cloud.Inject(anyCreate, simulator.Answer(400, nil, `{"messages":[{"message":"bad header: Bearer `+b.alice+`"}]}`))
	_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.Invalid, "bad header: Bearer [redacted]")
}

func TestAPrintedServiceOrConfigurationTellsNoSecret(t *testing.T) {
	config := Config{URL: "https://a", Token: "geheim", HTTP: http.DefaultClient}
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "config", config, "service", service)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "config", config.Token, "service", service)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&log, verb+verb+verb, config, service, *service)
	}
	if strings.Contains(log.String(), "geheim") || strings.Contains(log.String(), "67656865696d") {
		t.Errorf("got %s", log.String())
	}
}

func TestLimits(t *testing.T) {
	if got := keyservice.CapabilitiesOf(&Service{}); got.KeysPerUser != 5 || !got.Overlap || !got.ListsAll {
		t.Errorf("got %+v", got)
	}
}
