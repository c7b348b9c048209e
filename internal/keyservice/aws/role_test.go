// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/bed"
	account "accesskey.dev/operator/test/simulator/aws"
)

// TestARoleManagesTheKeysOfTheAccount assumes a role of the simulated account, which checks the signature of every request and the
// session token.
func TestARoleManagesTheKeysOfTheAccount(t *testing.T) {
	b := newBed(t, account.Options{})
	b.clock.SetTime(time.Now()) // the cache of the SDK compares an expiry with the real time
	b.own.SetTime(time.Now())
	assuming := func(externalID string) func(*Config) {
		return func(c *Config) {
			credentials, err := NewCredentials(CredentialsConfig{
				AccessKeyID: account.DefaultAccessKeyID, SecretAccessKey: account.DefaultSecretAccessKey, STSURL: b.server.URL, STSRegion: account.DefaultRegion,
				RoleARN: b.account.AddRole("accesskey-operator", "team-a"), ExternalID: externalID, HTTP: c.HTTP, Gate: c.Gate, Now: c.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			c.Credentials = credentials
		}
	}
	operator := b.connect(t, assuming("team-a"))
	if err := operator.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	created, err := operator.Create(t.Context(), "Alice", ttlIgnored)
	if err != nil {
		t.Fatal(err)
	}
	if err := operator.Delete(t.Context(), "Alice", created.ID); err != nil {
		t.Error(err)
	}
	bed.ExpectCalls(t, b.account.Core, "POST /AssumeRole", 1)
	err = b.connect(t, assuming("team-b"), func(c *Config) { c.Gate = rest.NewGate(c.Now, rest.Refusals{}) }).Connect(t.Context())
	bed.ExpectKind(t, err, keyservice.Unauthorized, "assume role: role arn:aws:iam::123456789012:role/accesskey-operator: ", "AccessDenied", "the externalID")
}
