// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/admin"
	"accesskey.dev/operator/test/simulator/aws"
)

// theOperator is the creator and the deleter of keys that are created and deleted through the proxy.
const theOperator = "the operator"

// realIAM is the IAM API of versitygw behind a proxy. The proxy counts requests, can be told to fail as a simulator, and records
// the keys that are created and deleted. Everything else is up to versitygw.
type realIAM struct {
	*simulator.Core

	iam   *s3.IAM
	proxy *httputil.ReverseProxy
}

// startIAM starts the IAM API with the user backup, and the S3 server that its keys open, which listens at the address. The caller
// must stop what it returns, also after an error.
func startIAM(ctx context.Context, address simulator.Address, binary string) (*running, error) {
	root := s3.Pair{AccessKeyID: aws.DefaultAccessKeyID, SecretAccessKey: aws.DefaultSecretAccessKey}
	iam, err := s3.StartIAMAt(ctx, address, binary, root)
	r := &running{stops: []func() error{iam.Stop}}
	if err != nil {
		return r, err
	}
	number, err := iam.Account(ctx)
	if err != nil {
		return r, err
	}
	proxy, err := iam.Proxy()
	if err != nil {
		return r, err
	}
	api := &realIAM{simulator.NewCore(nil), iam, proxy}
	api.Handle("POST /{$}", api.forward)
	r.Account = &services.Account{Service: services.AWS(), Server: api, Core: api.Core, MakeKey: api.makeKey}
	r.Spec = func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
		spec.AWS = &v1alpha1.AWSService{URL: url, AccountID: number, Region: s3.Region, CredentialsSecretRef: &v1alpha1.SecretReference{Name: secret}}
	}
	r.s3 = &admin.S3{Endpoint: iam.Endpoint, Region: s3.Region, CA: string(iam.CA), Bucket: s3.Bucket}
	r.user = services.User{Name: "backup", Secret: map[string]string{"access-key-id": root.AccessKeyID, "secret-access-key": root.SecretAccessKey}}
	return r, iam.AddUser(ctx, r.user.Name)
}

// forward sends a request to versitygw, and records what it changed before it passes the answer on.
func (r *realIAM) forward(w http.ResponseWriter, request *http.Request) {
	sent, err := io.ReadAll(request.Body)
	if err != nil {
		return // the request was cut off
	}
	request.Body = io.NopCloser(bytes.NewReader(sent))
	proxy := *r.proxy
	proxy.ModifyResponse = func(response *http.Response) error {
		answer, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode == http.StatusOK {
			r.record(string(sent), answer)
		}
		response.Body = io.NopCloser(bytes.NewReader(answer))
		return err
	}
	proxy.ServeHTTP(w, request)
}

// record records the key that an action created or deleted.
func (r *realIAM) record(sent string, answer []byte) {
	form, _ := url.ParseQuery(sent) // versitygw has understood it
	switch form.Get("Action") {
	case "CreateAccessKey":
		var made struct {
			Pair s3.Pair `xml:"CreateAccessKeyResult>AccessKey"`
		}
		if xml.Unmarshal(answer, &made) == nil {
			r.created(made.Pair, form.Get("UserName"), theOperator)
		}
	case "DeleteAccessKey":
		r.End(form.Get("AccessKeyId"), theOperator)
	}
}

func (r *realIAM) created(made s3.Pair, owner, by string) simulator.Pair {
	return r.Record(simulator.Pair{ID: made.AccessKeyID, AccessKeyID: made.AccessKeyID, Owner: owner, CreatedBy: by}, made.SecretAccessKey)
}

func (r *realIAM) makeKey(user services.User) (simulator.Pair, string, error) {
	made, err := r.iam.MakeKey(context.Background(), user.Name)
	if err != nil {
		return simulator.Pair{}, "", err
	}
	return r.created(made, user.Name, simulator.Person), made.SecretAccessKey, nil
}

// Valid asks versitygw whether a key is active. Only the proxy knows its secret.
func (r *realIAM) Valid(accessKeyID, secret string) bool {
	if !r.Core.Valid(accessKeyID, secret) {
		return false
	}
	keys, err := r.iam.Keys(context.Background(), r.owner(accessKeyID))
	return err == nil && slices.ContainsFunc(keys, func(key s3.Key) bool { return key.ID == accessKeyID && key.Status == "Active" })
}

// RemoveKey deletes a key by hand and reports whether it existed.
func (r *realIAM) RemoveKey(id string) bool {
	return r.iam.RemoveKey(context.Background(), r.owner(id), id) == nil && r.End(id, simulator.Person)
}

// SetActive enables or disables a key by hand.
func (r *realIAM) SetActive(id string, active bool) {
	_ = r.iam.SetActive(context.Background(), r.owner(id), id, active) // an unknown key stays as it is
}

// owner returns the user of a key that exists; empty if it does not.
func (r *realIAM) owner(id string) string {
	for _, pair := range r.LivePairs() {
		if pair.ID == id {
			return pair.Owner
		}
	}
	return ""
}
