// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws_test

import (
	"testing"

	backend "accesskey.dev/operator/internal/keyservice/aws"
)

func TestTheRegionSelectsThePartition(t *testing.T) {
	for region, want := range map[string][4]string{
		"us-east-1":      {"aws", "https://iam.amazonaws.com", "us-east-1", "https://sts.us-east-1.amazonaws.com"},
		"eu-central-1":   {"aws", "https://iam.amazonaws.com", "us-east-1", "https://sts.eu-central-1.amazonaws.com"},
		"mars-west-1":    {"aws", "https://iam.amazonaws.com", "us-east-1", "https://sts.mars-west-1.amazonaws.com"},
		"cn-northwest-1": {"aws-cn", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1", "https://sts.cn-northwest-1.amazonaws.com.cn"},
		"us-gov-east-1":  {"aws-us-gov", "https://iam.us-gov.amazonaws.com", "us-gov-west-1", "https://sts.us-gov-east-1.amazonaws.com"},
		"eusc-de-east-1": {"aws-eusc", "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu"},
		"us-iso-west-1":  {"aws-iso", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "https://sts.us-iso-west-1.c2s.ic.gov"},
		"us-isob-east-1": {"aws-iso-b", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", "https://sts.us-isob-east-1.sc2s.sgov.gov"},
		"eu-isoe-west-1": {"aws-iso-e", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1", "https://sts.eu-isoe-west-1.cloud.adc-e.uk"},
		"us-isof-east-1": {"aws-iso-f", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1", "https://sts.us-isof-east-1.csp.hci.ic.gov"},
	} {
		p := backend.PartitionOf(region)
		if got := [4]string{p.ID, p.IAM, p.Region, p.STS(region)}; got != want {
			t.Errorf("%s: got %q, want %q", region, got, want)
		}
	}
}
