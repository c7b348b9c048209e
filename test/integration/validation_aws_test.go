// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// onAWS are the changes to an account of AWS with static credentials, and elsewhere those to another server; nil removes a field.
func onAWS(changes map[string]any) map[string]any {
	return awsWith(map[string]any{"accountID": "123456789012", "credentialsSecretRef": map[string]any{"name": "credentials"}}, changes)
}

func elsewhere(changes map[string]any) map[string]any {
	return awsWith(map[string]any{"url": "https://iam.example:7443", "credentialsSecretRef": map[string]any{"name": "credentials"}}, changes)
}

func awsWith(fields, changes map[string]any) map[string]any {
	maps.Copy(fields, changes)
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
	return map[string]any{"spec.qumulo": nil, "spec.aws": fields}
}

const (
	iamRole    = "arn:aws:iam::123456789012:role/accesskey-operator"
	noIdentity = "set credentialsSecretRef: the operator does not prove the identity of its own Pod to the server at a url"
)

// inAWS is a refusal of one value at an account of AWS.
func inAWS(field, keyword string, value any, message string) refusal {
	return refusal{"spec.aws." + field, keyword, onAWS(map[string]any{field: value}), message}
}

func awsRefusals() []refusal {
	const secret = "spec.aws.credentialsSecretRef.name"
	all := []refusal{
		{"spec", rule, map[string]any{"spec.aws": onAWS(nil)["spec.aws"]}, oneService},
		{"spec.aws", rule, onAWS(map[string]any{"accountID": nil}), "set accountID for AWS, or the url of another server that speaks the API of AWS IAM"},
		{"spec.aws", rule, onAWS(map[string]any{"accountID": "1234-5678-9012"}), "accountID must be the 12 digits of an AWS account, without hyphens"},
		{"spec.aws", rule, elsewhere(map[string]any{"credentialsSecretRef": nil}), noIdentity},
		{"spec.aws", rule, elsewhere(map[string]any{"credentialsSecretRef": nil, "accountID": "123456789012", "roleARN": iamRole}), noIdentity},
		{"spec.aws", rule, onAWS(map[string]any{"stsURL": "https://sts.example"}), "stsURL belongs to a url: set url, or remove stsURL"},
		{"spec.aws", rule, onAWS(map[string]any{"externalID": "team-a"}), "externalID is sent when the operator assumes a role: set roleARN, or remove externalID"},
		inAWS("accountID", "minLength", "", "spec.aws.accountID in body should be at least 1 chars long"),
		inAWS("accountID", "maxLength", text(65), "spec.aws.accountID: Too long"),
		inAWS("accountID", "pattern", "123 456", "spec.aws.accountID in body should match"),
		inAWS("region", "minLength", "", "spec.aws.region in body should be at least 1 chars long"),
		inAWS("region", "maxLength", text(65), "spec.aws.region: Too long"),
		inAWS("region", "pattern", "Frankfurt", "spec.aws.region in body should match"),
		inAWS("region", "pattern", "eu-central-1.example/", "spec.aws.region in body should match"),
		{secret, "required", onAWS(map[string]any{"credentialsSecretRef": map[string]any{}}), secret + ": Required value"},
		{secret, "minLength", onAWS(map[string]any{"credentialsSecretRef": map[string]any{"name": ""}}), secret + " in body should be at least 1 chars long"},
		{secret, "maxLength", onAWS(map[string]any{"credentialsSecretRef": map[string]any{"name": text(254)}}), secret + ": Too long"},
		inAWS("roleARN", "minLength", "arn:aws:iam::1:role", "spec.aws.roleARN in body should be at least 20 chars long"),
		inAWS("roleARN", "maxLength", iamRole+text(2048), "spec.aws.roleARN: Too long"),
		inAWS("roleARN", "pattern", "arn:aws:iam::123456789012:user/accesskey-operator", "spec.aws.roleARN in body should match"),
		{"spec.aws.externalID", "minLength", onAWS(map[string]any{"roleARN": iamRole, "externalID": "a"}), "spec.aws.externalID in body should be at least 2 chars long"},
		{"spec.aws.externalID", "maxLength", onAWS(map[string]any{"roleARN": iamRole, "externalID": text(1225)}), "spec.aws.externalID: Too long"},
		{"spec.aws.externalID", "pattern", onAWS(map[string]any{"roleARN": iamRole, "externalID": "team a"}), "spec.aws.externalID in body should match"},
		inAWS("keysPerUser", "minimum", int64(0), "should be greater than or equal to 1"),
		inAWS("keysPerUser", "maximum", int64(101), "should be less than or equal to 100"),
		inAWS("activationDelay", "maxLength", "0000000000000000000000000000001m1s", "spec.aws.activationDelay: Too long"),
		inAWS("activationDelay", "pattern", "15", "spec.aws.activationDelay in body should match"),
		inAWS("activationDelay", rule, "301s", "activationDelay must be at most 5m"),
	}
	return slices.Concat(all, urlRefusals("url", "https://iam.example:7443"), urlRefusals("stsURL", "https://sts.example:7443"))
}

// urlRefusals are the refusals of one of the two URLs of another server.
func urlRefusals(field, example string) []refusal {
	path := "spec.aws." + field
	notAURL := field + " must be a whole URL with scheme and host, such as " + example + " (https only: credentials travel on it)"
	afterThePath := field + " must end after a plain path: no query, no fragment, and no double slash or escaped characters, with which signatures differ"
	all := []refusal{
		{path, "minLength", elsewhere(map[string]any{field: ""}), path + " in body should be at least 1 chars long"},
		{path, "maxLength", elsewhere(map[string]any{field: "https://" + text(2048)}), path + ": Too long"},
	}
	for value, message := range map[string]string{
		"iam.example": notAURL, "http://iam.example": notAURL, "https:///iam": notAURL,
		"https://iam.example/iam?Action=ListUsers": afterThePath, "https://iam.example/iam?": afterThePath,
		"https://iam.example/#iam": afterThePath, "https://iam.example//iam": afterThePath, "https://iam.example/i%2fam": afterThePath,
	} {
		all = append(all, refusal{path, rule, elsewhere(map[string]any{field: value}), message})
	}
	return all
}

// ambientRefusals are of a KeyService only.
var ambientRefusals = []refusal{
	{"spec", rule, onAWS(map[string]any{"credentialsSecretRef": nil}),
		"spec.aws.credentialsSecretRef: Invalid value: set credentialsSecretRef: only a ClusterKeyService, which administrators create, may use the identity of the operator's Pod"},
	{"spec", rule, onAWS(map[string]any{"credentialsSecretRef": nil, "roleARN": iamRole}),
		"set credentialsSecretRef: only a ClusterKeyService, which administrators create, may use the identity of the operator's Pod"},
}

var _ = DescribeTable("The API server accepts the service aws", func(ctx SpecContext, kind string, set map[string]any) {
	Expect(kube.Create(ctx, refusal{set: set}.apply(good(kind)), client.DryRunAll)).To(Succeed())
},
	Entry("with static credentials", v1alpha1.KindKeyService, onAWS(nil)),
	Entry("with the identity of the Pod", v1alpha1.KindClusterKeyService, onAWS(map[string]any{"credentialsSecretRef": nil})),
	Entry("with a role and an external ID", v1alpha1.KindKeyService, onAWS(map[string]any{"roleARN": iamRole, "externalID": "team-a/2026:x"})),
	Entry("with a delay of its own", v1alpha1.KindKeyService, onAWS(map[string]any{"activationDelay": "0s", "keysPerUser": int64(2), "region": "cn-north-1"})),
	Entry("elsewhere", v1alpha1.KindKeyService, elsewhere(nil)),
	Entry("elsewhere with a path", v1alpha1.KindKeyService, elsewhere(map[string]any{"url": "https://ecs.example:4443/iam", "stsURL": "https://ecs.example:4443/sts/"})),
	Entry("elsewhere with an account of other characters", v1alpha1.KindKeyService, elsewhere(map[string]any{"accountID": "RGW33567154695143645"})),
)
