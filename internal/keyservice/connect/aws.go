// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"cmp"
	"os"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/aws"
)

// activationDelay is how long a new key of AWS may not work, from what users of other tools have reported (3 to 15 seconds).
const activationDelay = 15 * time.Second

func connectAWS(in input) (keyservice.Service, error) {
	spec := in.spec.AWS
	region := cmp.Or(spec.Region, "us-east-1")
	partition := aws.PartitionOf(region)
	config := aws.Config{
		URL: partition.IAM, Region: partition.Region, STSURL: partition.STS(region), STSRegion: region,
		AccountID: spec.AccountID, KeysPerUser: int(spec.KeysPerUser), ActivationDelay: activationDelay,
		HTTP: in.client, Gate: in.gate, Now: in.clock.Now,
	}
	if spec.URL != "" {
		config.URL, config.Region, config.STSURL, config.ActivationDelay = spec.URL, region, spec.STSURL, 0
	}
	if in.spec.S3 != nil { // the data plane tells better when a key works
		config.ActivationDelay = 0
	}
	if spec.ActivationDelay != nil {
		config.ActivationDelay = spec.ActivationDelay.Duration
	}
	var err error
	if config.Credentials, err = awsCredentials(in, config); err != nil {
		return nil, err
	}
	return aws.New(config)
}

// awsCredentials returns the credentials of a spec: those of its Secret, or else the identity of the operator's Pod, and the role that
// is assumed with them. The API server refuses what is refused here; this is the last check before the identity of the Pod is used.
func awsCredentials(in input, to aws.Config) (awssdk.CredentialsProvider, error) {
	spec := in.spec.AWS
	config := aws.CredentialsConfig{
		RoleARN: spec.RoleARN, ExternalID: spec.ExternalID, STSURL: cmp.Or(to.STSURL, to.URL), STSRegion: to.STSRegion,
		Environment: os.Getenv, HTTP: to.HTTP, Gate: to.Gate, Now: to.Now,
	}
	switch {
	case spec.CredentialsSecretRef != nil:
		var err error
		name := spec.CredentialsSecretRef.Name
		if config.AccessKeyID, config.SecretAccessKey, err = in.secrets.pair(name, "access-key-id", "secret-access-key"); err != nil {
			return nil, err
		}
		if in.secrets.has(name, "session-token") {
			if config.SessionToken, err = in.secrets.credential(name, "session-token"); err != nil {
				return nil, err
			}
		}
	case spec.URL != "":
		return nil, invalid("set credentialsSecretRef: the operator does not prove the identity of its own Pod to the server at a url")
	case !in.ownIdentity:
		return nil, invalid("set credentialsSecretRef: only a ClusterKeyService may use the identity of the operator's Pod")
	}
	return aws.NewCredentials(config)
}
