// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"slices"
	"strings"

	"accesskey.dev/operator/test/services"
)

// service is one of the four as the spec names it, complete.
type service struct {
	name   string
	fields map[string]any
	// reference is the field that names the Secret.
	reference string
	// texts are the fields of plain text that are required, with the longest that they may be.
	texts map[string]int
	// example of the URL in the message that asks for one.
	example string
	// urlRequired: there is no default.
	urlRequired bool
}

var described = []service{
	{
		name:      "ionos",
		fields:    map[string]any{"url": "https://s3.ionos.com", "tokenSecretRef": map[string]any{"name": "token"}},
		reference: "tokenSecretRef", example: "https://s3.ionos.com",
	},
	{
		name: "huawei",
		fields: map[string]any{
			"url": "https://iam.example", "domainID": "0a", "credentialsSecretRef": map[string]any{"name": "credentials"},
		},
		reference: "credentialsSecretRef", texts: map[string]int{"domainID": 64},
		example: "https://iam.eu-west-101.myhuaweicloud.eu", urlRequired: true,
	},
	{
		name: "ontap",
		fields: map[string]any{
			"url": "https://cluster.example", "svm": "svm1", "credentialsSecretRef": map[string]any{"name": "credentials"},
		},
		reference: "credentialsSecretRef", texts: map[string]int{"svm": 253},
		example: "https://cluster.example", urlRequired: true,
	},
}

// with changes one field of the service; nil takes it away.
func (s service) with(field string, value any) map[string]any {
	fields := maps.Clone(s.fields)
	fields[field] = value
	if value == nil {
		delete(fields, field)
	}
	return map[string]any{"spec.qumulo": nil, "spec." + s.name: fields}
}

const noPath = "url must end after the host and the port: the operator adds the paths of the API, and a path prefix of a reverse proxy is not supported"

// oneService is the message of the rule that lists every kind of the table.
var oneService = func() string {
	var kinds []string
	for _, row := range services.Kinds() {
		kinds = append(kinds, row.Kind)
	}
	last := len(kinds) - 1
	return "name the service: set exactly one of " + strings.Join(kinds[:last], ", ") + " and " + kinds[last]
}()

func (s service) refusals() []refusal {
	path := "spec." + s.name + "."
	notAURL := "url must be a whole URL with scheme and host, such as " + s.example + " (https only: credentials travel on it)"
	secret := path + s.reference
	all := []refusal{
		{"spec", rule, map[string]any{"spec." + s.name: s.fields}, oneService},
		{path + "url", "minLength", s.with("url", ""), path + "url in body should be at least 1 chars long"},
		{path + "url", "maxLength", s.with("url", "https://"+text(2048)), path + "url: Too long"},
		{path + "url", rule, s.with("url", "service.example"), notAURL},
		{path + "url", rule, s.with("url", "http://service.example"), notAURL},
		{path + "url", rule, s.with("url", "https://service.example/prefix"), noPath},
		{path + "url", rule, s.with("url", "https://[2001:db8::1]:8443?a=b"), noPath},
		{secret, "required", s.with(s.reference, nil), secret + ": Required value"},
		{secret + ".name", "required", s.with(s.reference, map[string]any{}), secret + ".name: Required value"},
		{secret + ".name", "minLength", s.with(s.reference, map[string]any{"name": ""}), secret + ".name in body should be at least 1 chars long"},
		{secret + ".name", "maxLength", s.with(s.reference, map[string]any{"name": text(254)}), secret + ".name: Too long"},
	}
	if s.urlRequired {
		all = append(all, refusal{path + "url", "required", s.with("url", nil), path + "url: Required value"})
	}
	if s.reference == "tokenSecretRef" {
		all = append(all,
			refusal{secret + ".key", "minLength", s.with(s.reference, map[string]any{"name": "token", "key": ""}), secret + ".key in body should be at least 1 chars long"},
			refusal{secret + ".key", "maxLength", s.with(s.reference, map[string]any{"name": "token", "key": text(254)}), secret + ".key: Too long"},
		)
	}
	for _, field := range slices.Sorted(maps.Keys(s.texts)) {
		all = append(all,
			refusal{path + field, "required", s.with(field, nil), path + field + ": Required value"},
			refusal{path + field, "minLength", s.with(field, ""), path + field + " in body should be at least 1 chars long"},
			refusal{path + field, "maxLength", s.with(field, text(s.texts[field]+1)), path + field + ": Too long"},
		)
	}
	return all
}

func otherServicesRefusals() []refusal {
	var all []refusal
	for _, s := range described {
		all = append(all, s.refusals()...)
	}
	return all
}
