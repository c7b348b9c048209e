// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package vendorclients

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"accesskey.dev/operator/test/simulator"
	awsiam "accesskey.dev/operator/test/simulator/aws"
)

// awsBed is user alice of an account at AWS, and the vendor's client for it.
type awsBed struct {
	*iam.Client

	account   *awsiam.Simulator
	url, path string
	transport *http.Transport
}

func newAWSBed(t *testing.T, options awsiam.Options) *awsBed {
	t.Helper()
	b := &awsBed{account: awsiam.New(options), path: options.Path}
	b.url, b.transport = listen(t, b.account)
	b.account.AddUser("alice")
	b.Client = b.connect(awsCredentials(awsiam.DefaultSecretAccessKey))
	return b
}

func awsCredentials(secret string) aws.Credentials {
	return aws.Credentials{AccessKeyID: awsiam.DefaultAccessKeyID, SecretAccessKey: secret}
}

// connect returns the vendor's client with these credentials, which sends every request once.
func (b *awsBed) connect(credentials aws.Credentials) *iam.Client {
	return iam.New(iam.Options{
		Region: awsiam.DefaultRegion, BaseEndpoint: aws.String(b.url + b.path), HTTPClient: &http.Client{Transport: b.transport}, RetryMaxAttempts: 1,
		Credentials: staticCredentials(credentials),
	})
}

func (b *awsBed) sts() *sts.Client {
	return sts.New(sts.Options{
		Region: awsiam.DefaultRegion, BaseEndpoint: aws.String(b.url + b.path), HTTPClient: &http.Client{Transport: b.transport}, RetryMaxAttempts: 1,
		Credentials: staticCredentials(awsCredentials(awsiam.DefaultSecretAccessKey)),
	})
}

func staticCredentials(credentials aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
}

func (b *awsBed) create(t *testing.T) *types.AccessKey {
	t.Helper()
	created, err := b.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")})
	if err != nil {
		t.Fatal(err)
	}
	return created.AccessKey
}

// awsDialects are the ways of the servers to write their responses.
var awsDialects = map[string]awsiam.Options{
	"as AWS":                          {},
	"bare errors":                     {Shape: awsiam.ShapeBare},
	"errors in a list":                {Shape: awsiam.ShapeList},
	"without namespace":               {Markup: awsiam.MarkupPlain, Dates: awsiam.DatesNanoseconds},
	"with a prefix and another order": {Markup: awsiam.MarkupPrefix},
}

func TestTheSDKManagesKeysInEveryDialectOfAWS(t *testing.T) {
	for name, options := range awsDialects {
		t.Run(name, func(t *testing.T) {
			b := newAWSBed(t, options)
			key := b.create(t)
			if *key.UserName != "alice" || key.Status != types.StatusTypeActive || !b.account.Valid(*key.AccessKeyId, *key.SecretAccessKey) ||
				time.Since(*key.CreateDate).Abs() > time.Minute {
				t.Errorf("got %+v", key)
			}
			listed, err := b.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: aws.String("Alice")})
			if err != nil || len(listed.AccessKeyMetadata) != 1 || *listed.AccessKeyMetadata[0].AccessKeyId != *key.AccessKeyId || listed.IsTruncated {
				t.Errorf("got %+v, %v", listed, err)
			}
			_, err = b.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: key.AccessKeyId, Status: types.StatusTypeInactive})
			if err != nil || b.account.Active(*key.AccessKeyId) {
				t.Errorf("not disabled: %v", err)
			}
			_, err = b.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: key.AccessKeyId})
			if err != nil || len(b.account.Keys("alice")) != 0 {
				t.Errorf("not deleted: %v", err)
			}
		})
	}
}

func TestTheSDKReadsTheLastUseOfAKeyOfAWS(t *testing.T) {
	b := newAWSBed(t, awsiam.Options{})
	key := b.create(t)
	show := &iam.GetAccessKeyLastUsedInput{AccessKeyId: key.AccessKeyId}
	if unused, err := b.GetAccessKeyLastUsed(t.Context(), show); err != nil || unused.AccessKeyLastUsed.LastUsedDate != nil || *unused.UserName != "alice" {
		t.Errorf("got %+v, %v", unused, err)
	}
	b.account.Use(*key.AccessKeyId, *key.SecretAccessKey)
	used, err := b.GetAccessKeyLastUsed(t.Context(), show)
	if err != nil || time.Since(*used.AccessKeyLastUsed.LastUsedDate).Abs() > time.Minute || *used.AccessKeyLastUsed.ServiceName != "s3" {
		t.Errorf("got %+v, %v", used, err)
	}
}

func TestTheSDKReadsUsersAndTheAccountOfAWS(t *testing.T) {
	b := newAWSBed(t, awsiam.Options{})
	b.account.AddUserWithPath("/team-a/", "bob")
	user, err := b.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("bob")})
	if err != nil || *user.User.Path != "/team-a/" || *user.User.Arn != "arn:aws:iam::123456789012:user/team-a/bob" {
		t.Errorf("got %+v, %v", user, err)
	}
	users, err := b.ListUsers(t.Context(), &iam.ListUsersInput{PathPrefix: aws.String("/team-a/")})
	if err != nil || len(users.Users) != 1 || *users.Users[0].UserId != *user.User.UserId {
		t.Errorf("got %+v, %v", users, err)
	}
	summary, err := b.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
	if err != nil || summary.SummaryMap["AccessKeysPerUserQuota"] != 2 || summary.SummaryMap["Users"] != 3 {
		t.Errorf("got %+v, %v", summary, err)
	}
	identity, err := b.sts().GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *identity.Account != awsiam.DefaultAccountID || *identity.Arn != "arn:aws:iam::123456789012:user/operators/accesskey-operator" {
		t.Errorf("got %+v, %v", identity, err)
	}
}

func TestTheSDKActsAsARoleOfAWS(t *testing.T) {
	b := newAWSBed(t, awsiam.Options{})
	role := b.account.AddRole("keys", "external")
	assume := &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("test")}
	_, err := b.sts().AssumeRole(t.Context(), assume)
	expectAWSError(t, err, http.StatusForbidden, "AccessDenied", "sts:AssumeRole")
	assume.ExternalId = aws.String("external")
	temporary := b.connect(b.assume(t, assume))
	if _, err := temporary.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")}); err != nil {
		t.Error(err)
	}
	_, err = temporary.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{})
	expectAWSError(t, err, http.StatusBadRequest, "ValidationError", "Must specify userName")
}

// assume returns temporary credentials of a role.
func (b *awsBed) assume(t *testing.T, input *sts.AssumeRoleInput) aws.Credentials {
	t.Helper()
	assumed, err := b.sts().AssumeRole(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	return aws.Credentials{
		AccessKeyID: *assumed.Credentials.AccessKeyId, SecretAccessKey: *assumed.Credentials.SecretAccessKey, SessionToken: *assumed.Credentials.SessionToken,
	}
}

func TestTheSDKReadsEveryPageOfAWS(t *testing.T) {
	for name, options := range map[string]awsiam.Options{
		"small pages":     {KeysPerUser: 5, PageSize: 2},
		"some are empty":  {KeysPerUser: 5, Pages: awsiam.PagesShort},
		"paging ignored":  {KeysPerUser: 5, Pages: awsiam.PagesIgnored},
		"another dialect": {KeysPerUser: 5, PageSize: 1, Markup: awsiam.MarkupPrefix},
	} {
		t.Run(name, func(t *testing.T) {
			b := newAWSBed(t, options)
			for range 5 {
				b.create(t)
			}
			seen := map[string]bool{}
			pages := iam.NewListAccessKeysPaginator(b, &iam.ListAccessKeysInput{UserName: aws.String("alice"), MaxItems: aws.Int32(2)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, key := range page.AccessKeyMetadata {
					seen[*key.AccessKeyId] = true
				}
			}
			if len(seen) != 5 {
				t.Errorf("%d keys are listed", len(seen))
			}
		})
	}
}

func TestTheSDKReadsTheErrorsOfAWSInEveryDialect(t *testing.T) {
	for name, options := range awsDialects {
		t.Run(name, func(t *testing.T) {
			b := newAWSBed(t, options)
			alice, nobody, short := aws.String("alice"), aws.String("nobody"), aws.String("AKIA")
			_, err := b.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: nobody})
			expectAWSError(t, err, http.StatusNotFound, "NoSuchEntity", "The user with name nobody cannot be found.")
			expectType[*types.NoSuchEntityException](t, err)
			b.create(t)
			b.create(t)
			_, err = b.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: alice})
			expectAWSError(t, err, http.StatusConflict, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
			expectType[*types.LimitExceededException](t, err)
			_, err = b.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: alice, AccessKeyId: short})
			expectAWSError(t, err, http.StatusBadRequest, "ValidationError", "failed to satisfy constraint")
			b.account.Allow()
			_, err = b.ListUsers(t.Context(), &iam.ListUsersInput{})
			expectAWSError(t, err, http.StatusForbidden, "AccessDenied", "is not authorized to perform: iam:ListUsers")
			_, err = b.connect(awsCredentials("wrong")).ListUsers(t.Context(), &iam.ListUsersInput{})
			expectAWSError(t, err, http.StatusForbidden, "SignatureDoesNotMatch", "Check your AWS Secret Access Key")
			b.account.RemoveKey(awsiam.DefaultAccessKeyID)
			_, err = b.ListUsers(t.Context(), &iam.ListUsersInput{})
			expectAWSError(t, err, http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
		})
	}
}

func TestTheSDKReadsTheOtherErrorsOfAWS(t *testing.T) {
	list := func(t *testing.T, options awsiam.Options) error {
		t.Helper()
		b := newAWSBed(t, options)
		_, _ = b.ListUsers(t.Context(), &iam.ListUsersInput{})
		_, err := b.ListUsers(t.Context(), &iam.ListUsersInput{})
		return err
	}
	expectAWSError(t, list(t, awsiam.Options{RateLimit: 1}), http.StatusBadRequest, "Throttling", "Rate exceeded")
	expectAWSError(t, list(t, awsiam.Options{Missing: []string{"ListUsers"}}), http.StatusBadRequest, "InvalidAction", "")
	b := newAWSBed(t, awsiam.Options{ChoosesKeys: true})
	b.account.Inject(simulator.Rule{}.Once(), simulator.Answer(http.StatusInternalServerError, nil,
		"<ErrorResponse><Error><Type>Receiver</Type><Code>ServiceFailure</Code><Message>x</Message></Error></ErrorResponse>"))
	_, err := b.ListUsers(t.Context(), &iam.ListUsersInput{})
	expectAWSError(t, err, http.StatusInternalServerError, "ServiceFailure", "x")
	expectType[*types.ServiceFailureException](t, err)
}

// The backend sends a create request once, because the SDK would make a second key after a lost response.
func TestTheSDKRepeatsACreateByDefault(t *testing.T) {
	b := newAWSBed(t, awsiam.Options{})
	b.account.Inject(simulator.Rule{Path: "/CreateAccessKey"}.Once(), simulator.DropAnswer())
	_, err := b.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")}, func(o *iam.Options) { o.RetryMaxAttempts = 3 })
	if err != nil || len(b.account.Keys("alice")) != 2 {
		t.Errorf("%d keys, %v", len(b.account.Keys("alice")), err)
	}
}

func expectAWSError(t *testing.T, err error, status int, code, message string) {
	t.Helper()
	refused, isAPI := errors.AsType[smithy.APIError](err)
	response, isHTTP := errors.AsType[*awshttp.ResponseError](err)
	if !isAPI || !isHTTP || refused.ErrorCode() != code || response.HTTPStatusCode() != status || !strings.Contains(refused.ErrorMessage(), message) {
		t.Errorf("got %v, want %d %s with %q", err, status, code, message)
		return
	}
	if id := response.ServiceRequestID(); id == "" && code != "ServiceFailure" {
		t.Errorf("%s without the ID of the request", fmt.Sprint(err))
	}
}

func expectType[E error](t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		t.Errorf("got %T: %v", err, err)
	}
}
