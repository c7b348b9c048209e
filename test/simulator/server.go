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
	"strconv"
	"sync"
	"time"
)

// Host is a name beside the loopback address that every Server's certificate is for. No resolver knows it, so only a proxy
// can lead there.
const Host = "service.example"

// Server serves a simulator by TLS on the loopback interface, with a CA of its own.
type Server struct {
	// URL is the server's base, without a slash at its end.
	URL string
	// CA is the certificate of the CA, PEM.
	CA []byte

	server *http.Server
	mu     sync.Mutex
	down   bool
	open   map[net.Conn]struct{}
}

// Serve starts to serve handler on a free port. The caller closes the server.
func Serve(handler http.Handler) (*Server, error) { return ServeOn(0, handler) }

// ServeOn is Serve on this port; 0: a free one.
func ServeOn(port int, handler http.Handler) (*Server, error) {
	certificate, ca, err := issue()
	if err != nil {
		return nil, fmt.Errorf("make the server's certificate: %w", err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "https://" + listener.Addr().String(), CA: ca, open: map[net.Conn]struct{}{}}
	s.server = &http.Server{
		Handler:           handler,
		TLSConfig:         serverTLS(certificate),
		ConnState:         s.track,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that leave are part of the tests
	}
	go func() { _ = s.server.ServeTLS(listener, "", "") }() // ends with Close
	return s, nil
}

// serverTLS agrees on keys in the cheapest way, since tests shake hands by the thousand.
func serverTLS(certificate tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.X25519},
	}
}

// Close ends the server and its connections.
func (s *Server) Close() error { return s.server.Close() }

// Down takes the service away (every connection is closed, new ones before the TLS handshake), or brings it back.
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

// Connections that clients have open, or that still have a request of a client that is gone.
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

// closeTCP closes what is below TLS, which would send an alert first.
func closeTCP(conn net.Conn) { _ = conn.(*tls.Conn).NetConn().Close() }

// issue makes a CA and a certificate of it for the loopback address, valid for a day of the real clock, since that is
// what TLS clients look at.
func issue() (certificate tls.Certificate, ca []byte, err error) {
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "simulator CA"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "simulator"},
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:     []string{Host},
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER})
	return tls.Certificate{Certificate: [][]byte{serverDER}, PrivateKey: serverKey}, ca, nil
}
