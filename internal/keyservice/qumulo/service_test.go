// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

func TestNewSaysWhatIsWrongWithAConfiguration(t *testing.T) {
	good := Config{URL: "https://qumulo.example:8000", Token: "access-v1:t", HTTP: http.DefaultClient}
	for name, test := range map[string]struct {
		change func(*Config)
		text   string // empty: accepted
	}{
		"host and port":         {func(*Config) {}, ""},
		"a slash at its end":    {func(c *Config) { c.URL += "/" }, ""},
		"an IPv6 address":       {func(c *Config) { c.URL = "https://[fd00::1]:8000" }, ""},
		"a login":               {func(c *Config) { c.Token, c.Username, c.Password = "", "admin", "p" }, ""},
		"no URL":                {func(c *Config) { c.URL = "" }, "cannot be read"},
		"no scheme":             {func(c *Config) { c.URL = "qumulo.example:8000" }, "cannot be read"},
		"no scheme, no port":    {func(c *Config) { c.URL = "qumulo.example" }, "cannot be read"},
		"two slashes only":      {func(c *Config) { c.URL = "//qumulo.example" }, "cannot be read"},
		"a space":               {func(c *Config) { c.URL = "https://qumulo example" }, "cannot be read"},
		"plain HTTP":            {func(c *Config) { c.URL = "http://qumulo.example:8000" }, "https://"},
		"no host":               {func(c *Config) { c.URL = "https://" }, "no host"},
		"only a port":           {func(c *Config) { c.URL = "https://:8000" }, "no host"},
		"a path":                {func(c *Config) { c.URL += "/v1" }, "after the host"},
		"a query":               {func(c *Config) { c.URL += "?a=b" }, "after the host"},
		"a bare question mark":  {func(c *Config) { c.URL += "?" }, "after the host"},
		"a fragment":            {func(c *Config) { c.URL += "#a" }, "after the host"},
		"a password in the URL": {func(c *Config) { c.URL = "https://admin:geheim@qumulo.example" }, "belong into a Secret"},
		"no credentials":        {func(c *Config) { c.Token = "" }, "neither"},
		"a token of blanks":     {func(c *Config) { c.Token = " \n" }, "neither"},
		"no password":           {func(c *Config) { c.Token, c.Username = "", "admin" }, "neither"},
		"no username":           {func(c *Config) { c.Token, c.Password = "", "geheim" }, "neither"},
		"both":                  {func(c *Config) { c.Username, c.Password = "admin", "geheim" }, "as well as"},
		"a token of two lines":  {func(c *Config) { c.Token = "geheim\r\nX: y" }, "characters"},
		"no HTTP client":        {func(c *Config) { c.HTTP = nil }, "HTTP client"},
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
			expectKind(t, err, keyservice.Invalid, test.text)
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestProbeReadsTheVersionAndProvesTheCredentials(t *testing.T) {
	b := newBed(t, cluster.Options{Version: "Qumulo Core\n7.9.2.1"})
	if version, err := b.Probe(t.Context()); err != nil || version != "Qumulo Core 7.9.2.1" {
		t.Errorf("got %q, %v", version, err)
	}
	wrong := b.connect(t, Config{Token: "access-v1:wrong"})
	_, err := wrong.Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "check credentials", "the token is wrong")
}

func TestFailuresOfAProbe(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"a page of another server":   {simulator.Answer(200, nil, "<html>"), keyservice.Unavailable, "not that of a Qumulo"},
		"another service's JSON":     {simulator.Answer(200, nil, `{"version":"9"}`), keyservice.Unavailable, "not that of a Qumulo"},
		"another server's 404":       {simulator.Answer(404, nil, ""), keyservice.Unavailable, "check that the KeyService's URL"},
		"a redirect to a login":      {simulator.Answer(302, http.Header{"Location": {"/login"}}, ""), keyservice.Unavailable, "URL"},
		"a proxy that wants a login": {simulator.Answer(401, nil, ""), keyservice.Unauthorized, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			b.cluster.Inject(simulator.Rule{Path: versionPath}, test.effect)
			_, err := b.Probe(t.Context())
			expectKind(t, err, test.kind, "read version: ", test.text)
			b.calls(t, postLogin, 0) // no password for a server that may not be the right one
		})
	}
}

func TestAWantOfPrivilegesIsNamed(t *testing.T) {
	for name, privileges := range map[string][]string{
		"none":             {},
		"the REST guide's": {cluster.CredentialsRead, cluster.CredentialsWrite},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			b.cluster.SetPrivileges(privileges...)
			_, err := b.ListAll(t.Context())
			expectKind(t, err, keyservice.Unauthorized,
				"PRIVILEGE_S3_CREDENTIALS_READ and _WRITE", "PRIVILEGE_S3_BUCKETS_READ and _WRITE")
		})
	}
	b := newBed(t, cluster.Options{
		ReadPrivileges: []string{cluster.CredentialsRead}, WritePrivileges: []string{cluster.CredentialsWrite},
	})
	b.cluster.SetPrivileges(cluster.CredentialsRead, cluster.CredentialsWrite)
	b.create(t, "local:alice")
}

func TestTheServicesWordsAreCutAndCleaned(t *testing.T) {
	b := newBed(t, cluster.Options{})
	body := `{"error_class":"odd_error","description":"line\nbreak\u0000\u001b[31m ` + strings.Repeat("long ", 200) + `"}`
	b.cluster.Inject(anyCreate, simulator.Answer(400, nil, body))
	_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
	expectKind(t, err, keyservice.Invalid, "odd_error: line break[31m long", "…")
	if strings.ContainsAny(err.Error(), "\n\x00\x1b") || len(err.Error()) > 400 {
		t.Errorf("got %q", err)
	}
}

func TestTheServicesWordsNeverTellASecret(t *testing.T) {
	b := newBed(t, cluster.Options{})
	token := b.cluster.AddToken(time.Time{})
	service := b.connect(t, Config{Token: keyservice.Secret(token)})
	b.cluster.Inject(anyCreate, simulator.Answer(400, nil, `{"description":"bad header: Bearer `+token+`"}`))
	_, err := service.Create(t.Context(), "local:alice", ttlIgnored)
	expectKind(t, err, keyservice.NotFound, "bad header: Bearer [redacted]")
}

func TestAPrintedServiceOrConfigurationTellsNoSecret(t *testing.T) {
	config := Config{URL: "https://a", Username: "admin", Password: "geheim", HTTP: http.DefaultClient}
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	service.client.session.token = "geheim too"
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "config", config, "service", service)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "config", config.Password, "service", service)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&log, verb+verb+verb, config, service, *service)
	}
	if strings.Contains(log.String(), "geheim") || strings.Contains(log.String(), "67656865696d") {
		t.Errorf("got %s", log.String())
	}
}

func TestLimits(t *testing.T) {
	capabilities := keyservice.CapabilitiesOf(&Service{})
	want := keyservice.Capabilities{KeysPerUser: 2, Overlap: true, ListsAll: true}
	if capabilities != want {
		t.Errorf("got %+v, want %+v", capabilities, want)
	}
}
