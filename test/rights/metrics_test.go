// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// reviews are the operator's rights outside of namespaces: to ask who may read the metrics.
var reviews = []right{{"create", "authentication.k8s.io", "tokenreviews"}, {"create", "authorization.k8s.io", "subjectaccessreviews"}}

// createReader creates a ServiceAccount that may read metrics, with the role that config/ has for that, and one that may not.
func createReader(ctx context.Context) error {
	for _, arguments := range []string{
		"create serviceaccount prometheus",
		"create serviceaccount stranger",
		"create clusterrolebinding prometheus --clusterrole=accesskey-operator-metrics-reader --serviceaccount=default:prometheus",
	} {
		if out, err := plane.Kubectl(ctx, nil, strings.Fields(arguments)...); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	for account, token := range map[string]*string{"prometheus": &reader, "stranger": &stranger} {
		out, err := plane.Kubectl(ctx, nil, "create", "token", account)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		*token = strings.TrimSpace(out)
	}
	return nil
}

// scrape reads the metrics by HTTPS with a token, and returns the certificate of the endpoint.
func scrape(ctx context.Context, address, token string) (code int, body string, certificate *x509.Certificate, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", http.NoBody)
	if err != nil {
		return 0, "", nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it is only read
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), response.TLS.PeerCertificates[0], err
}

// serveMetrics adds a metrics endpoint to a manager, as cmd/ does, but on a port that the system chooses.
func (s *story) serveMetrics(mgr ctrl.Manager) error {
	options := metricsserver.Options{BindAddress: "127.0.0.1:0", SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization}
	server, err := metricsserver.NewServer(options, mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return err
	}
	s.metrics = server.(interface{ GetBindAddr() string }).GetBindAddr
	return mgr.Add(server)
}

// readMetrics reads the metrics of the story's operator.
func (s *story) readMetrics(ctx context.Context) error {
	return s.eventually(ctx, func() error {
		code, _, _, err := scrape(ctx, s.metrics(), reader)
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("the metrics endpoint answered %d", code)
		}
		return err
	})
}

// TestOnlyReadersOfTheMetricsGetThem runs the manager with its permissions and a certificate, which is replaced while it runs.
func TestOnlyReadersOfTheMetricsGetThem(t *testing.T) {
	directory := t.TempDir()
	writeCertificate(t, directory, "first.example")
	address := freeAddress(t)
	manager, err := plane.StartManager(t.Context(), buildManager(t), filepath.Join(t.TempDir(), "log"),
		"--health-probe-bind-address=0", "--metrics-bind-address="+address, "--metrics-cert-path="+directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(manager.Kill)
	expectAnswer(t, address, reader, http.StatusOK, "accesskey_waiting_for_service 0")
	expectAnswer(t, address, "", http.StatusUnauthorized, "Unauthorized")
	expectAnswer(t, address, stranger, http.StatusForbidden, "Authorization denied for user system:serviceaccount:default:stranger")
	expectProtocol(t, address, "http/1.1")
	expectCertificate(t, address, "first.example")
	writeCertificate(t, directory, "second.example")
	expectCertificate(t, address, "second.example")
	if err := manager.Stop(); err != nil {
		t.Error(err)
	}
}

// expectAnswer waits until the endpoint answers, and expects this answer to a token.
func expectAnswer(t *testing.T, address, token string, want int, text string) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		code, body, _, err := scrape(t.Context(), address, token)
		if err != nil {
			continue // not started yet
		}
		if code != want || !strings.Contains(body, text) {
			t.Errorf("got %d, want %d: %.500s", code, want, body)
		}
		return
	}
	t.Fatal("the endpoint does not answer")
}

// expectProtocol expects that the endpoint prefers a protocol to HTTP/2.
func expectProtocol(t *testing.T, address, want string) {
	t.Helper()
	connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close() //nolint:errcheck // nothing was sent
	if got := connection.ConnectionState().NegotiatedProtocol; got != want {
		t.Errorf("the endpoint speaks %s, want %s", got, want)
	}
}

// expectCertificate waits until the endpoint has the certificate of this name.
func expectCertificate(t *testing.T, address, name string) {
	t.Helper()
	var certificate *x509.Certificate
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		var err error
		if _, _, certificate, err = scrape(t.Context(), address, ""); err == nil && certificate.Subject.CommonName == name {
			return
		}
	}
	t.Errorf("the endpoint has the certificate of %s, want %s", certificate.Subject, name)
}

// writeCertificate writes a certificate and its key as a mounted Secret has them.
func writeCertificate(t *testing.T, directory, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(directory, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
