// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import "strings"

// Partition is a part of AWS with accounts, users and endpoints of its own.
type Partition struct {
	// ID is the second part of an ARN, such as aws-cn.
	ID string
	// IAM is the URL of the one IAM endpoint of the partition, and Region is what requests to it are signed for.
	IAM, Region string
	// suffix of the names of the other endpoints.
	suffix string
}

// partitions by the beginning of their regions; the last one has all others.
// Source: endpoint-rule-set-1.json of iam/2010-05-08 and partitions.json in botocore 1.43.11
var partitions = []struct {
	regions string
	Partition
}{
	{"cn-", Partition{"aws-cn", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1", "amazonaws.com.cn"}},
	{"us-gov-", Partition{"aws-us-gov", "https://iam.us-gov.amazonaws.com", "us-gov-west-1", "amazonaws.com"}},
	{"eusc-", Partition{"aws-eusc", "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "amazonaws.eu"}},
	{"us-iso-", Partition{"aws-iso", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "c2s.ic.gov"}},
	{"us-isob-", Partition{"aws-iso-b", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", "sc2s.sgov.gov"}},
	{"eu-isoe-", Partition{"aws-iso-e", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1", "cloud.adc-e.uk"}},
	{"us-isof-", Partition{"aws-iso-f", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1", "csp.hci.ic.gov"}},
	{"", Partition{"aws", "https://iam.amazonaws.com", "us-east-1", "amazonaws.com"}},
}

// PartitionOf returns the partition of a region.
func PartitionOf(region string) Partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.regions) {
			return p.Partition
		}
	}
	return Partition{}
}

// STS returns the URL of the STS endpoint of a region of the partition. Requests to it are signed for this region.
func (p Partition) STS(region string) string { return "https://sts." + region + "." + p.suffix }
