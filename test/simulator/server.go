// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Host is a host name that the certificate of every Server includes beside the loopback address. It does not resolve, so
// clients can reach it only through a proxy.
const Host = "service.example"

// Server serves a simulator over TLS. Each Server has its own CA.
type Server struct {
	// URL is the base URL, without a trailing slash.
	URL string
	// CA is the CA certificate in PEM format.
	CA []byte

	server *http.Server
	mu     sync.Mutex
	down   bool
	open   map[net.Conn]struct{}
}

// Serve starts a server for handler on a free port of the loopback interface. The caller must close it.
func Serve(handler http.Handler) (*Server, error) { return ServeAt(Address{}, handler) }

// ServeAt is like Serve, but listens at this address.
func ServeAt(address Address, handler http.Handler) (*Server, error) {
	certificate, ca, err := NewCertificate(address.Host)
	if err != nil {
		return nil, fmt.Errorf("create the certificate of the server: %w", err)
	}
	listener, clients, err := address.Listen()
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "https://" + clients, CA: ca, open: map[net.Conn]struct{}{}}
	s.server = &http.Server{
		Handler: handler,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
			CurvePreferences: []tls.CurveID{tls.X25519}, // the cheapest key exchange, because tests make thousands of handshakes
		},
		ConnState:         s.track,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // tests disconnect clients on purpose
	}
	go func() { _ = s.server.ServeTLS(listener, "", "") }() // returns after Close
	return s, nil
}

// Close stops the server and closes its connections.
func (s *Server) Close() error { return s.server.Close() }

// Down starts an outage, or ends it if down is false. During an outage the server closes every open connection, and every
// new one before the TLS handshake.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
	if down {
		for conn := range s.open {
			closeTCP(conn)
		}
	}
}

// Connections returns the number of open connections. A connection also counts as open while a request of a client that
// has disconnected is still being handled.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (s *Server) track(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open[conn] = struct{}{}
		if s.down {
			closeTCP(conn)
		}
	case http.StateClosed, http.StateHijacked:
		delete(s.open, conn)
	default:
	}
}

// closeTCP closes the TCP connection without closing the TLS connection, which would send an alert first.
func closeTCP(conn net.Conn) { _ = conn.(*tls.Conn).NetConn().Close() }

// NewCertificate creates a self-signed certificate, which is its own CA, for the loopback address, Host, and another host unless
// it is empty. It is valid for a day of the real clock, because TLS clients check it with the real clock.
func NewCertificate(host string) (certificate tls.Certificate, ca []byte, err error) {
	now := time.Now()
	names := []string{Host}
	if host != "" {
		names = append(names, host)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "simulator"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              names,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca, nil
}
