// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/admin"
	"accesskey.dev/operator/test/simulator/aws"
)

// startIAM starts the IAM API of versitygw with the user backup, behind a recorder. The S3 server that its keys open listens at the
// address. The caller must stop what it returns, also after an error.
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
	api, err := s3.NewRecorder(iam.Admin)
	if err != nil {
		return r, err
	}
	r.Account = &services.Account{
		Service: services.AWS(), Server: api, Core: api.Core,
		MakeKey: func(user services.User) (simulator.Pair, string, error) { return api.MakeKey(user.Name) },
	}
	r.Spec = func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
		spec.AWS = &v1alpha1.AWSService{URL: url, AccountID: number, Region: s3.Region, CredentialsSecretRef: &v1alpha1.SecretReference{Name: secret}}
	}
	r.s3 = &admin.S3{Endpoint: iam.Endpoint, Region: s3.Region, CA: string(iam.CA), Bucket: s3.Bucket}
	r.user = services.User{Name: "backup", Secret: map[string]string{"access-key-id": root.AccessKeyID, "secret-access-key": root.SecretAccessKey}}
	return r, iam.AddUser(ctx, r.user.Name)
}
