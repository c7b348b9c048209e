// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

var tlsCases = []contractCase{
	{"TLS is what the KeyService says it is, and nothing is sent before it stands", simulated, tlsIsChecked},
}

func tlsIsChecked(t *testing.T, s subject) {
	stranger, err := simulator.Serve(http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Close() })
	for name, test := range map[string]struct {
		config func(server *simulator.Server) rest.TransportConfig
		host   string
		// words of the error; empty for success.
		words string
	}{
		"with the service's private CA it works": {
			config: func(server *simulator.Server) rest.TransportConfig {
				return rest.TransportConfig{CABundle: server.CA}
			},
		},
		"with the CA among others it works": {config: func(server *simulator.Server) rest.TransportConfig {
			return rest.TransportConfig{CABundle: slices.Concat(stranger.CA, server.CA)}
		}},
		"without the CA it is refused": {
			config: func(*simulator.Server) rest.TransportConfig { return rest.TransportConfig{} },
			words:  "unknown authority; give its CA in the KeyService's spec.tls",
		},
		"with another CA it is refused": {
			config: func(*simulator.Server) rest.TransportConfig {
				return rest.TransportConfig{CABundle: stranger.CA}
			},
			words: "unknown authority",
		},
		"by another name it is refused": {
			config: func(server *simulator.Server) rest.TransportConfig {
				return rest.TransportConfig{CABundle: server.CA}
			},
			host: "localhost", words: "not valid for localhost, but for service.example, 127.0.0.1; use one of these names",
		},
		"with insecureSkipVerify anything works": {config: func(*simulator.Server) rest.TransportConfig {
			return rest.TransportConfig{InsecureSkipVerify: true}
		}},
	} {
		check(t, s, name, func(t *testing.T) {
			b := s.start(t, 0)
			req := b.wanted(t, b.bob)
			config := test.config(b.server)
			config.Backend, config.QPS, config.Burst = s.name, 1e6, 1e6
			url := b.server.URL
			if test.host != "" {
				_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "https://"))
				url = "https://" + net.JoinHostPort(test.host, port)
			}
			service, _ := b.dialAs(t, config, url)
			before, sent := b.state(), b.sent()
			_, err := service.Create(t.Context(), b.bob, req)
			if test.words == "" {
				expect(t, err, fine)
				return
			}
			expect(t, err, unavailable) // nothing can have been made, so it is not Ambiguous
			if !strings.Contains(err.Error(), test.words) {
				t.Errorf("the error lacks %q: %v", test.words, err)
			}
			if b.state() != before || b.sent() != sent {
				t.Error("something was sent all the same")
			}
		})
	}
}
