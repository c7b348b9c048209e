// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
)

// TestDescribe covers what loopback cannot produce: name servers, proxies, alerts.
func TestDescribe(t *testing.T) {
	proxy := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 3128}
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: proxy, Err: errors.New("connect: connection refused")}
	here := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 51234}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"a host that does not exist": {
			&net.DNSError{Name: "a.example", Server: "10.0.0.53:53", Err: "no such host", IsNotFound: true},
			`cannot resolve the host "a.example": no such host`,
		},
		"a name server that is away, whatever the local port": {
			&net.DNSError{Name: "a.example", Err: "read udp 10.0.0.9:40001->10.0.0.53:53: read: connection refused"},
			`cannot resolve the host "a.example": the name servers gave no answer`,
		},
		"a proxy that refuses": {
			&net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused},
			"proxyconnect: cannot dial 10.0.0.1:3128: connect: connection refused",
		},
		"a connection that is reset, whatever the local port": {
			&net.OpError{Op: "read", Net: "tcp", Source: here, Addr: proxy, Err: errors.New("read: connection reset by peer")},
			"cannot read 10.0.0.1:3128: read: connection reset by peer",
		},
		"an alert of TLS": {
			&net.OpError{Op: "remote error", Err: tls.AlertError(42)},
			"remote error: tls: bad certificate",
		},
		"a timeout of the network": {
			&net.OpError{Op: "dial", Net: "tcp", Addr: proxy, Err: os.ErrDeadlineExceeded},
			"the service did not answer in time",
		},
		"a certificate with many names": {
			x509.HostnameError{Host: "a.example", Certificate: &x509.Certificate{
				DNSNames: []string{"b.example", "c.example", "d.example", "*.e.example"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1), net.IPv6loopback},
			}},
			"the service's certificate is not valid for a.example, but for b.example, c.example, d.example, *.e.example, 10.0.0.1 and 1 more; " +
				"use one of these names in the KeyService's url, or set its tls.serverName to one of them",
		},
		"a certificate without names": {
			x509.HostnameError{Host: "a.example", Certificate: &x509.Certificate{}},
			"the service's certificate is not valid for a.example: it has no subject alternative names; give the service a certificate that has them",
		},
		"a deadline":      {fmt.Errorf("outer: %w", context.DeadlineExceeded), "the service did not answer in time"},
		"half a body":     {io.ErrUnexpectedEOF, "the service closed the connection before its answer was complete"},
		"any other error": {errors.New("odd\n" + strings.Repeat("x", 300)), "odd " + strings.Repeat("x", 195) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := &url.Error{Op: "Post", URL: "https://a.example/?token=geheim", Err: test.err}
			for _, err := range []error{test.err, wrapped} {
				if got := describe(err).Error(); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}
		})
	}
}
