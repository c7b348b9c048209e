// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// newClient returns a client that sends requests with the token, and the ID of the token's user. There is nothing to log in
// again with, so a 401 is final.
func newClient(config Config) (client *rest.Client, user string, err error) {
	base, err := rest.BaseURL(cmp.Or(config.URL, defaultURL), defaultURL)
	if err != nil {
		return nil, "", err
	}
	// A value in a Secret often ends in a newline, which a header does not accept.
	token := strings.TrimSpace(config.Token.Reveal())
	switch {
	case config.HTTP == nil:
		return nil, "", errors.New("there is no HTTP client")
	case token == "":
		return nil, "", errors.New("there is no token")
	case !rest.IsToken(token):
		return nil, "", errors.New("the token has characters that no token has")
	}
	return &rest.Client{
		Base: base, HTTP: config.HTTP, Redact: keyservice.NewRedactor(keyservice.Secret(token)),
		Authorize: func(request *http.Request) { request.Header.Set("Authorization", "Bearer "+token) },
		Gate:      config.Gate,
		Explain:   decodeProblem,
		Classify:  classify,
	}, userOf(token), nil
}

// userOf returns the ID of the token's user: the claim identity.uuid (ionos-cloud/ionosctl, internal/jwt/token.go), or
// else sub. For a token without claims that can be read it returns a digest, which changes with the token.
func userOf(token string) string {
	var claims struct {
		Identity rest.Lenient[struct {
			UUID rest.Text `json:"uuid"`
		}] `json:"identity"`
		Subject rest.Text `json:"sub"`
	}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
		if err == nil {
			_ = json.Unmarshal(payload, &claims) // what cannot be read stays empty
		}
	}
	if user := cmp.Or(claims.Identity.Value.UUID, claims.Subject); user != "" {
		return strings.ToLower(string(user))
	}
	digest := sha256.Sum256([]byte(token))
	return fmt.Sprintf("token-%x", digest[:8])
}
