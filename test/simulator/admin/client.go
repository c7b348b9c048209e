// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Client is a client of an Endpoint.
type Client struct {
	// URL is the base URL of the endpoint.
	URL string
}

// Welcome returns how to reach the services.
func (c Client) Welcome(ctx context.Context) (Welcome, error) {
	var welcome Welcome
	err := c.do(ctx, http.MethodGet, "/", nothing{}, &welcome)
	return welcome, err
}

// Keys returns every key that was ever created.
func (c Client) Keys(ctx context.Context) ([]Key, error) {
	var keys []Key
	err := c.do(ctx, http.MethodGet, "/keys", nothing{}, &keys)
	return keys, err
}

// Valid reports whether the data plane of any service would accept a request that is signed with this pair.
func (c Client) Valid(ctx context.Context, accessKeyID, secret string) (bool, error) {
	var validity Validity
	err := c.do(ctx, http.MethodPost, "/valid", Credential{accessKeyID, secret}, &validity)
	return validity.Valid, err
}

// Calls returns the number of calls of each route of each service since the start or since ResetCalls.
func (c Client) Calls(ctx context.Context) (map[string]map[string]int, error) {
	var calls map[string]map[string]int
	err := c.do(ctx, http.MethodGet, "/calls", nothing{}, &calls)
	return calls, err
}

// Inject injects a fault.
func (c Client) Inject(ctx context.Context, fault Fault) error {
	return c.do(ctx, http.MethodPost, "/faults", fault, nil)
}

// Lift lifts the faults of a service. If the name is empty, it lifts the faults of every service.
func (c Client) Lift(ctx context.Context, service string) error {
	return c.do(ctx, http.MethodDelete, "/faults", one{service}, nil)
}

// do sends a request and decodes the response into into, which may be nil.
func (c Client) do(ctx context.Context, method, path string, body, into any) (err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}
