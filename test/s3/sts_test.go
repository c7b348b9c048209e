// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/aws"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/bed"
)

// TestSTSReadsTheTokenOfThePod shows versitygw, whose STS knows AssumeRoleWithWebIdentity, the token of a service account. It fetches the
// keys of an issuer from public addresses only, so no test has a token that it accepts. It reads the whole request before it refuses.
func TestSTSReadsTheTokenOfThePod(t *testing.T) {
	server := startIAM(t)
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	client, err := rest.NewHTTPClient(rest.TransportConfig{CABundle: server.CA, QPS: 100, Burst: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	part := base64.RawURLEncoding.EncodeToString
	token := part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(`{"iss":"https://oidc.example","aud":"sts.amazonaws.com"}`)) + "." + part([]byte("signature"))
	for text, want := range map[string]string{
		token:      "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity; check that the trust policy of the role names the cluster's OIDC provider",
		"no.token": "InvalidIdentityToken",
	} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		environment := map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/accesskey-operator"}
		credentials, err := aws.NewCredentials(aws.CredentialsConfig{
			STSURL: server.URL, STSRegion: "us-east-1", Environment: func(name string) string { return environment[name] }, HTTP: client, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = credentials.Retrieve(t.Context())
		bed.ExpectKind(t, err, keyservice.Unauthorized, want)
	}
}
