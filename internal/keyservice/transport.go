// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// userAgent names the operator to the services.
const userAgent = "accesskey-operator"

// Timeout bounds one request to a service, from waiting for the rate limit to the last byte of the answer.
const Timeout = 30 * time.Second

// TransportConfig says how to reach one key service.
type TransportConfig struct {
	// Backend labels the metrics: "qumulo".
	Backend string
	// CABundle are PEM certificates to trust instead of the system's; nil for the system's.
	CABundle []byte
	// InsecureSkipVerify turns the check of the service's certificate off.
	InsecureSkipVerify bool
	// QPS and Burst limit the requests to the service.
	QPS   float64
	Burst int
	// Clock learns the service's time from its answers; nil if nobody asks.
	Clock *ServiceClock
	// Base carries the requests; nil for TLS over TCP.
	Base http.RoundTripper
}

// NewHTTPClient returns the client that a backend sends everything through: one pool of connections for each service,
// TLS 1.2 or better, proxies from the environment, no redirects (they would carry the credentials elsewhere). HTTP/1.1
// only: HTTP/2 names stream numbers in its errors, which differ from try to try, and keeps on using a dead connection.
func NewHTTPClient(config TransportConfig) (*http.Client, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: config.InsecureSkipVerify} //nolint:gosec // asked for in the KeyService
	if config.CABundle != nil {
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(config.CABundle) {
			return nil, errors.New("the CA bundle holds no PEM certificate")
		}
	}
	if config.Base == nil {
		dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
		config.Base = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        tlsConfig,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	return &http.Client{
		Timeout: Timeout,
		Transport: &transport{
			backend: config.Backend,
			limiter: rate.NewLimiter(rate.Limit(config.QPS), config.Burst),
			clock:   config.Clock,
			next:    config.Base,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// transport is the one RoundTripper between the operator and the services.
type transport struct {
	backend string
	limiter *rate.Limiter
	clock   *ServiceClock
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	op := opOf(request.Context())
	if err := t.limiter.Wait(request.Context()); err != nil {
		return nil, fmt.Errorf("waiting for the KeyService's rateLimit: %w", err)
	}
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", userAgent)

	start := time.Now()
	response, err := t.next.RoundTrip(request)
	code := "none"
	if err == nil {
		code = strconv.Itoa(response.StatusCode)
		t.clock.saw(response.Header)
		response.Body = http.MaxBytesReader(nil, response.Body, maxBody)
	}
	requests.WithLabelValues(t.backend, op, code).Inc()
	seconds.WithLabelValues(t.backend, op).Observe(time.Since(start).Seconds())
	return response, err
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the pool.
func (t *transport) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "accesskey_service_requests_total",
		Help: "Requests to key services, by backend, operation and HTTP status (none: no answer).",
	}, []string{"backend", "operation", "code"})
	seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "accesskey_service_request_duration_seconds",
		Help:    "Time until a key service answered, by backend and operation.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2.5, 10),
	}, []string{"backend", "operation"})
)

// Collectors are the metrics of all key services, for the manager's registry.
func Collectors() []prometheus.Collector { return []prometheus.Collector{requests, seconds} }

type opKey struct{}

func withOp(ctx context.Context, op string) context.Context {
	return context.WithValue(ctx, opKey{}, op)
}

func opOf(ctx context.Context) string {
	op, ok := ctx.Value(opKey{}).(string)
	if !ok {
		return "unknown"
	}
	return op
}
