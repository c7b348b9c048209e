// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"net/http"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

func TestNewRefusesABadConfiguration(t *testing.T) {
	good := Config{URL: "https://qumulo.example:8000", Token: "access-v1:t", HTTP: http.DefaultClient}
	bed.ExpectConfigurations(t, good, New, map[string]func(*Config) string{
		"a login":              func(c *Config) string { c.Token, c.Username, c.Password = "", "admin", "p"; return "" },
		"plain HTTP":           func(c *Config) string { c.URL = "http://qumulo.example:8000"; return "https://" },
		"no credentials":       func(c *Config) string { c.Token = ""; return "neither" },
		"a token of blanks":    func(c *Config) string { c.Token = " \n"; return "neither" },
		"no password":          func(c *Config) string { c.Token, c.Username = "", "admin"; return "neither" },
		"no username":          func(c *Config) string { c.Token, c.Password = "", "geheim"; return "neither" },
		"both":                 func(c *Config) string { c.Username, c.Password = "admin", "geheim"; return "as well as" },
		"a token of two lines": func(c *Config) string { c.Token = "geheim\r\nX: y"; return "characters" },
		"no HTTP client":       func(c *Config) string { c.HTTP = nil; return "HTTP client" },
	})
}

func TestProbeReadsTheVersionAndProvesTheCredentials(t *testing.T) {
	b := newBed(t, cluster.Options{Version: "Qumulo Core\n7.9.2.1"})
	if version, err := b.Probe(t.Context()); err != nil || version != "Qumulo Core 7.9.2.1" {
		t.Errorf("got %q, %v", version, err)
	}
	b = newBed(t, cluster.Options{})
	b.cluster.Inject(simulator.Rule{Path: versionPath}, simulator.Answer(200, nil, "<html>"))
	_, err := b.Probe(t.Context())
	expectKind(t, err, keyservice.Unavailable, "read version: ", "not that of a Qumulo")
	b.calls(t, postLogin, 0) // no password for a server that may not be the right one
	b.cluster.LiftAll()
	wrong := b.connect(t, Config{Token: "access-v1:wrong"})
	_, err = wrong.Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "check credentials", "the token is wrong")
}

func TestTheListDecidesAnUnexplained404(t *testing.T) {
	b := newBed(t, cluster.Options{BareErrors: true, PageSize: 1})
	keys := b.makeKeys(t, "local:alice")
	if err := b.Delete(t.Context(), "local:alice", "0000000000000ABCDEFG"); err != nil {
		t.Error(err)
	}
	b.calls(t, deleteKeys, 1)
	b.calls(t, getKeys, len(keys)) // one a page
	b.cluster.Inject(anyDelete, simulator.Answer(404, nil, ""))
	expectKind(t, b.Delete(t.Context(), "local:alice", keys[0]), keyservice.Unavailable, "still lists")
	b.cluster.Inject(anyList, simulator.Answer(404, nil, ""))
	expectKind(t, b.Delete(t.Context(), "local:alice", keys[0]), keyservice.Unavailable, "list keys")
}
