// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// podIdentity asks the agent of EKS Pod Identity on the node.
type podIdentity struct {
	rest      *rest.Client
	path      string
	tokenFile string
}

// agents are the addresses of the agent, which has no certificate.
// Source: "EKS Pod Identity" of the Amazon EKS user guide
var agents = []netip.Addr{netip.MustParseAddr("169.254.170.23"), netip.MustParseAddr("fd00:ec2::23")}

func newPodIdentity(by *client, address, tokenFile string) (awssdk.CredentialsProvider, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.User != nil || at.Scheme != "https" && !onNode(at) {
		return nil, errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI of the operator's Pod is not the address of the EKS Pod Identity agent: " +
			"the token of the Pod is sent there only, or to a URL with https")
	}
	// Not by a proxy: the agent is on the node, and the token is not encrypted.
	direct, err := rest.NewHTTPClient(rest.TransportConfig{Backend: "aws", Timeout: 10 * time.Second, QPS: 1, Burst: 10, Base: &http.Transport{}})
	if err != nil {
		return nil, err
	}
	p := &podIdentity{path: at.RequestURI(), tokenFile: tokenFile}
	p.rest = &rest.Client{
		Base: at.Scheme + "://" + at.Host, HTTP: direct, Gate: by.gate, Explain: decodeAgentProblem, Recognizes: func([]byte) bool { return true },
		Classify: func(r *rest.Refusal) {
			by.classifyIdentity(r, "check that the Pod Identity association of the operator's service account and its role exist")
		},
	}
	return cached(p.retrieve), nil
}

// onNode reports whether a URL leads to the agent, or to this machine.
func onNode(at *url.URL) bool {
	address, err := netip.ParseAddr(at.Hostname())
	return err == nil && at.Scheme == "http" && (address.IsLoopback() || slices.Contains(agents, address))
}

// retrieve reads the token anew each time, since the kubelet replaces it.
func (p *podIdentity) retrieve(ctx context.Context) (awssdk.Credentials, error) {
	get := rest.Request{Op: "get credentials", Subject: "EKS Pod Identity", Safe: true, Method: http.MethodGet, Path: p.path}
	token, err := readToken(get, p.tokenFile)
	if err != nil {
		return awssdk.Credentials{}, err
	}
	client := *p.rest
	client.Redact = keyservice.NewRedactor(token)
	client.Authorize = func(request *http.Request) { request.Header.Set("Authorization", token.Reveal()) }
	answer, err := client.Do(ctx, get)
	if err != nil {
		return awssdk.Credentials{}, err
	}
	var body struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      time.Time
	}
	if json.Unmarshal(answer.Body, &body) != nil {
		return awssdk.Credentials{}, noCredentials(get)
	}
	return temporary(get, roleResult{body.AccessKeyID, body.SecretAccessKey, body.Token, body.Expiration})
}

// readToken reads the token of the Pod.
func readToken(r rest.Request, file string) (keyservice.Secret, error) {
	text, err := os.ReadFile(file) //nolint:gosec // a file that the Pod's environment names
	if err != nil {
		return "", r.Fail(keyservice.Unauthorized, fmt.Errorf("the token of the operator's Pod cannot be read: %w", err))
	}
	token := strings.TrimSpace(string(text))
	if !rest.IsToken(token) {
		return "", r.Fail(keyservice.Unauthorized, fmt.Errorf("the file %s holds no token of the operator's Pod", file))
	}
	return keyservice.Secret(token), nil
}

// decodeAgentProblem reads a refusal of the agent, which is JSON or plain text.
func decodeAgentProblem(body []byte) rest.Problem {
	var said struct{ Code, Message string }
	if json.Unmarshal(body, &said) != nil {
		return rest.Problem{Text: string(body)}
	}
	return rest.Problem{Code: said.Code, Text: said.Message}
}
