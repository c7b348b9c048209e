// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

var goodConfig = Config{
	URL: "https://iam.eu-west-101.myhuaweicloud.eu", DomainID: account.DefaultDomainID, AccessKeyID: "HPUA0000",
	SecretAccessKey: "geheim", HTTP: http.DefaultClient, Now: time.Now,
}

func TestNewSaysWhatIsWrongWithAConfiguration(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		text   string // empty: accepted
	}{
		"a host":                {func(*Config) {}, ""},
		"a slash at its end":    {func(c *Config) { c.URL += "/" }, ""},
		"a port":                {func(c *Config) { c.URL += ":8443" }, ""},
		"a key with newlines":   {func(c *Config) { c.AccessKeyID, c.SecretAccessKey = "HPUA0000\n", "geheim\r\n" }, ""},
		"no URL":                {func(c *Config) { c.URL = "" }, "cannot be read"},
		"no scheme":             {func(c *Config) { c.URL = "iam.example" }, "cannot be read"},
		"a space":               {func(c *Config) { c.URL = "https://iam example" }, "cannot be read"},
		"plain HTTP":            {func(c *Config) { c.URL = "http://iam.example" }, "https://"},
		"no host":               {func(c *Config) { c.URL = "https://:443" }, "no host"},
		"a path":                {func(c *Config) { c.URL += "/v5" }, "after the host"},
		"a query":               {func(c *Config) { c.URL += "?a=b" }, "after the host"},
		"a bare question mark":  {func(c *Config) { c.URL += "?" }, "after the host"},
		"a fragment":            {func(c *Config) { c.URL += "#a" }, "after the host"},
		"a password in the URL": {func(c *Config) { c.URL = "https://admin:geheim@iam.example" }, "belong into a Secret"},
		"no domain":             {func(c *Config) { c.DomainID = "" }, "domain ID"},
		"a domain by its name":  {func(c *Config) { c.DomainID = "my account" }, "My Credentials"},
		"a domain of two lines": {func(c *Config) { c.DomainID = "a\r\nX: y" }, "domain ID"},
		"no key ID":             {func(c *Config) { c.AccessKeyID = " " }, "there is no access key ID"},
		"no secret":             {func(c *Config) { c.SecretAccessKey = "\n" }, "no secret access key"},
		"a key ID with a comma": {func(c *Config) { c.AccessKeyID = "A, SignedHeaders=" }, "access key ID has characters"},
		"a secret of two lines": {func(c *Config) { c.SecretAccessKey = "geheim\nAK" }, "secret access key has characters"},
		"no HTTP client":        {func(c *Config) { c.HTTP = nil }, "no HTTP client"},
		"no clock":              {func(c *Config) { c.Now = nil }, "no clock"},
	} {
		t.Run(name, func(t *testing.T) {
			config := goodConfig
			test.change(&config)
			service, err := New(config)
			if test.text == "" {
				if err != nil || service == nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			expectKind(t, err, keyservice.Invalid, "set up the Huawei Cloud client: ", test.text)
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestTheDefaultPortIsNotPartOfTheHost(t *testing.T) {
	config := goodConfig
	config.URL += ":443/"
	service, err := New(config)
	if err != nil || service.client.base != goodConfig.URL {
		t.Errorf("got %v, %v", service, err)
	}
}

func TestTheHTTPClientThatIsGivenStaysAsItIs(t *testing.T) {
	given := &http.Client{Timeout: time.Second}
	config := goodConfig
	config.HTTP = given
	service, err := New(config)
	if err != nil || given.Transport != nil || service.client.http.Timeout != time.Second {
		t.Errorf("got %v, %v", given, err)
	}
}

func TestProbeProvesTheCredentials(t *testing.T) {
	for name, options := range map[string]account.Options{
		"where users are listed":         {},
		"where the first page is empty":  {Pages: account.PagesShort},
		"where an empty page is null":    {Pages: account.PagesShort, Empty: "null"},
		"where an empty page is nothing": {Pages: account.PagesShort, Empty: "absent"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			if version, err := b.Probe(t.Context()); err != nil || version != "Huawei Cloud IAM v5" {
				t.Errorf("got %q, %v", version, err)
			}
			b.calls(t, getUsers, 1)
		})
	}
	b := newBed(t, account.Options{})
	_, err := b.connect(t, "HPUAUNKNOWN", "SomeSecret").Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "check credentials: ", "ak:HPUAUNKNOWN,err:ak not exist")
	b.account.Allow()
	_, err = b.Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "PAP5.0001: access denied", "iam:users:listUsersV5")
}

func TestFailuresOfAProbe(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"a page of another server":   {simulator.Answer(200, nil, "<html>"), keyservice.Unavailable, "not that of Huawei"},
		"another service's JSON":     {simulator.Answer(200, nil, `{"revision_id":"x"}`), keyservice.Unavailable, "not that of Huawei"},
		"another server's 404":       {simulator.Answer(404, nil, ""), keyservice.Unavailable, "check that the KeyService's URL"},
		"a redirect to a login":      {simulator.Answer(302, http.Header{"Location": {"/login"}}, ""), keyservice.Unavailable, "URL"},
		"a proxy that wants a login": {simulator.Answer(407, nil, ""), keyservice.Unauthorized, "407"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(simulator.Rule{Path: usersPath}, test.effect)
			_, err := b.Probe(t.Context())
			expectKind(t, err, test.kind, "check credentials: ", test.text)
			b.account.LiftAll()
			if _, err := b.Probe(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPrintedServiceOrConfigurationTellsNoSecret(t *testing.T) {
	service, err := New(goodConfig)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "config", goodConfig, "service", service)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "config", goodConfig.SecretAccessKey, "service", service)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&log, verb+verb+verb, goodConfig, service, *service)
	}
	if strings.Contains(log.String(), "geheim") || strings.Contains(log.String(), "67656865696d") {
		t.Errorf("got %s", log.String())
	}
}

func TestLimits(t *testing.T) {
	capabilities := keyservice.CapabilitiesOf(&Service{})
	want := keyservice.Capabilities{KeysPerUser: 2, Overlap: true, Disables: true}
	if capabilities != want {
		t.Errorf("got %+v, want %+v", capabilities, want)
	}
}
