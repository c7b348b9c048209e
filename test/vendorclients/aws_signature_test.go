// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package vendorclients

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/aws"
	awsiam "accesskey.dev/operator/test/simulator/aws"
)

// encoded is a user whose name has every character that a form encodes.
const encoded = "a+l=i,c.e@x-_"

func TestTheBackendSendsToAWSWhatTheSDKSends(t *testing.T) {
	for name, test := range map[string]struct {
		path   string
		asRole bool
	}{"at the root": {"", false}, "below a path": {"/iam", false}, "as a role": {"", true}} {
		t.Run(name, func(t *testing.T) {
			b := newAWSBed(t, awsiam.Options{PageSize: 1, Path: test.path})
			b.account.AddUser(encoded)
			credentials := awsCredentials(awsiam.DefaultSecretAccessKey)
			if test.asRole {
				credentials = b.assume(t, &sts.AssumeRoleInput{RoleArn: aws.String(b.account.AddRole("keys", "")), RoleSessionName: aws.String("test")})
			}
			sent := &recorder{next: b.transport}
			keys, err := backend.New(backend.Config{
				URL: b.url + test.path, Region: awsiam.DefaultRegion, Credentials: staticCredentials(credentials),
				HTTP: &http.Client{Transport: sent}, Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			useAllOfAWS(t, keys)
			actions := map[string]bool{}
			for i, original := range sent.requests {
				form, err := url.ParseQuery(sent.bodies[i])
				if err != nil {
					t.Fatal(err)
				}
				actions[form.Get("Action")] = true
				request, body := sdkRequest(t, original, form, credentials)
				if got, want := sentLines(original, sent.bodies[i]), sentLines(request, body); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			if len(actions) != len(sdkCalls) {
				t.Errorf("the backend sent %v", slices.Sorted(maps.Keys(actions)))
			}
		})
	}
}

// sentLines is what a server sees of a request.
func sentLines(r *http.Request, body string) string {
	return strings.Join([]string{
		r.Method, r.URL.Host, r.URL.RequestURI(), body, r.Header.Get("Content-Type"), r.Header.Get("X-Amz-Security-Token"), r.Header.Get("Authorization"),
	}, "\n")
}

// useAllOfAWS makes the backend send every action that it knows, pages included.
func useAllOfAWS(t *testing.T, keys *backend.Service) {
	t.Helper()
	made, second := keyservice.Credential{}, keyservice.Credential{}
	for _, step := range []func() error{
		func() error { return keys.Connect(t.Context()) },
		func() error { _, err := keys.Probe(t.Context()); return err },
		func() error { _, err := keys.ResolveUser(t.Context(), encoded); return err },
		func() (err error) {
			made, err = keys.Create(t.Context(), encoded, keyservice.CreateRequest{})
			return err
		},
		func() (err error) {
			second, err = keys.Create(t.Context(), encoded, keyservice.CreateRequest{})
			return err
		},
		func() error { _, err := keys.List(t.Context(), encoded); return err },
		func() error { _, err := keys.LastUsed(t.Context(), encoded, made.ID); return err },
		func() error { return keys.Disable(t.Context(), encoded, made.ID) },
		func() error { return keys.Enable(t.Context(), encoded, second.ID) },
		func() error { return keys.Delete(t.Context(), encoded, made.ID) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// parameter returns a parameter of a form, or nil.
func parameter(form url.Values, name string) *string {
	if !form.Has(name) {
		return nil
	}
	return aws.String(form.Get(name))
}

// sdkCalls sends each action with the vendor's clients, with the parameters of a form.
var sdkCalls = map[string]func(ctx context.Context, c *iam.Client, s *sts.Client, form url.Values) error{
	"CreateAccessKey": func(ctx context.Context, c *iam.Client, _ *sts.Client, form url.Values) error {
		_, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: parameter(form, "UserName")})
		return err
	},
	"ListAccessKeys": func(ctx context.Context, c *iam.Client, _ *sts.Client, form url.Values) error {
		_, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: parameter(form, "UserName"), Marker: parameter(form, "Marker")})
		return err
	},
	"UpdateAccessKey": func(ctx context.Context, c *iam.Client, _ *sts.Client, form url.Values) error {
		_, err := c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
			UserName: parameter(form, "UserName"), AccessKeyId: parameter(form, "AccessKeyId"), Status: types.StatusType(form.Get("Status")),
		})
		return err
	},
	"DeleteAccessKey": func(ctx context.Context, c *iam.Client, _ *sts.Client, form url.Values) error {
		_, err := c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: parameter(form, "UserName"), AccessKeyId: parameter(form, "AccessKeyId")})
		return err
	},
	"GetAccessKeyLastUsed": func(ctx context.Context, c *iam.Client, _ *sts.Client, form url.Values) error {
		_, err := c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: parameter(form, "AccessKeyId")})
		return err
	},
	"GetUser": func(ctx context.Context, c *iam.Client, _ *sts.Client, form url.Values) error {
		_, err := c.GetUser(ctx, &iam.GetUserInput{UserName: parameter(form, "UserName")})
		return err
	},
	"GetAccountSummary": func(ctx context.Context, c *iam.Client, _ *sts.Client, _ url.Values) error {
		_, err := c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
		return err
	},
	"GetCallerIdentity": func(ctx context.Context, _ *iam.Client, s *sts.Client, _ url.Values) error {
		_, err := s.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	},
}

// sdkRequest returns the request, and its body, that the vendor's clients send for the same action and parameters at the same time.
func sdkRequest(t *testing.T, original *http.Request, form url.Values, pair aws.Credentials) (*http.Request, string) {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", original.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	unanswered := errors.New("there is no server")
	sent := &recorder{next: refuser{unanswered}}
	client, credentials := &http.Client{Transport: sent}, staticCredentials(pair)
	base, signer := aws.String(original.URL.String()), signerAt{at}
	users := iam.New(iam.Options{Region: awsiam.DefaultRegion, BaseEndpoint: base, HTTPClient: client, RetryMaxAttempts: 1, Credentials: credentials, HTTPSignerV4: signer})
	tokens := sts.New(sts.Options{Region: awsiam.DefaultRegion, BaseEndpoint: base, HTTPClient: client, RetryMaxAttempts: 1, Credentials: credentials, HTTPSignerV4: signer})
	call := sdkCalls[form.Get("Action")]
	if call == nil {
		t.Fatalf("the backend sent %v", form)
	}
	if err := call(t.Context(), users, tokens, form); !errors.Is(err, unanswered) || len(sent.requests) != 1 {
		t.Fatalf("%d requests, %v", len(sent.requests), err)
	}
	return sent.requests[0], sent.bodies[0]
}

// signerAt signs at a time, without the headers in which the SDK counts its attempts.
type signerAt struct{ at time.Time }

// SignHTTP implements iam.HTTPSignerV4.
func (s signerAt) SignHTTP(
	ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service, region string, _ time.Time, options ...func(*v4.SignerOptions),
) error {
	maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Amz-Sdk-") })
	return v4.NewSigner().SignHTTP(ctx, credentials, r, payloadHash, service, region, s.at, options...)
}

// refuser sends nothing.
type refuser struct{ err error }

// RoundTrip implements http.RoundTripper.
func (r refuser) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }
