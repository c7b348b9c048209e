// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"accesskey.dev/operator/internal/keyservice/rest"
)

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
	return "token-" + hex.EncodeToString(digest[:8])
}
