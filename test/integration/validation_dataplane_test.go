// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"strings"
)

var verificationRefusals = []refusal{
	at("spec.verification", "minProperties", map[string]any{}, "spec.verification in body should have at least 1 properties"),
	at("spec.verification.timeout", "maxLength", "0000000000000000000000000000001m1s", "spec.verification.timeout: Too long"),
	at("spec.verification.timeout", "pattern", "2", "spec.verification.timeout in body should match"),
	at("spec.verification.timeout", rule, "61m", "timeout must be at most 1h"),
	at("spec.verification.onTimeout", "enum", "Wait", `spec.verification.onTimeout: Unsupported value: "Wait": supported values: "Hold", "Publish"`),
}

// dataPlaneRefusals are what is refused of the tls of the service, as the tls of the data plane.
func dataPlaneRefusals() []refusal {
	var moved []refusal
	for _, r := range keyServiceRefusals {
		if !strings.HasPrefix(r.path, "spec.tls") {
			continue
		}
		set := map[string]any{"spec.s3.endpoint": "https://s3.example"}
		for path, value := range r.set {
			set[strings.Replace(path, "spec.tls", "spec.s3.tls", 1)] = value
		}
		moved = append(moved, refusal{strings.Replace(r.path, "spec.tls", "spec.s3.tls", 1), r.keyword, set, strings.ReplaceAll(r.message, "spec.tls", "spec.s3.tls")})
	}
	return slices.Clip(moved)
}
