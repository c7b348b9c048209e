// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	backend "accesskey.dev/operator/internal/keyservice/aws"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
)

const (
	aRole  = "arn:aws:iam::123456789012:role/accesskey-operator"
	baseID = "AKIABASE000000000001"
	// baseSecret and the tokens must not appear in any error.
	baseSecret = "base/secret+0123456789"
)

// identityRequest is a request as a stand-in received it.
type identityRequest struct {
	header http.Header
	path   string
	form   url.Values
}

// identityServer is a server that the credentials come from. It keeps the requests, and answers them with answer, which gets their number.
type identityServer struct {
	mu     sync.Mutex
	got    []identityRequest
	answer func(n int, w http.ResponseWriter)
}

func (s *identityServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	s.got = append(s.got, identityRequest{r.Header, r.URL.Path, form})
	n, answer := len(s.got), s.answer
	s.mu.Unlock()
	answer(n, w)
}

func (s *identityServer) answers(answer func(n int, w http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *identityServer) requests() []identityRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// answering answers every request alike.
func answering(status int, body string) func(int, http.ResponseWriter) {
	return func(_ int, w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// givingRole answers an action of STS with numbered credentials that live for so long.
func givingRole(action string, lifetime time.Duration) func(int, http.ResponseWriter) {
	return func(n int, w http.ResponseWriter) {
		_, _ = fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser>`+
			`<Credentials><AccessKeyId>ASIA%[2]d</AccessKeyId><SecretAccessKey>secret%[2]d</SecretAccessKey><SessionToken>token%[2]d</SessionToken>`+
			`<Expiration>%[3]s</Expiration></Credentials></%[1]sResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></%[1]sResponse>`,
			action, n, time.Now().Add(lifetime).UTC().Format(time.RFC3339))
	}
}

// givingToken answers as the agent of EKS Pod Identity.
func givingToken(lifetime time.Duration) func(int, http.ResponseWriter) {
	return func(n int, w http.ResponseWriter) {
		_, _ = fmt.Fprintf(w, `{"AccessKeyId":"ASIA%[1]d","SecretAccessKey":"secret%[1]d","Token":"token%[1]d","AccountId":"123456789012","Expiration":"%[2]s"}`,
			n, time.Now().Add(lifetime).UTC().Format(time.RFC3339))
	}
}

// identityBed has an STS, an agent of EKS Pod Identity, and a server that nothing may ask.
type identityBed struct {
	sts, agent, elsewhere *identityServer
	server                *simulator.Server
	agentURL, otherURL    string
	token                 string // the file with the token of the Pod
	environment           map[string]string
}

func newIdentityBed(t *testing.T) *identityBed {
	t.Helper()
	b := &identityBed{sts: &identityServer{}, agent: &identityServer{}, elsewhere: &identityServer{}, environment: map[string]string{}}
	b.server = bed.Serve(t, b.sts)
	agent, elsewhere := httptest.NewServer(b.agent), httptest.NewServer(b.elsewhere)
	t.Cleanup(agent.Close)
	t.Cleanup(elsewhere.Close)
	b.agentURL, b.otherURL = agent.URL, elsewhere.URL
	b.sts.answers(givingRole("AssumeRole", time.Hour))
	b.agent.answers(givingToken(time.Hour))
	b.elsewhere.answers(answering(200, "{}"))
	b.token = filepath.Join(t.TempDir(), "token")
	b.writeToken(t, "first.token.of-the-pod")
	t.Cleanup(func() {
		if n := len(b.elsewhere.requests()); n > 0 {
			t.Errorf("%d requests went elsewhere", n)
		}
	})
	return b
}

func (b *identityBed) writeToken(t *testing.T, token string) {
	t.Helper()
	if err := os.WriteFile(b.token, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// byServiceAccount is what the webhook of EKS sets for IRSA, and byPodIdentity for EKS Pod Identity.
func (b *identityBed) byServiceAccount() {
	b.environment["AWS_WEB_IDENTITY_TOKEN_FILE"], b.environment["AWS_ROLE_ARN"] = b.token, aRole
	b.sts.answers(givingRole("AssumeRoleWithWebIdentity", time.Hour))
}

func (b *identityBed) byPodIdentity() {
	b.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"], b.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = b.agentURL+"/v1/credentials", b.token
}

func (b *identityBed) config(t *testing.T) backend.CredentialsConfig {
	t.Helper()
	return backend.CredentialsConfig{
		STSURL: b.server.URL + "/sts", STSRegion: "eu-west-1", Environment: func(name string) string { return b.environment[name] },
		HTTP: bed.Client(t, b.server), Gate: rest.NewGate(time.Now, rest.Refusals{}), Now: time.Now,
	}
}

// assuming signs with the credentials of a Secret and assumes the role.
func (b *identityBed) assuming(t *testing.T) backend.CredentialsConfig {
	t.Helper()
	config := b.config(t)
	config.AccessKeyID, config.SecretAccessKey, config.RoleARN = baseID, baseSecret, aRole
	return config
}

func openIdentity(t *testing.T, config backend.CredentialsConfig) awssdk.CredentialsProvider {
	t.Helper()
	credentials, err := backend.NewCredentials(config)
	if err != nil {
		t.Fatal(err)
	}
	return credentials
}

func expectID(t *testing.T, credentials awssdk.CredentialsProvider, want string) {
	t.Helper()
	got, err := credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != want {
		t.Fatalf("got %q, %v; want %s", got.AccessKeyID, err, want)
	}
}

func sha256Of(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}
