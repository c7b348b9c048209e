// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"accesskey.dev/operator/internal/keyservice"
)

// Client sends the requests of one backend. It is kept behind a pointer, as is whatever holds a secret.
type Client struct {
	// Base is what BaseURL returned.
	Base string
	// HTTP is from NewHTTPClient.
	HTTP *http.Client
	// Authorize puts the credentials into a request; nil if the HTTP client does it.
	Authorize func(*http.Request)
	// Gate stops requests while the service refuses the credentials; nil for requests without credentials.
	Gate *Gate
	// Redact knows the secrets that requests carry.
	Redact *keyservice.Redactor
	// Explain reads what the service says in the body of a refusal; the zero Problem if it says nothing.
	Explain func(body []byte) Problem
	// Recognizes reports whether the body of a refusal is in the service's own form; nil for any JSON.
	Recognizes func(body []byte) bool
	// Classify corrects the kind that follows from the status of a refusal, and adds advice.
	Classify func(*Refusal)
}

// Request is one call of the API.
type Request struct {
	// Op is what the request does, in words: "create key". It begins every error, and labels the metrics.
	Op string
	// Safe requests change nothing that matters, so that a lost answer is Unavailable and not Ambiguous.
	Safe bool
	// Subject is what the request is about, for errors: "user backup".
	Subject string
	// Path is escaped as it is to be sent.
	Method, Path string
	Query        url.Values
	// Body is sent as JSON, unless nil.
	Body any
	// Form is sent as application/x-www-form-urlencoded, unless nil. There is no Body then, and the answer may be in any format.
	Form url.Values
}

// Fail returns an error of the request.
func (r Request) Fail(kind keyservice.Kind, err error) *keyservice.Error {
	return &keyservice.Error{Kind: kind, Op: r.Op, Err: r.about(err)}
}

// FailLike returns an error of the request with the kind and the RetryAfter of its cause.
func (r Request) FailLike(cause, err error) *keyservice.Error {
	failed := r.Fail(keyservice.KindOf(cause), err)
	failed.RetryAfter = keyservice.RetryAfterOf(cause)
	return failed
}

// Done returns the error of a caller whose context ended while it waited for its turn.
func (r Request) Done(ctx context.Context) *keyservice.Error {
	return r.Fail(keyservice.Unavailable, describe(ctx.Err()))
}

// NoKey returns the error of a create that was carried out and whose answer shows no pair.
func (r Request) NoKey(answer *Response) *keyservice.Error {
	return r.Fail(keyservice.Ambiguous, fmt.Errorf("the service answered %d, but with no key that can be read", answer.Status))
}

func (r Request) about(err error) error {
	if r.Subject == "" {
		return err
	}
	return fmt.Errorf("%s: %w", r.Subject, err)
}

// Do sends the request once, and returns the answer if its status is a success. Any other answer is a *Refusal.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	return c.Gate.Do(ctx, r, func() (*Response, error) { return c.send(ctx, r) })
}

func (c *Client) send(ctx context.Context, r Request) (*Response, error) {
	request, err := c.encode(ctx, r)
	if err != nil {
		return nil, r.Fail(keyservice.Invalid, err)
	}
	response, err := c.exchange(r, request)
	if err != nil {
		return nil, err
	}
	if response.Status >= 200 && response.Status <= 299 {
		c.answered(false)
		return response, nil
	}
	refused := c.refuse(r, response)
	c.answered(refused.slowsDown())
	return nil, refused
}

// answered lets the pace of the requests follow an answer.
func (c *Client) answered(throttled bool) {
	if t, ok := c.HTTP.Transport.(*transport); ok {
		t.answered(throttled)
	}
}

func (c *Client) encode(ctx context.Context, r Request) (*http.Request, error) {
	body, err := r.content()
	if err != nil {
		return nil, err
	}
	address := c.Base + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request cannot be written")
	}
	switch {
	case r.Form != nil:
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case r.Body != nil:
		request.Header.Set("Content-Type", "application/json")
		fallthrough
	default:
		request.Header.Set("Accept", "application/json")
	}
	if c.Authorize != nil {
		c.Authorize(request)
	}
	return request, nil
}

// content returns the body that is sent.
func (r Request) content() ([]byte, error) {
	switch {
	case r.Form != nil:
		return []byte(r.Form.Encode()), nil
	case r.Body != nil:
		return json.Marshal(r.Body)
	default:
		return nil, nil
	}
}
