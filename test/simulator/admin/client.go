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

// Client speaks to an Endpoint.
type Client struct {
	// URL is the endpoint's base.
	URL string
}

// Keys returns every key ever made.
func (c Client) Keys(ctx context.Context) ([]Key, error) {
	var keys []Key
	err := c.do(ctx, http.MethodGet, "/keys", nothing{}, &keys)
	return keys, err
}

// Valid reports whether a request that is signed with this pair would be let in somewhere.
func (c Client) Valid(ctx context.Context, accessKeyID, secret string) (bool, error) {
	var verdict Verdict
	err := c.do(ctx, http.MethodPost, "/valid", Credential{accessKeyID, secret}, &verdict)
	return verdict.Valid, err
}

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
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
