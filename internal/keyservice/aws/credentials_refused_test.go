// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/aws"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/bed"
)

// stsError is a refusal as STS words it, with a request ID that differs each time.
func stsError(status int, code, message string) func(int, http.ResponseWriter) {
	return func(n int, w http.ResponseWriter) {
		answering(status, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>`+code+`</Code><Message>`+message+
			`</Message></Error><RequestId>0c2d6a5f-9d55-4bb1-8f6f-00000000000`+string(rune('0'+n%10))+`</RequestId></ErrorResponse>`)(n, w)
	}
}

// role is an answer to AssumeRole.
func role(secret, token, expiration string) string {
	return "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>" + secret + "</SecretAccessKey><SessionToken>" +
		token + "</SessionToken><Expiration>" + expiration + "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
}

func TestARefusedIdentityIsExplained(t *testing.T) {
	const unauthorized, unavailable, throttled = keyservice.Unauthorized, keyservice.Unavailable, keyservice.Throttled
	for name, test := range map[string]struct {
		by     func(*identityBed)
		answer func(int, http.ResponseWriter)
		kind   keyservice.Kind
		text   string
	}{
		"the trust policy": {nil, stsError(403, "AccessDenied", "User: arn:aws:iam::123456789012:user/op is not authorized to perform: sts:AssumeRole on resource: "+aRole), unauthorized,
			"assume role: role " + aRole + ": the service answered 403 Forbidden: AccessDenied: User: arn:aws:iam::123456789012:user/op is not authorized to perform: sts:AssumeRole on resource: " +
				aRole + "; check that the trust policy of the role names the operator's identity and the externalID, and that this identity may call sts:AssumeRole"},
		"an unknown key":              {nil, stsError(403, "InvalidClientTokenId", "The security token included in the request is invalid."), unauthorized, "InvalidClientTokenId"},
		"a key that is quoted":        {nil, stsError(400, "ValidationError", "Value "+baseSecret+" failed"), unauthorized, "Value [redacted] failed"},
		"too many requests":           {nil, stsError(400, "Throttling", "Rate exceeded"), throttled, "Rate exceeded"},
		"a failing STS":               {nil, stsError(503, "ServiceUnavailable", "x"), unavailable, "503"},
		"a proxy":                     {nil, answering(404, "<html>"), unavailable, "may be a proxy's"},
		"a redirect":                  {nil, answering(307, ""), unavailable, "307"},
		"an empty success":            {nil, answering(200, ""), unavailable, "the answer has no credentials that can be read"},
		"a success of another":        {nil, answering(200, "<html>geheim</html>"), unavailable, "the answer has no credentials that can be read"},
		"a success without a token":   {nil, answering(200, role("geheim", "", "2126-01-01T00:00:00Z")), unavailable, "no credentials"},
		"a success without a secret":  {nil, answering(200, role("", "t", "2126-01-01T00:00:00Z")), unavailable, "no credentials"},
		"a success without an expiry": {nil, answering(200, strings.Replace(role("geheim", "t", ""), "<Expiration></Expiration>", "", 1)), unavailable, "no credentials"},
		"a success with a bad expiry": {nil, answering(200, role("geheim", "t", "soon")), unavailable, "no credentials"},
		"the trust policy of a service account": {(*identityBed).byServiceAccount, stsError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"), unauthorized,
			"AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity; check that the trust policy of the role names the cluster's OIDC provider and the operator's service account"},
		"an unknown OIDC provider":         {(*identityBed).byServiceAccount, stsError(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://oidc.example"), unauthorized, "No OpenIDConnect provider found"},
		"a token that is quoted":           {(*identityBed).byServiceAccount, stsError(400, "InvalidIdentityToken", "bad first.token.of-the-pod"), unauthorized, "bad [redacted]"},
		"an OIDC provider that is away":    {(*identityBed).byServiceAccount, stsError(400, "IDPCommunicationError", "x"), unavailable, "IDPCommunicationError"},
		"no association":                   {(*identityBed).byPodIdentity, answering(404, `{"message":"no association first.token.of-the-pod"}`), unauthorized, "EKS Pod Identity: the service answered 404 Not Found: no association [redacted]; check that the Pod Identity association of the operator's service account and its role exist"},
		"an agent in plain text":           {(*identityBed).byPodIdentity, answering(400, "(AccessDeniedException) denied"), unauthorized, "(AccessDeniedException) denied; check that the Pod Identity association"},
		"a failing agent":                  {(*identityBed).byPodIdentity, answering(500, "x"), unavailable, "500"},
		"an agent with nothing to give":    {(*identityBed).byPodIdentity, answering(200, "{}"), unavailable, "no credentials"},
		"an agent with something else":     {(*identityBed).byPodIdentity, answering(200, "[]"), unavailable, "no credentials"},
		"a Pod without its token":          {func(b *identityBed) { b.byPodIdentity(); _ = os.Remove(b.token) }, nil, unauthorized, "the token of the operator's Pod cannot be read"},
		"a Pod with an empty token":        {func(b *identityBed) { b.byServiceAccount(); _ = os.WriteFile(b.token, nil, 0o600) }, nil, unauthorized, "holds no token of the operator's Pod"},
		"a token with a header to smuggle": {func(b *identityBed) { b.byPodIdentity(); _ = os.WriteFile(b.token, []byte("a\r\nX-A: b"), 0o600) }, nil, unauthorized, "holds no token"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newIdentityBed(t)
			config := b.assuming(t)
			if test.by != nil {
				test.by(b)
				config = b.config(t)
			}
			if test.answer != nil {
				b.sts.answers(test.answer)
				b.agent.answers(test.answer)
			}
			_, err := openIdentity(t, config).Retrieve(t.Context())
			bed.ExpectKind(t, err, test.kind, test.text)
			if _, ok := errors.AsType[*keyservice.Error](err); !ok || strings.Contains(err.Error(), "0c2d6a5f") || strings.Contains(err.Error(), "geheim") {
				t.Errorf("got %T: %v", err, err)
			}
			if n := len(b.sts.requests()) + len(b.agent.requests()); n > 1 {
				t.Errorf("%d attempts", n)
			}
		})
	}
}

func TestALostAnswerIsNotAskedForAgain(t *testing.T) {
	b := newIdentityBed(t)
	b.sts.answers(func(int, http.ResponseWriter) { panic(http.ErrAbortHandler) })
	credentials := openIdentity(t, b.assuming(t))
	_, err := credentials.Retrieve(t.Context())
	bed.ExpectKind(t, err, keyservice.Unavailable)
	if n := len(b.sts.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	b.sts.answers(givingRole("AssumeRole", time.Hour))
	expectID(t, credentials, "ASIA2")
}

// TestARefusedIdentityIsNotSentAgainAndAgain: the gate is that of the client that signs.
func TestARefusedIdentityIsNotSentAgainAndAgain(t *testing.T) {
	for name, by := range map[string]func(*identityBed){
		"a role": nil, "service account": (*identityBed).byServiceAccount, "Pod Identity": (*identityBed).byPodIdentity,
	} {
		t.Run(name, func(t *testing.T) {
			b := newIdentityBed(t)
			config := b.assuming(t)
			if by != nil {
				by(b)
				config = b.config(t)
			}
			now := time.Now()
			config.Gate = rest.NewGate(func() time.Time { return now }, rest.Refusals{})
			given := [2]func(int, http.ResponseWriter){b.sts.answer, b.agent.answer}
			b.sts.answers(stsError(403, "AccessDenied", "no"))
			b.agent.answers(answering(403, "AccessDenied: no"))
			credentials := openIdentity(t, config)
			for range 3 {
				_, err := credentials.Retrieve(t.Context())
				bed.ExpectKind(t, err, keyservice.Unauthorized, "AccessDenied: no", "the operator tries the credentials again at")
			}
			if n := len(b.sts.requests()) + len(b.agent.requests()); n != 1 || config.Gate.Refusals().Count != 1 {
				t.Errorf("%d requests, %+v", n, config.Gate.Refusals())
			}
			b.sts.answers(given[0])
			b.agent.answers(given[1])
			now = now.Add(time.Minute)
			expectID(t, credentials, "ASIA2")
		})
	}
}

func TestACallerWhoseTimeIsOverDoesNotWait(t *testing.T) {
	b := newIdentityBed(t)
	release := make(chan struct{})
	b.sts.answers(func(n int, w http.ResponseWriter) {
		<-release
		givingRole("AssumeRole", time.Hour)(n, w)
	})
	credentials := openIdentity(t, b.assuming(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := credentials.Retrieve(ctx)
	bed.ExpectKind(t, err, keyservice.Unavailable, "canceled")
	close(release)
	expectID(t, credentials, "ASIA1") // of the same request
}

func TestTheTokenOfThePodGoesToTheAgentOnly(t *testing.T) {
	for address, allowed := range map[string]bool{
		"http://169.254.170.23/v1/credentials": true, "http://[fd00:ec2::23]/v1/credentials": true, "http://127.0.0.1:8080/": true, "http://[::1]/": true,
		"https://agent.example/v1": true, "http://agent.example/v1": false, "http://169.254.169.254/latest": false, "http://localhost/": false,
		"http://169.254.170.2/": false, "http://user:geheim@127.0.0.1/": false, "ftp://127.0.0.1/": false, "127.0.0.1/v1": false, "http://": false, "%": false,
	} {
		b := newIdentityBed(t)
		b.byPodIdentity()
		b.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = address
		_, err := backend.NewCredentials(b.config(t))
		if (err == nil) != allowed || err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestCredentialsThatCannotBeMeantAreRefused(t *testing.T) {
	b := newIdentityBed(t)
	for want, change := range map[string]func(*backend.CredentialsConfig){
		"the access key ID has characters":          func(c *backend.CredentialsConfig) { c.AccessKeyID = "AKIA Ä" },
		"the secret access key has characters":      func(c *backend.CredentialsConfig) { c.SecretAccessKey = "geheim geheim" },
		"the session token has characters":          func(c *backend.CredentialsConfig) { c.SessionToken = "geheim\ngeheim" },
		"the URL does not begin with https://":      func(c *backend.CredentialsConfig) { c.STSURL = "http://sts.example" },
		"after the host, the port and a plain path": func(c *backend.CredentialsConfig) { c.STSURL = "https://sts.example//a" },
	} {
		config := b.assuming(t)
		change(&config)
		if _, err := backend.NewCredentials(config); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
