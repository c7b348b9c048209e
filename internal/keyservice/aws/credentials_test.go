// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/aws"
	"accesskey.dev/operator/test/bed"
)

const soonExpired = time.Minute // credentials are replaced five minutes before their expiry

func TestTheCredentialsOfASecretAreUsedAsTheyAre(t *testing.T) {
	b := newIdentityBed(t)
	b.byServiceAccount()
	config := b.config(t)
	config.AccessKeyID, config.SecretAccessKey, config.SessionToken = baseID, baseSecret, "session"
	got, err := openIdentity(t, config).Retrieve(t.Context())
	if want := (awssdk.Credentials{AccessKeyID: baseID, SecretAccessKey: baseSecret, SessionToken: "session"}); got != want || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(b.sts.requests())+len(b.agent.requests()) > 0 {
		t.Error("something was asked for")
	}
}

func TestTheServiceAccountHasARole(t *testing.T) {
	b := newIdentityBed(t)
	b.byServiceAccount()
	b.byPodIdentity() // is not asked where both are there
	credentials := openIdentity(t, b.config(t))
	expectID(t, credentials, "ASIA1")
	expectID(t, credentials, "ASIA1")
	got := b.sts.requests()
	if len(got) != 1 || len(b.agent.requests()) > 0 {
		t.Fatalf("%d requests to STS, %d to the agent", len(got), len(b.agent.requests()))
	}
	if form := got[0].form; form.Get("Action") != "AssumeRoleWithWebIdentity" || form.Get("Version") != "2011-06-15" || form.Get("RoleArn") != aRole ||
		form.Get("RoleSessionName") != "accesskey-operator" || form.Get("WebIdentityToken") != "first.token.of-the-pod" || got[0].path != "/sts" {
		t.Errorf("got %v at %s", form, got[0].path)
	}
	if signature := got[0].header.Get("Authorization"); signature != "" {
		t.Errorf("signed: %s", signature)
	}
}

func TestThePodHasAnIdentity(t *testing.T) {
	b := newIdentityBed(t)
	b.byPodIdentity()
	credentials := openIdentity(t, b.config(t))
	expectID(t, credentials, "ASIA1")
	expectID(t, credentials, "ASIA1")
	got := b.agent.requests()
	if len(got) != 1 || got[0].path != "/v1/credentials" || got[0].header.Get("Authorization") != "first.token.of-the-pod" {
		t.Errorf("got %v", got)
	}
}

func TestCredentialsAreReplacedBeforeTheyExpireWithTheTokenOfThatTime(t *testing.T) {
	for name, by := range map[string]func(*identityBed) *identityServer{
		"service account": func(b *identityBed) *identityServer {
			b.byServiceAccount()
			b.sts.answers(givingRole("AssumeRoleWithWebIdentity", soonExpired))
			return b.sts
		},
		"Pod Identity": func(b *identityBed) *identityServer {
			b.byPodIdentity()
			b.agent.answers(givingToken(soonExpired))
			return b.agent
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newIdentityBed(t)
			asked := by(b)
			credentials := openIdentity(t, b.config(t))
			expectID(t, credentials, "ASIA1")
			b.writeToken(t, "second.token")
			expectID(t, credentials, "ASIA2")
			second := asked.requests()[1]
			if got := second.form.Get("WebIdentityToken") + second.header.Get("Authorization"); got != "second.token" {
				t.Errorf("got the token %s", got)
			}
		})
	}
}

func TestARoleIsAssumedWithTheExternalID(t *testing.T) {
	b := newIdentityBed(t)
	config := b.assuming(t)
	config.SessionToken, config.ExternalID = "base.session", "team-a/1"
	credentials := openIdentity(t, config)
	expectID(t, credentials, "ASIA1")
	expectID(t, credentials, "ASIA1")
	got := b.sts.requests()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	if form := got[0].form; form.Get("Action") != "AssumeRole" || form.Get("RoleArn") != aRole || form.Get("ExternalId") != "team-a/1" {
		t.Errorf("got %v", form)
	}
	expectSignature(t, b, got[0], awssdk.Credentials{AccessKeyID: baseID, SecretAccessKey: baseSecret, SessionToken: "base.session"})
}

func TestARoleIsAssumedWithoutAnExternalID(t *testing.T) {
	b := newIdentityBed(t)
	expectID(t, openIdentity(t, b.assuming(t)), "ASIA1")
	if form := b.sts.requests()[0].form; form.Has("ExternalId") {
		t.Errorf("got %v", form)
	}
}

// expectSignature signs the request again, as STS does, with the signer of the SDK.
func expectSignature(t *testing.T, b *identityBed, got identityRequest, by awssdk.Credentials) {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", got.header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+got.path, strings.NewReader(got.form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	again.Header.Set("Content-Type", got.header.Get("Content-Type"))
	if err := v4.NewSigner().SignHTTP(t.Context(), by, again, sha256Of(got.form.Encode()), "sts", "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	if want := again.Header.Get("Authorization"); got.header.Get("Authorization") != want || got.header.Get("X-Amz-Security-Token") != by.SessionToken {
		t.Errorf("got  %s\nwant %s", got.header.Get("Authorization"), want)
	}
}

func TestARoleIsAssumedWithTheIdentityOfThePod(t *testing.T) {
	b := newIdentityBed(t)
	b.byPodIdentity()
	b.agent.answers(givingToken(soonExpired))
	b.sts.answers(givingRole("AssumeRole", soonExpired))
	config := b.config(t)
	config.RoleARN = aRole
	credentials := openIdentity(t, config)
	for _, id := range []string{"ASIA1", "ASIA2"} {
		expectID(t, credentials, id)
		requests := b.sts.requests()
		last := requests[len(requests)-1]
		expectSignature(t, b, last, awssdk.Credentials{AccessKeyID: id, SecretAccessKey: "secret" + id[4:], SessionToken: "token" + id[4:]})
	}
}

func TestManyCallersCostOneRequest(t *testing.T) {
	b := newIdentityBed(t)
	together := make(chan struct{})
	b.sts.answers(func(n int, w http.ResponseWriter) {
		<-together
		givingRole("AssumeRole", time.Hour)(n, w)
	})
	credentials := openIdentity(t, b.assuming(t))
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if got, err := credentials.Retrieve(t.Context()); err != nil || got.AccessKeyID != "ASIA1" {
				t.Errorf("got %q, %v", got.AccessKeyID, err)
			}
		})
	}
	close(together)
	callers.Wait()
	if n := len(b.sts.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// TestTheEnvironmentDoesNotSayWhereSecretsGo sets what makes the AWS SDK ask other servers, more often, or with other credentials.
func TestTheEnvironmentDoesNotSayWhereSecretsGo(t *testing.T) {
	b := newIdentityBed(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": b.otherURL, "AWS_ENDPOINT_URL_STS": b.otherURL, "AWS_ENDPOINT_URL_IAM": b.otherURL, "AWS_MAX_ATTEMPTS": "5",
		"AWS_RETRY_MODE": "adaptive", "AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_REGION": "cn-north-1",
		"AWS_ACCESS_KEY_ID": "AKIAFROMENVIRONMENT1", "AWS_SECRET_ACCESS_KEY": "from-environment", "AWS_PROFILE": "other",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT": b.otherURL, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/role",
	} {
		t.Setenv(name, value)
		b.environment[name] = value
	}
	expectID(t, openIdentity(t, b.assuming(t)), "ASIA1")
	b.sts.answers(answering(500, ""))
	_, err := openIdentity(t, b.assuming(t)).Retrieve(t.Context())
	bed.ExpectKind(t, err, keyservice.Unavailable, "500")
	if n := len(b.sts.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
	_, err = backend.NewCredentials(b.config(t))
	if err == nil || !strings.Contains(err.Error(), "the operator's Pod has no identity at AWS: give its service account a role (IRSA)") {
		t.Errorf("without an identity: %v", err) // and nobody asked for that of the node
	}
}
