// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Reach is what a request without credentials found out about an address.
type Reach struct {
	// URL that was asked, and Host in it.
	URL, Host string
	// Unresolved: no name server knows the host.
	Unresolved bool
	// Err is why there was no answer; nil if there was one, whatever its status.
	Err error
	// Certificate of the service; nil if there was no TLS handshake.
	Certificate *x509.Certificate
	// Distrust is why the operator does not accept the certificate; nil if it does. Skipped: it accepts any certificate.
	Distrust error
	Skipped  bool
	// Date is the service's time of the answer; zero without one. At is the local time at which the answer came.
	Date, At time.Time
}

// Look sends one HEAD request without credentials, and accepts any certificate in order to describe it. now is the local clock.
func Look(ctx context.Context, address string, config TransportConfig, now func() time.Time) (Reach, error) {
	target, err := url.Parse(address)
	if err != nil || target.Hostname() == "" {
		return Reach{}, errors.New("the URL cannot be read")
	}
	found := Reach{URL: address, Host: target.Hostname(), Skipped: config.InsecureSkipVerify}
	trust, err := tlsConfig(config)
	if err != nil {
		return found, err
	}
	loose := trust.Clone()
	loose.InsecureSkipVerify = true // verify describes what is wrong; nothing secret is sent
	loose.VerifyConnection = func(state tls.ConnectionState) error {
		found.Certificate, found.Distrust = state.PeerCertificates[0], verify(state.PeerCertificates, trust, found.Host, now())
		return nil
	}
	carrier := newTransport(loose)
	defer carrier.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return found, errors.New("the request cannot be written")
	}
	response, err := carrier.RoundTrip(request)
	if err != nil {
		found.Unresolved, found.Err = unresolved(err), describe(err)
		return found, nil
	}
	defer response.Body.Close() //nolint:errcheck // a HEAD request has no body
	found.At = now()
	found.Date, _ = http.ParseTime(response.Header.Get("Date")) // the zero time with an error
	return found, nil
}

// verify returns why a client with this configuration refuses the certificates; nil if it does not.
func verify(chain []*x509.Certificate, trust *tls.Config, host string, now time.Time) error {
	if trust.InsecureSkipVerify {
		return nil
	}
	options := x509.VerifyOptions{Roots: trust.RootCAs, DNSName: host, Intermediates: x509.NewCertPool(), CurrentTime: now}
	if trust.ServerName != "" {
		options.DNSName = trust.ServerName
	}
	for _, certificate := range chain[1:] {
		options.Intermediates.AddCert(certificate)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return describe(err)
	}
	return nil
}

// unresolved reports whether an error says that no name server knows a host.
func unresolved(err error) bool {
	failed, ok := errors.AsType[*net.DNSError](err)
	return ok && failed.IsNotFound
}

// InCluster reports whether a host is a Service of a cluster, whose name is known only in Pods.
func (r Reach) InCluster() bool {
	return strings.HasSuffix(r.Host, ".svc") || strings.Contains(r.Host, ".svc.")
}
