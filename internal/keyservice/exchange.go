// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// maxBody bounds what is read of an answer, bytes. A Qumulo page of 10,000 keys is about 3 MB.
	maxBody = 16 << 20
	// maxHeader bounds the header of an answer, bytes.
	maxHeader = 1 << 20
	// maxValues bounds how many values an answer has, since "0," becomes some hundred bytes once it is decoded. A Qumulo page
	// of 10,000 keys has about 100,000.
	maxValues = 300_000
	// maxRetryAfter bounds how long a service can make the operator wait.
	maxRetryAfter = time.Hour
)

// Call describes a request for errors and metrics.
type Call struct {
	// Op in words: "create key".
	Op string
	// Safe: the request changes nothing that matters, so that a lost answer is Unavailable and not Ambiguous.
	Safe bool
	// Redact knows the secrets that the request carries, which no error may quote. Nil: none.
	Redact *Redactor
}

// Response is an answer read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// RetryAfter as the header says, bounded to an hour; 0 without one.
	RetryAfter time.Duration
}

// OK reports a 2xx status. Which one it is differs between services and versions, so nothing finer is asked.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// Strange reports a body that is no JSON, which every service speaks: somebody in between, such as a proxy, has answered.
func (r *Response) Strange() bool { return len(bytes.TrimSpace(r.Body)) > 0 && !json.Valid(r.Body) }

// Exchange sends the request once and reads the answer. An answer with any status is not an error. The error's kind is
// Ambiguous if the request is not safe and may have reached the service, else Unavailable.
func Exchange(client *http.Client, call Call, request *http.Request) (*Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	ctx := httptrace.WithClientTrace(withOp(request.Context(), call.Op), trace)

	fail := func(err error) error {
		return &Error{Kind: unanswered(call.Safe || !connected.Load()), Op: call.Op, Err: call.Redact.Error(describe(err))}
	}
	defer startTimer(ctx)()
	httpResponse, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, fail(err)
	}
	defer httpResponse.Body.Close() //nolint:errcheck // nothing is lost by a failing close of a body that was read
	body, err := readBody(httpResponse)
	if err != nil {
		return nil, fail(err)
	}
	if bytes.Count(body, []byte(",")) > maxValues {
		return nil, fail(fmt.Errorf("the answer has more than %d values", maxValues))
	}
	return &Response{
		Status:     httpResponse.StatusCode,
		Header:     httpResponse.Header,
		Body:       bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")),
		RetryAfter: retryAfter(httpResponse.Header.Get("Retry-After"), httpResponse.Header.Get("Date")),
	}, nil
}

// readBody reads the answer, which the transport bounds, and nothing of one that says itself that it is too large.
func readBody(response *http.Response) ([]byte, error) {
	if response.ContentLength > maxBody {
		return nil, &http.MaxBytesError{Limit: maxBody}
	}
	return io.ReadAll(response.Body)
}

// describe strips what changes from one try to the next (the local port, the request's URL, the time of day), since the
// text ends in a condition that must not be rewritten for nothing.
func describe(err error) error {
	var (
		maxBytes *http.MaxBytesError
		dnsError *net.DNSError
		opError  *net.OpError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("canceled before the service answered")
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return errors.New("the service did not answer in time")
	case errors.As(err, &maxBytes):
		return fmt.Errorf("the answer is larger than %d MiB", maxBytes.Limit>>20)
	case errors.As(err, &dnsError):
		return fmt.Errorf("cannot resolve the host %q: %s", dnsError.Name, describeDNS(dnsError))
	case hungUp(err):
		return errors.New("the service closed the connection before its answer was complete")
	case errors.As(err, &opError) && opError.Addr != nil:
		return fmt.Errorf("cannot %s %s: %w", opError.Op, opError.Addr, opError.Err)
	case errors.As(err, &opError): // a TLS alert or a proxy: net gives no address
		return fmt.Errorf("%s: %w", opError.Op, describe(opError.Err))
	default:
		return describeOther(err)
	}
}

// describeOther treats the errors of TLS, and those that quote the service.
func describeOther(err error) error {
	var (
		unknownCA x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		urlError  *url.Error
	)
	switch {
	case errors.As(err, &unknownCA):
		return errors.New("the service's certificate is signed by an unknown authority; give its CA in the KeyService's spec.tls")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Errorf("the service's certificate is valid from %s to %s only", date(invalid.Cert.NotBefore), date(invalid.Cert.NotAfter))
	case errors.As(err, &urlError):
		return errors.New(Excerpt(urlError.Err.Error()))
	default:
		return errors.New(Excerpt(err.Error()))
	}
}

// hungUp: a close shows as an end or as a reset, which of them is a race in TCP.
func hungUp(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE}, func(end error) bool { return errors.Is(err, end) })
}

// describeDNS drops the addresses of the resolver and of this machine.
func describeDNS(err *net.DNSError) string {
	if err.IsNotFound {
		return "no such host"
	}
	return "the name servers gave no answer"
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// retryAfter reads the header in both forms of RFC 9110, section 10.2.3. A date is taken against the answer's own Date,
// so that the clocks need not agree.
func retryAfter(value, date string) time.Duration {
	value = strings.TrimSpace(value)
	seconds, err := strconv.ParseInt(value, 10, 64)
	if seconds > 0 && (err == nil || errors.Is(err, strconv.ErrRange)) {
		return time.Duration(min(seconds, int64(maxRetryAfter/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	answered, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	return min(max(until.Sub(answered), 0), maxRetryAfter)
}
