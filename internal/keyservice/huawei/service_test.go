// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	account "accesskey.dev/operator/test/simulator/huawei"
)

var goodConfig = Config{
	URL: "https://iam.eu-west-101.myhuaweicloud.eu", DomainID: account.DefaultDomainID, AccessKeyID: "HPUA0000",
	SecretAccessKey: "geheim", HTTP: http.DefaultClient, Now: time.Now,
}

func TestNewRefusesABadConfiguration(t *testing.T) {
	bed.ExpectConfigurations(t, goodConfig, New, map[string]func(*Config) string{
		"a key with newlines":   func(c *Config) string { c.AccessKeyID, c.SecretAccessKey = "HPUA0000\n", "geheim\r\n"; return "" },
		"plain HTTP":            func(c *Config) string { c.URL = "http://iam.example"; return "https://" },
		"no domain":             func(c *Config) string { c.DomainID = ""; return "domain ID" },
		"a domain by its name":  func(c *Config) string { c.DomainID = "my account"; return "My Credentials" },
		"a domain of two lines": func(c *Config) string { c.DomainID = "a\r\nX: y"; return "domain ID" },
		"no key ID":             func(c *Config) string { c.AccessKeyID = " "; return "there is no access key ID" },
		"no secret":             func(c *Config) string { c.SecretAccessKey = "\n"; return "no secret access key" },
		"a key ID with a comma": func(c *Config) string { c.AccessKeyID = "A, SignedHeaders="; return "access key ID has characters" },
		"a secret of two lines": func(c *Config) string { c.SecretAccessKey = "geheim\nAK"; return "secret access key has characters" },
		"no HTTP client":        func(c *Config) string { c.HTTP = nil; return "no HTTP client" },
		"no clock":              func(c *Config) string { c.Now = nil; return "no clock" },
	})
}

func TestProbeProvesTheCredentials(t *testing.T) {
	for _, empty := range []string{"[]", "null", "absent"} {
		b := newBed(t, account.Options{Pages: account.PagesShort, Empty: empty}) // the first page is empty
		if version, err := b.Probe(t.Context()); err != nil || version != "Huawei Cloud IAM v5" {
			t.Errorf("an empty page is %s: got %q, %v", empty, version, err)
		}
		b.calls(t, getUsers, 1)
	}
	b := newBed(t, account.Options{})
	_, err := b.connect(t, "HPUAUNKNOWN", "SomeSecret").Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "check credentials: ", "ak:HPUAUNKNOWN,err:ak not exist")
	b.account.Allow()
	_, err = b.Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "PAP5.0001: access denied", "iam:users:listUsersV5", "createCredentialV5")
}
