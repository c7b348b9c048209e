// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"accesskey.dev/operator/test/simulator/simtest"
)

func TestInvalidRequestsAreRejected(t *testing.T) {
	b := newBed(Options{})
	b.AddUser("bob")
	pair, _ := b.make(t)
	key, length := "&AccessKeyId="+pair.ID, "failed to satisfy constraint: Member must have length "
	for action, test := range map[string]struct {
		status      int
		code, words string
	}{
		"MakeAccessKey":                                               {400, "InvalidAction", "Could not find operation MakeAccessKey for version 2010-05-08"},
		"createAccessKey&UserName=alice":                              {400, "InvalidAction", "createAccessKey"},
		"CreateAccessKey&UserName=":                                   {400, "ValidationError", "The specified value for userName is invalid"},
		"CreateAccessKey&UserName=a/b":                                {400, "ValidationError", "The specified value for userName is invalid"},
		"CreateAccessKey&UserName=" + strings.Repeat("a", 129):        {400, "ValidationError", "Value at 'userName' " + length + "less than or equal to 128"},
		"CreateAccessKey&UserName=nobody":                             {404, "NoSuchEntity", "The user with name nobody cannot be found."},
		"CreateAccessKey&UserName=alice&Status=Inactive":              {400, "MalformedInput", "unknown parameter Status"},
		"ListAccessKeys&UserName=alice&MaxItems=0":                    {400, "ValidationError", "'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		"ListAccessKeys&UserName=alice&MaxItems=1001":                 {400, "ValidationError", "less than or equal to 1000"},
		"ListAccessKeys&UserName=alice&MaxItems=x":                    {400, "MalformedInput", ""},
		"ListAccessKeys&UserName=alice&Marker=x":                      {400, "ValidationError", "Invalid Marker."},
		"UpdateAccessKey&UserName=alice&Status=Active":                {400, "MissingParameter", "The request must contain the parameter AccessKeyId."},
		"UpdateAccessKey&UserName=alice" + key:                        {400, "MissingParameter", "The request must contain the parameter Status."},
		"UpdateAccessKey&UserName=alice&Status=Expired" + key:         {400, "ValidationError", "Value 'Expired' at 'status' failed to satisfy constraint"},
		"UpdateAccessKey&UserName=bob&Status=Inactive" + key:          {404, "NoSuchEntity", "The Access Key with id " + pair.ID + " cannot be found"},
		"DeleteAccessKey&UserName=bob" + key:                          {404, "NoSuchEntity", pair.ID},
		"DeleteAccessKey" + key:                                       {404, "NoSuchEntity", pair.ID}, // a key of the operator is meant
		"DeleteAccessKey&UserName=nobody" + key:                       {404, "NoSuchEntity", "The user with name nobody"},
		"DeleteAccessKey&UserName=alice&AccessKeyId=AKIA":             {400, "ValidationError", "'accessKeyId' " + length + "greater than or equal to 16"},
		"DeleteAccessKey&UserName=alice&AccessKeyId=AKIA-00000000000": {400, "ValidationError", "It must contain only alphanumeric characters."},
		"DeleteAccessKey&UserName=alice&AccessKeyId=AKIA000000000000": {404, "NoSuchEntity", "AKIA000000000000"},
		"GetAccessKeyLastUsed&AccessKeyId=AKIA000000000000":           {404, "NoSuchEntity", "AKIA000000000000"},
		"GetAccessKeyLastUsed&UserName=alice" + key:                   {400, "MalformedInput", "unknown parameter UserName"},
		"GetUser&UserName=nobody":                                     {404, "NoSuchEntity", "nobody"},
		"ListUsers&PathPrefix=a":                                      {400, "ValidationError", "pathPrefix"},
	} {
		t.Run(action, func(t *testing.T) { b.call(action).Expect(t, test.status, test.code, test.words) })
	}
	if !b.Active(pair.ID) || len(b.History()) != 1 {
		t.Error("a rejected request was carried out")
	}
}

func TestOtherRequestsThanFormsAreNoAPI(t *testing.T) {
	b := newBed(Options{Path: "/iam"})
	send := func(method, path, contentType string) simtest.Reply {
		request, body := b.request("ListUsers")
		request.Method, request.URL.Path = method, path
		request.Header.Set("Content-Type", contentType)
		b.sign(request, body, operator, "iam")
		return simtest.Send(b, request)
	}
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct {
		method, path, contentType string
		status                    int
	}{
		{"POST", "/iam", form, 200}, {"POST", "/iam", form + "; charset=utf-8", 200}, {"POST", "/", form, 404}, {"POST", "/iam/", form, 404},
		{"POST", "/iam", "application/json", 302}, {"GET", "/iam", form, 302},
	} {
		if got := send(test.method, test.path, test.contentType); got.Status != test.status {
			t.Errorf("%+v: got %d %s", test, got.Status, got.Body)
		}
	}
}

func TestVersionIsRequired(t *testing.T) {
	for _, version := range []string{"", "&Version=2011-06-15", "&version=2010-05-08"} {
		b := newBed(Options{})
		request, _ := b.request("")
		body := "Action=ListUsers" + version
		request.Body, request.ContentLength = simtest.Request("POST / "+body).Body, int64(len(body))
		b.sign(request, body, operator, "iam")
		simtest.Send(b, request).Expect(t, 400, "InvalidAction", "Could not find operation ListUsers for version ", `xmlns="http://webservices.amazon.com/AWSFault/2005-15-09"`)
	}
}

func TestEveryActionRequiresItsPermission(t *testing.T) {
	b := newBed(Options{})
	pair, _ := b.make(t)
	actions := []string{
		"ListAccessKeys&UserName=alice", "CreateAccessKey&UserName=alice", "UpdateAccessKey&UserName=alice&Status=Active&AccessKeyId=" + pair.ID,
		"GetAccessKeyLastUsed&AccessKeyId=" + pair.ID, "GetUser&UserName=alice", "ListUsers", "GetAccountSummary", "DeleteAccessKey&UserName=alice&AccessKeyId=" + pair.ID,
	}
	for _, allowed := range actions {
		permission := "iam:" + strings.Split(allowed, "&")[0]
		b.Allow(permission)
		for _, action := range actions {
			name, got := strings.Split(action, "&")[0], b.call(action)
			if action == allowed {
				got.Expect(t, 200, "")
				continue
			}
			got.Expect(t, 403, "AccessDenied", "User: arn:aws:iam::123456789012:user/operators/accesskey-operator is not authorized to perform: iam:"+name)
		}
	}
	b.Allow()
	b.call("CreateAccessKey&UserName=alice").Expect(t, 403, "AccessDenied", "on resource: user alice because no identity-based policy allows the iam:CreateAccessKey action")
	b.call("GetCallerIdentity").Expect(t, 200, "", "<Account>123456789012</Account>")
	other := newBed(Options{})
	hers, secret := other.make(t)
	other.callAs(sdk.Credentials{AccessKeyID: hers.ID, SecretAccessKey: secret}, "ListAccessKeys").Expect(t, 403, "AccessDenied", "user/alice is not")
}

func TestInvalidSignaturesAreRejected(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	replace := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, replacement, 1))
		}
	}
	for name, test := range map[string]struct {
		change      func(r *http.Request) // after signing
		status      int
		code, words string
	}{
		"no signature":             {set("Authorization", ""), 403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		"another algorithm":        {replace("AWS4-HMAC-SHA256", "SDK-HMAC-SHA256"), 400, "IncompleteSignature", "requires Credential, SignedHeaders, and Signature"},
		"no date":                  {set("X-Amz-Date", ""), 400, "IncompleteSignature", "Date must be in ISO-8601"},
		"another date":             {set("X-Amz-Date", "20260301T120001Z"), 403, "SignatureDoesNotMatch", "The request signature we calculated"},
		"another day":              {replace("/20260301/", "/20260302/"), 403, "SignatureDoesNotMatch", "Date in Credential scope"},
		"another region":           {replace("/us-east-1/", "/eu-central-1/"), 403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region."},
		"another service":          {replace("/iam/", "/s3/"), 403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'iam'."},
		"another terminator":       {replace("aws4_request", "aws4"), 403, "SignatureDoesNotMatch", "aws4_request"},
		"an unknown key":           {replace(DefaultAccessKeyID, "AKIAX"), 403, "InvalidClientTokenId", "The security token included in the request is invalid."},
		"a token of nobody":        {set("X-Amz-Security-Token", "x"), 403, "InvalidClientTokenId", ""},
		"an unsigned host":         {replace("host;", ""), 403, "SignatureDoesNotMatch", "must be a 'SignedHeader'"},
		"another signature":        {replace("Signature=", "Signature=0"), 400, "IncompleteSignature", ""},
		"another host":             {func(r *http.Request) { r.Host = "x" }, 403, "SignatureDoesNotMatch", "The request signature"},
		"a query":                  {func(r *http.Request) { r.URL.RawQuery = "x=y" }, 403, "SignatureDoesNotMatch", "The request signature"},
		"another content type":     {set("Content-Type", "application/x-www-form-urlencoded"), 403, "SignatureDoesNotMatch", "The request signature"},
		"another body":             {func(r *http.Request) { r.Body = simtest.Request("POST / Action=ListUsers&Version=2010-05-08").Body }, 403, "SignatureDoesNotMatch", ""},
		"an unsigned content type": {replace("content-type;", ""), 403, "SignatureDoesNotMatch", "The request signature"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(Options{})
			request, body := b.request("ListUsers&MaxItems=10")
			b.sign(request, body, operator, "iam")
			test.change(request)
			simtest.Send(b, request).Expect(t, test.status, test.code, test.words)
		})
	}
	b := newBed(Options{})
	b.callAs(sdk.Credentials{AccessKeyID: DefaultAccessKeyID, SecretAccessKey: "wrong"}, "ListUsers").Expect(t, 403, "SignatureDoesNotMatch", "Check your AWS Secret Access Key")
	request, body := b.request("GetCallerIdentity")
	b.sign(request, body, operator, "iam")
	simtest.Send(b, request).Expect(t, 403, "SignatureDoesNotMatch", "correct service: 'sts'", `xmlns="https://sts.amazonaws.com/doc/2011-06-15/"`)
}

func TestDatesThatAreFarOffAreRejected(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		offset  time.Duration
		code    string
		words   string
	}{
		"15 minutes behind":           {Options{}, -15 * time.Minute, "", ""},
		"more than 15 minutes behind": {Options{}, -15*time.Minute - time.Second, "SignatureDoesNotMatch", "Signature expired: 20260301T114459Z is now earlier than 20260301T114500Z (20260301T120000Z - 15 min.)"},
		"15 minutes ahead":            {Options{}, 15 * time.Minute, "", ""},
		"more than 15 minutes ahead":  {Options{}, 15*time.Minute + time.Second, "SignatureDoesNotMatch", "Signature not yet current: 20260301T121501Z is still later than 20260301T121500Z (20260301T120000Z + 15 min.)"},
		"with another code":           {Options{SkewCode: "RequestTimeTooSkewed"}, time.Hour, "RequestTimeTooSkewed", ""},
	} {
		b := newBed(test.options)
		request, body := b.request("ListUsers")
		b.clock.Pass(test.offset)
		b.sign(request, body, operator, "iam")
		b.clock.Pass(-test.offset)
		got, status := simtest.Send(b, request), 403
		if test.code == "" {
			status = 200
		}
		if got.Expect(t, status, test.code, test.words); got.Header.Get("Date") != "Sun, 01 Mar 2026 12:00:00 GMT" {
			t.Errorf("%s: got %v", name, got.Header)
		}
	}
}

func TestRequestsPerSecondAreLimited(t *testing.T) {
	for _, test := range []struct {
		options Options
		status  int
		code    string
	}{{Options{RateLimit: 1}, 400, "Throttling"}, {Options{RateLimit: 1, ThrottleStatus: 503, ThrottleCode: "SlowDown"}, 503, "SlowDown"}} {
		b := newBed(test.options)
		b.call("ListUsers").Expect(t, 200, "")
		b.call("ListUsers").Expect(t, test.status, test.code, "Rate exceeded")
		b.clock.Pass(time.Second)
		b.call("ListUsers").Expect(t, 200, "")
	}
}
