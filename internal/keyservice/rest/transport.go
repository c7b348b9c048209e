// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"accesskey.dev/operator/internal/keyservice"
)

// Timeout bounds one request to a service, from waiting for the rate limit to the last byte of the answer, unless the
// TransportConfig has another one.
const Timeout = 30 * time.Second

// connectTimeout bounds each step of making a connection.
const connectTimeout = 10 * time.Second

// BaseURL reads the URL of a service: https, a host name or an IP address, and perhaps a port. Its errors show the example, and
// do not quote the URL, which may hold a password.
func BaseURL(text, example string) (string, error) {
	base, err := parseURL(text, example, noPath, "the URL goes on after the host and the port, and a path prefix is not supported")
	if err != nil {
		return "", err
	}
	return "https://" + base.Host, nil
}

// PathURL is BaseURL for a service that may be below a path, which it keeps as it is written.
func PathURL(text, example string) (string, error) {
	base, err := parseURL(text, example, plainPath, "the URL goes on after the host, the port and a plain path")
	if err != nil {
		return "", err
	}
	return "https://" + base.Host + base.EscapedPath(), nil
}

var (
	noPath = regexp.MustCompile(`^/*$`)
	// plainPath has no characters that are escaped, and no parts that a server or a proxy could leave out.
	plainPath = regexp.MustCompile(`^(/[0-9A-Za-z._~-]*[0-9A-Za-z_~-])*/?$`)
)

// parseURL reads the URL of a service with such a path. pathProblem says what is wrong with another one.
func parseURL(text, example string, path *regexp.Regexp, pathProblem string) (*url.URL, error) {
	base, err := url.Parse(text)
	problem := ""
	switch {
	case err != nil || base.Scheme == "" || base.Opaque != "":
		problem = "the URL cannot be read"
	case base.Scheme != "https":
		problem = "the URL does not begin with https://, and credentials are not sent otherwise"
	case base.Hostname() == "":
		problem = "the URL names no host"
	case base.User != nil:
		problem = "the URL holds a user; credentials belong in a Secret"
	case !path.MatchString(base.EscapedPath()) || strings.ContainsAny(text, "?#"):
		problem = pathProblem
	case strings.Contains(base.Host, "%"):
		problem = "the URL names a network interface of this machine (an IPv6 zone); give an address without a zone"
	}
	if problem != "" {
		return nil, errors.New(problem + "; it should look like " + example)
	}
	base.Host = strings.TrimSuffix(base.Host, ":443")
	return base, nil
}

// IsToken reports whether a text can be a token or a secret key: printable ASCII without blanks.
func IsToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' })
}

// TransportConfig says how to reach one key service.
type TransportConfig struct {
	// Backend labels the metrics: "qumulo".
	Backend string
	// CABundle are PEM certificates to trust instead of the system's; nil for the system's.
	CABundle []byte
	// ServerName is the name that the certificate must have; empty for the host of the URL.
	ServerName string
	// InsecureSkipVerify turns off the verification of the service's certificate.
	InsecureSkipVerify bool
	// Timeout bounds each request; 0 for the default.
	Timeout time.Duration
	// QPS and Burst limit the requests to the service.
	QPS   float64
	Burst int
	// Clock observes the service's time in its answers; may be nil.
	Clock *keyservice.ServiceClock
	// Base carries the requests; nil for TLS over TCP.
	Base http.RoundTripper
	// Trace is called when a request begins, and end when it ends: with the status of its answer, 0 without one, and with how long it waited
	// for the rate limit. May be nil.
	Trace func(ctx context.Context, backend, op string) (traced context.Context, end func(status int, waited time.Duration))
}

// NewHTTPClient returns the client of one service: a connection pool of its own, TLS 1.2 or better, proxies from the
// environment, no redirects (they would carry the credentials elsewhere). It speaks only HTTP/1.1, since the errors of HTTP/2
// contain stream numbers, which differ from one try to the next, and HTTP/2 keeps using a dead connection.
func NewHTTPClient(config TransportConfig) (*http.Client, error) {
	trust, err := tlsConfig(config)
	if err != nil {
		return nil, err
	}
	if config.Base == nil {
		config.Base = newTransport(trust)
	}
	return &http.Client{
		Timeout: cmp.Or(config.Timeout, Timeout),
		Transport: &transport{
			backend: config.Backend,
			limiter: newLimiter(config.QPS, config.Burst),
			clock:   config.Clock,
			next:    config.Base,
			trace:   config.Trace,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// tlsConfig returns which certificates to accept.
func tlsConfig(config TransportConfig) (*tls.Config, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: config.ServerName, InsecureSkipVerify: config.InsecureSkipVerify} //nolint:gosec // asked for in the KeyService
	if config.CABundle != nil {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(config.CABundle) {
			return nil, errors.New("the CA bundle holds no PEM certificate")
		}
	}
	return trust, nil
}

// newTransport returns a connection pool.
func newTransport(trust *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        trust,
		TLSHandshakeTimeout:    connectTimeout,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// transport limits, counts and bounds the requests to one service.
type transport struct {
	backend string
	limiter *limiter
	clock   *keyservice.ServiceClock
	next    http.RoundTripper
	trace   func(ctx context.Context, backend, op string) (traced context.Context, end func(status int, waited time.Duration))
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	op, _ := request.Context().Value(opKey{}).(string)
	ctx, asked, status := request.Context(), time.Now(), 0
	var waited time.Duration
	if t.trace != nil {
		traced, end := t.trace(ctx, t.backend, op)
		ctx = traced
		defer func() { end(status, waited) }()
	}
	if err := t.limiter.Wait(ctx); err != nil {
		return nil, fmt.Errorf("waiting for the KeyService's rateLimit: %w", err)
	}
	request = request.Clone(ctx)
	request.Header.Set("User-Agent", "accesskey-operator")

	start := time.Now()
	waited = start.Sub(asked)
	response, err := t.next.RoundTrip(request)
	code := "none"
	if err == nil {
		status, code = response.StatusCode, codeOf(response)
		t.clock.Observe(response.Header)
		response.Body = http.MaxBytesReader(nil, response.Body, maxBody)
	}
	requests.WithLabelValues(t.backend, op, code).Inc()
	seconds.WithLabelValues(t.backend, op).Observe(time.Since(start).Seconds())
	return response, err
}

// codeOf returns the status of a response as a label. A service could answer with hundreds of statuses that HTTP does not define.
func codeOf(response *http.Response) string {
	if http.StatusText(response.StatusCode) == "" {
		return "other"
	}
	return strconv.Itoa(response.StatusCode)
}

// answered notes whether the service throttled a request.
func (t *transport) answered(throttled bool) { t.limiter.answered(throttled, time.Now()) }

// CloseIdleConnections makes http.Client.CloseIdleConnections work.
func (t *transport) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "accesskey_service_requests_total",
		Help: "Requests to key services and to data planes (backend s3). code is the HTTP status, none if there was no answer, and other for a status that HTTP does not define.",
	}, []string{"backend", "operation", "code"})
	seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "accesskey_service_request_duration_seconds",
		Help:    "Time until a key service or a data plane answered a request, or until the request failed.",
		Buckets: append(prometheus.DefBuckets[:len(prometheus.DefBuckets):len(prometheus.DefBuckets)], Timeout.Seconds()),
	}, []string{"backend", "operation"})
)

// Collectors are the metrics of all key services, for the manager's registry.
func Collectors() []prometheus.Collector { return []prometheus.Collector{requests, seconds} }

// opKey is of the Request.Op in the context of an HTTP request.
type opKey struct{}
