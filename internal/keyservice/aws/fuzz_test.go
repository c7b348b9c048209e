// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/hostile"
)

// FuzzAnswers gives the backend answers that no server gives.
func FuzzAnswers(f *testing.F) {
	const entry = "<member><UserName>alice</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Inactive</Status><CreateDate>2026-03-01T12:00:00Z</CreateDate></member>"
	list := func(inner string) string { return "200\n" + result("ListAccessKeys", inner) }
	hostile.Fuzz(f, "alice", "AKIA1", []string{
		list("<AccessKeyMetadata>"+entry+"</AccessKeyMetadata><IsTruncated>true</IsTruncated><Marker>m</Marker>") + "\n---\n" + list("<AccessKeyMetadata/><IsTruncated>false</IsTruncated>"),
		"200\n" + result("CreateAccessKey", "<AccessKey><UserName>alice</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><SecretAccessKey>s</SecretAccessKey></AccessKey>"),
		"200\n" + result("DeleteAccessKey", ""),
		"200\n" + result("UpdateAccessKey", ""),
		"200\n" + result("GetUser", "<User><UserName>Alice</UserName></User>"),
		"200\n" + result("GetAccessKeyLastUsed", "<UserName>alice</UserName><AccessKeyLastUsed><LastUsedDate>2026-03-01T12:00:00Z</LastUsedDate></AccessKeyLastUsed>"),
		"200\n" + result("GetCallerIdentity", "<Account>123456789012</Account>"),
		"400\n" + wrapped("InvalidAction", "no") + "\n---\n200\n" + result("ListUsers", "<Users/>"),
		"404\n" + wrapped("NoSuchEntity", "no") + "\n---\n200\n" + result("GetAccessKeyLastUsed", "<UserName>bob</UserName><AccessKeyLastUsed/>") + "\n---\n200\n" + result("DeleteAccessKey", ""),
		"403\n" + wrapped("SignatureDoesNotMatch", "AUTH BODY at 20260301T120000Z"),
		"409\n" + wrapped("LimitExceeded", "BODY") + "\n---\n" + list("<AccessKeyMetadata>"+entry+"</AccessKeyMetadata><IsTruncated>false</IsTruncated>"),
		"503 Retry-After: 5\n<Error><Code>SlowDown</Code></Error>",
		"200\n<html>",
		"0\n",
	}, func(client *http.Client, late bool) (keyservice.Service, error) {
		config := Config{
			URL: "https://iam.example/iam", HTTP: client, Now: func() time.Time { return start }, Credentials: pairOf("OPERATOR", hostile.Secret),
		}
		if late {
			config.ActivationDelay = time.Minute
		}
		return New(config)
	})
}
