// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"net/http"
	"net/url"
)

// Admin is a client of an IAM API with the root pair of its server. It does by hand what an administrator would do.
type Admin struct {
	// URL is the URL of the IAM API. The server answers STS there, too.
	URL string
	// CA is the CA certificate of the server in PEM format.
	CA []byte
	// Root is the pair that may do everything.
	Root Pair

	client *Client
}

// Key is an access key as the IAM API lists it.
type Key struct {
	ID         string `xml:"AccessKeyId"`
	Status     string // Active or Inactive
	CreateDate string // empty at servers that do not tell it
}

// policy lets a user read and write Bucket.
const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*",
	"Resource": ["arn:aws:s3:::` + Bucket + `", "arn:aws:s3:::` + Bucket + `/*"]}]}`

func newAdmin(address string, ca []byte, root Pair) (*Admin, error) {
	client, err := NewClient(address, ca)
	return &Admin{URL: address, CA: ca, Root: root, client: client}, err
}

// AddUser creates a user whose keys open Bucket.
func (a *Admin) AddUser(ctx context.Context, name string) error {
	if err := a.do(ctx, "CreateUser", url.Values{"UserName": {name}}, nil); err != nil {
		return err
	}
	return a.do(ctx, "PutUserPolicy", url.Values{"UserName": {name}, "PolicyName": {"bucket"}, "PolicyDocument": {policy}}, nil)
}

// RenameUser renames a user, who keeps the keys.
func (a *Admin) RenameUser(ctx context.Context, name, newName string) error {
	return a.do(ctx, "UpdateUser", url.Values{"UserName": {name}, "NewUserName": {newName}}, nil)
}

// Account returns the number of the account that the root pair belongs to.
func (a *Admin) Account(ctx context.Context) (string, error) {
	var identity struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	form := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
	err := a.client.do(ctx, call{service: "sts", method: http.MethodPost, form: form.Encode()}, a.Root, &identity)
	return identity.Account, err
}

// Keys returns the keys of a user.
func (a *Admin) Keys(ctx context.Context, user string) ([]Key, error) {
	var listed struct {
		Keys []Key `xml:"ListAccessKeysResult>AccessKeyMetadata>member"`
	}
	err := a.do(ctx, "ListAccessKeys", url.Values{"UserName": {user}}, &listed)
	return listed.Keys, err
}

// MakeKey creates a key of a user.
func (a *Admin) MakeKey(ctx context.Context, user string) (Pair, error) {
	var made struct {
		Pair Pair `xml:"CreateAccessKeyResult>AccessKey"`
	}
	err := a.do(ctx, "CreateAccessKey", url.Values{"UserName": {user}}, &made)
	return made.Pair, err
}

// RemoveKey deletes a key of a user.
func (a *Admin) RemoveKey(ctx context.Context, user, id string) error {
	return a.do(ctx, "DeleteAccessKey", url.Values{"UserName": {user}, "AccessKeyId": {id}}, nil)
}

// SetActive enables or disables a key of a user.
func (a *Admin) SetActive(ctx context.Context, user, id string, active bool) error {
	status := "Inactive"
	if active {
		status = "Active"
	}
	return a.do(ctx, "UpdateAccessKey", url.Values{"UserName": {user}, "AccessKeyId": {id}, "Status": {status}}, nil)
}

// do sends an action and decodes the answer into into, which may be nil.
func (a *Admin) do(ctx context.Context, action string, parameters url.Values, into any) error {
	parameters.Set("Action", action)
	parameters.Set("Version", "2010-05-08")
	return a.client.do(ctx, call{service: "iam", method: http.MethodPost, form: parameters.Encode()}, a.Root, into)
}
