// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// maxBody bounds what is read of an answer, in bytes. A Qumulo page of 10,000 keys is about 3 MB.
	maxBody = 16 << 20
	// maxHeader bounds the header of an answer, in bytes.
	maxHeader = 1 << 20
	// maxValues bounds how many values of JSON or tags of XML an answer has, since "0," and "<a/>" take some hundred bytes once they
	// are decoded. A Qumulo page of 10,000 keys has about 100,000 values, and a page of 1,000 keys of AWS IAM 10,000 tags.
	maxValues = 300_000
	// maxRetryAfter bounds how long a service can make the operator wait.
	maxRetryAfter = time.Hour
)

// Response is an answer that was read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// RetryAfter as the header says, bounded to an hour; 0 without one.
	RetryAfter time.Duration
}

// Date is the service's time of the answer, in seconds; zero if the service did not say.
func (r *Response) Date() time.Time {
	date, _ := http.ParseTime(r.Header.Get("Date")) // the zero time with an error
	return date
}

// exchange sends the request once and reads the answer, of whatever status. The error's kind is Ambiguous if the request is
// not safe and may have reached the service, else Unavailable.
func (c *Client) exchange(r Request, request *http.Request) (*Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	ctx := httptrace.WithClientTrace(context.WithValue(request.Context(), opKey{}, r.Op), trace)

	fail := func(err error) error {
		return r.Fail(unanswered(r.Safe || !connected.Load()), c.Redact.Error(describe(err)))
	}
	httpResponse, err := c.HTTP.Do(request.WithContext(ctx))
	if err != nil {
		return nil, fail(err)
	}
	defer httpResponse.Body.Close()           //nolint:errcheck // nothing is lost by a failing close of a body that was read
	if httpResponse.ContentLength > maxBody { // of such an answer nothing is read
		return nil, fail(&http.MaxBytesError{Limit: maxBody})
	}
	body, err := io.ReadAll(httpResponse.Body) // which the transport bounds
	if err != nil {
		return nil, fail(err)
	}
	if max(bytes.Count(body, []byte(",")), bytes.Count(body, []byte("<"))) > maxValues {
		return nil, fail(fmt.Errorf("the answer has more than %d values", maxValues))
	}
	response := &Response{
		Status: httpResponse.StatusCode,
		Header: httpResponse.Header,
		Body:   bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")),
	}
	response.RetryAfter = retryAfter(response.Header.Get("Retry-After"), response.Date())
	return response, nil
}

// retryAfter reads the header in both forms of RFC 9110, section 10.2.3. A date is compared with the answer's own Date, so
// that the clocks need not agree.
func retryAfter(value string, answered time.Time) time.Duration {
	value = strings.TrimSpace(value)
	seconds, err := strconv.ParseInt(value, 10, 64)
	if seconds > 0 && (err == nil || errors.Is(err, strconv.ErrRange)) {
		return time.Duration(min(seconds, int64(maxRetryAfter/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil || answered.IsZero() {
		return 0
	}
	return min(max(until.Sub(answered), 0), maxRetryAfter)
}

// unanswered is the kind of a request that was sent and whose fate is unknown.
func unanswered(safe bool) keyservice.Kind {
	if safe {
		return keyservice.Unavailable
	}
	return keyservice.Ambiguous
}
