// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package vendorclients

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/global"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	iam "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iam/v5"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iam/v5/model"

	"accesskey.dev/operator/test/simulator"
	account "accesskey.dev/operator/test/simulator/huawei"
)

// listen serves a simulator and returns its URL, and a client's transport to it.
func listen(t *testing.T, handler http.Handler) (string, *http.Transport) {
	t.Helper()
	server, err := simulator.Serve(handler)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CA)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return server.URL, transport
}

// serve serves an account and returns a client's transport to it.
func serve(t *testing.T, options account.Options) (*account.Simulator, string, *http.Transport) {
	t.Helper()
	service := account.New(options)
	url, transport := listen(t, service)
	return service, url, transport
}

// connect returns the vendor's client.
func connect(t *testing.T, url, secret string, transport *http.Transport) *iam.IamClient {
	t.Helper()
	credentials, err := global.NewCredentialsBuilder().
		WithAk(account.DefaultAccessKeyID).WithSk(secret).WithDomainId(account.DefaultDomainID).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	client, err := iam.IamClientBuilder().WithEndpoint(url).WithCredential(credentials).
		WithHttpConfig(config.DefaultHttpConfig().WithHttpTransport(transport)).SafeBuild()
	if err != nil {
		t.Fatal(err)
	}
	return iam.NewIamClient(client)
}

// bed is user alice of an account, and the vendor's client.
type bed struct {
	*iam.IamClient

	account *account.Simulator
	alice   string // ID
}

func newBed(t *testing.T, options account.Options) *bed {
	t.Helper()
	service, url, transport := serve(t, options)
	return &bed{connect(t, url, account.DefaultSecretAccessKey, transport), service, service.AddUser("alice")}
}

func (b *bed) create(t *testing.T) *model.AccessKey {
	t.Helper()
	created, err := b.CreateAccessKeyV5(&model.CreateAccessKeyV5Request{UserId: b.alice})
	if err != nil || created.HttpStatusCode != http.StatusCreated {
		t.Fatalf("got %s, %v", created, err)
	}
	return created.AccessKey
}

func TestTheSDKCreatesAKey(t *testing.T) {
	b := newBed(t, account.Options{})
	key := b.create(t)
	if key.UserId != b.alice || key.Status.Value() != "active" || !b.account.Valid(key.AccessKeyId, key.SecretAccessKey) ||
		time.Since(time.Time(*key.CreatedAt)).Abs() > time.Minute {
		t.Errorf("got %s", key)
	}
}

func TestTheSDKListsTheKeys(t *testing.T) {
	b := newBed(t, account.Options{})
	key := b.create(t)
	listed, err := b.ListAccessKeysV5(&model.ListAccessKeysV5Request{UserId: b.alice})
	if err != nil || len(*listed.AccessKeys) != 1 || (*listed.AccessKeys)[0].AccessKeyId != key.AccessKeyId || listed.PageInfo.CurrentCount != 1 {
		t.Errorf("got %s, %v", listed, err)
	}
}

func TestTheSDKShowsTheLastUseOfAKey(t *testing.T) {
	b := newBed(t, account.Options{})
	key := b.create(t)
	show := &model.ShowAccessKeyLastUsedV5Request{UserId: b.alice, AccessKeyId: key.AccessKeyId}
	if unused, err := b.ShowAccessKeyLastUsedV5(show); err != nil || unused.AccessKeyLastUsed.LastUsedAt != nil {
		t.Errorf("got %s, %v", unused, err)
	}
	b.account.Use(key.AccessKeyId, key.SecretAccessKey)
	if used, err := b.ShowAccessKeyLastUsedV5(show); err != nil || used.AccessKeyLastUsed.LastUsedAt == nil {
		t.Errorf("got %s, %v", used, err)
	}
}

func TestTheSDKDisablesAndDeletesAKey(t *testing.T) {
	b := newBed(t, account.Options{})
	key, inactive := b.create(t), model.GetAccessKeyStatusEnum().INACTIVE
	updated, err := b.UpdateAccessKeyV5(&model.UpdateAccessKeyV5Request{
		UserId: b.alice, AccessKeyId: key.AccessKeyId, Body: &model.UpdateAccessKeyReqBody{Status: &inactive},
	})
	if err != nil || updated.HttpStatusCode != http.StatusOK || updated.AccessKey.Status.Value() != "inactive" || b.account.Active(key.AccessKeyId) {
		t.Errorf("got %s, %v", updated, err)
	}
	deleted, err := b.DeleteAccessKeyV5(&model.DeleteAccessKeyV5Request{UserId: b.alice, AccessKeyId: key.AccessKeyId})
	if err != nil || deleted.HttpStatusCode != http.StatusNoContent || len(b.account.Keys(b.alice)) != 0 {
		t.Errorf("got %s, %v", deleted, err)
	}
}

func TestTheSDKAcceptsEveryFormOfASuccess(t *testing.T) {
	inactive := model.GetAccessKeyStatusEnum().INACTIVE
	for name, options := range map[string]account.Options{
		"a PUT answered with an empty object":  {Updated: "{}"},
		"a PUT answered with nothing":          {Updated: "no body"},
		"lists of short and empty pages":       {Pages: account.PagesShort},
		"lists that are null when empty":       {Pages: account.PagesShort, Empty: "null"},
		"lists that are left out when empty":   {Pages: account.PagesShort, Empty: "absent"},
		"a key's creation as its first use":    {UsedAtCreation: true},
		"a service that does not ask a domain": {DomainIDOptional: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			key := b.create(t)
			if seen := b.countKeys(t); seen != 1 {
				t.Errorf("%d keys are listed", seen)
			}
			if _, err := b.ShowAccessKeyLastUsedV5(&model.ShowAccessKeyLastUsedV5Request{UserId: b.alice, AccessKeyId: key.AccessKeyId}); err != nil {
				t.Error(err)
			}
			_, err := b.UpdateAccessKeyV5(&model.UpdateAccessKeyV5Request{
				UserId: b.alice, AccessKeyId: key.AccessKeyId, Body: &model.UpdateAccessKeyReqBody{Status: &inactive},
			})
			if err != nil || b.account.Active(key.AccessKeyId) {
				t.Errorf("not disabled: %v", err)
			}
		})
	}
}

// countKeys lists alice's keys, page by page.
func (b *bed) countKeys(t *testing.T) (seen int) {
	t.Helper()
	for list := (&model.ListAccessKeysV5Request{UserId: b.alice}); ; {
		page, err := b.ListAccessKeysV5(list)
		if err != nil {
			t.Fatal(err)
		}
		if page.AccessKeys != nil {
			seen += len(*page.AccessKeys)
		}
		if list.Marker = page.PageInfo.NextMarker; list.Marker == nil {
			return seen
		}
	}
}

func TestTheSDKReadsTheErrorsOfTheSimulator(t *testing.T) {
	for _, shape := range []account.Shape{account.ShapeFlat, account.ShapeCode, account.ShapeNested} {
		t.Run(string(shape), func(t *testing.T) {
			b := newBed(t, account.Options{Shape: shape})
			_, err := b.CreateAccessKeyV5(&model.CreateAccessKeyV5Request{UserId: "nobody"})
			expectError(t, err, http.StatusNotFound, "IAM.0004", "Could not find user")
			b.create(t)
			b.create(t)
			_, err = b.CreateAccessKeyV5(&model.CreateAccessKeyV5Request{UserId: b.alice})
			expectError(t, err, http.StatusConflict, "PAP5.0003", "limit exceeded")
			_, err = b.ListUsersV5(&model.ListUsersV5Request{Marker: new("not a marker")})
			expectError(t, err, http.StatusBadRequest, "PAP5.0010", "invalid marker")
			b.account.Allow()
			_, err = b.ListUsersV5(&model.ListUsersV5Request{})
			expectError(t, err, http.StatusForbidden, "PAP5.0001", "access denied")
		})
	}
}

func TestTheGatewayRefusesAndLocksAKeyOfTheSDK(t *testing.T) {
	_, url, transport := serve(t, account.Options{})
	wrong, right := connect(t, url, "wrong", transport), connect(t, url, account.DefaultSecretAccessKey, transport)
	for range 6 {
		_, err := wrong.ListUsersV5(&model.ListUsersV5Request{})
		expectError(t, err, http.StatusUnauthorized, "APIGW.0301", "verify aksk signature fail")
	}
	_, err := right.ListUsersV5(&model.ListUsersV5Request{})
	expectError(t, err, http.StatusUnauthorized, "APIGW.0301", "AK access failed to reach the limit")
}

func expectError(t *testing.T, err error, status int, code, message string) {
	t.Helper()
	refused, ok := errors.AsType[*sdkerr.ServiceResponseError](err)
	if !ok || refused.StatusCode != status || refused.ErrorCode != code || !strings.Contains(refused.ErrorMessage, message) {
		t.Errorf("got %v, want %d %s with %q", err, status, code, message)
	}
}
