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

func TestShapesOfErrors(t *testing.T) {
	const code = "<Code>NoSuchEntity</Code><Message>The user with name &lt;x cannot be found.</Message>"
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"default":   {Options{}, `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>` + code + "</Error><RequestId>"},
		"bare":      {Options{Shape: ShapeBare}, "<Error>" + code + "<RequestId>"},
		"as a list": {Options{Shape: ShapeList}, `<Errors><Error><Type>Sender</Type>` + code + "</Error></Errors><RequestId>"},
		"plain":     {Options{Markup: MarkupPlain}, "<ErrorResponse><Error><Type>Sender</Type>" + code + "</Error><RequestId>"},
		"prefixed": {Options{Markup: MarkupPrefix}, "</ns2:RequestId><ns2:Error><ns2:Message>The user with name &lt;x cannot be found.</ns2:Message>" +
			"<ns2:Code>NoSuchEntity</ns2:Code><ns2:Type>Sender</ns2:Type></ns2:Error></ns2:ErrorResponse>"},
	} {
		b := newBed(test.options)
		got := newReply(b, noSuchUser("<x"))
		if got.Status != 404 || !strings.Contains(got.Body, test.want) || got.Header.Get("Content-Type") != "text/xml" {
			t.Errorf("%s: got %d %s", name, got.Status, got.Body)
		}
	}
	b := newBed(Options{})
	newReply(b, &apiError{500, "ServiceFailure", "x"}).Expect(t, 500, "ServiceFailure", "<Type>Receiver</Type>")
}

func TestMarkup(t *testing.T) {
	for markup, want := range map[Markup]string{
		MarkupNamespace: "</IsTruncated></ListAccessKeysResult><ResponseMetadata><RequestId>",
		MarkupPlain:     "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata></AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult></ListAccessKeysResponse>",
		MarkupPrefix: "</ns2:ResponseMetadata><ns2:ListAccessKeysResult><ns2:IsTruncated>false</ns2:IsTruncated><ns2:AccessKeyMetadata></ns2:AccessKeyMetadata>" +
			"</ns2:ListAccessKeysResult></ns2:ListAccessKeysResponse>",
	} {
		newBed(Options{Markup: markup}).call("ListAccessKeys&UserName=alice").Expect(t, 200, "", want)
	}
}

func TestDates(t *testing.T) {
	for dates, want := range map[Dates]string{
		"": "<CreateDate>2026-03-01T12:00:00Z</CreateDate>", DatesNanoseconds: "<CreateDate>2026-03-01T12:00:00.005000000Z</CreateDate>", DatesAbsent: "",
	} {
		b := newBed(Options{Dates: dates})
		b.make(t)
		if got := b.call("ListAccessKeys&UserName=alice"); !strings.Contains(got.Body, want) || strings.Contains(got.Body, "CreateDate") != (want != "") {
			t.Errorf("%s: got %s", dates, got.Body)
		}
	}
}

func TestServerWithoutAnAction(t *testing.T) {
	for _, test := range []struct {
		options Options
		status  int
		code    string
	}{
		{Options{Missing: []string{"GetCallerIdentity"}}, 400, "InvalidAction"},
		{Options{Missing: []string{"GetCallerIdentity"}, MissingStatus: 501, MissingCode: "NotImplemented"}, 501, "NotImplemented"},
	} {
		b := newBed(test.options)
		b.call("GetCallerIdentity").Expect(t, test.status, test.code)
		b.call("ListUsers").Expect(t, 200, "")
	}
}

func TestLenientServer(t *testing.T) {
	b := newBed(Options{Lenient: true})
	for _, action := range []string{"ListAccessKeys&UserName=nobody", "DeleteAccessKey&UserName=nobody&AccessKeyId=AKIA000000000000", "DeleteAccessKey&UserName=alice&AccessKeyId=AKIA000000000000"} {
		b.call(action).Expect(t, 200, "")
	}
	b.call("UpdateAccessKey&Status=Inactive&UserName=alice&AccessKeyId=AKIA000000000000").Expect(t, 404, "NoSuchEntity")
	b.call("CreateAccessKey&UserName=nobody").Expect(t, 404, "NoSuchEntity")
	b.call("DeleteAccessKey&UserName=alice").Expect(t, 400, "MissingParameter")
}

func TestOtherCodes(t *testing.T) {
	b := newBed(Options{DeniesUnknown: true, InvalidKeyCode: "InvalidAccessKeyId"})
	b.call("GetAccessKeyLastUsed&AccessKeyId=AKIA000000000000").Expect(t, 403, "AccessDenied", "on resource: access key AKIA000000000000")
	b.callAs(sdk.Credentials{AccessKeyID: "x", SecretAccessKey: "y"}, "ListUsers").Expect(t, 403, "InvalidAccessKeyId")
}

func TestScopeOfASignature(t *testing.T) {
	b := newBed(Options{Region: "cn-north-1", STSRegion: "cn-northwest-1"})
	b.call("ListUsers").Expect(t, 403, "SignatureDoesNotMatch", "valid region")
	b.call("GetCallerIdentity").Expect(t, 403, "SignatureDoesNotMatch", "valid region")
	newBed(Options{Region: "cn-north-1", STSRegion: "cn-northwest-1", AnyScope: true}).call("ListUsers").Expect(t, 200, "")
}

func TestCallerIdentity(t *testing.T) {
	b := newBed(Options{Partition: "aws-cn", AccountID: "000000000000"})
	b.call("GetCallerIdentity").Expect(t, 200, "", `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
		"<Arn>arn:aws-cn:iam::000000000000:user/operators/accesskey-operator</Arn><UserId>AIDA", "<Account>000000000000</Account>")
}

func TestRoleIsAssumed(t *testing.T) {
	b := newBed(Options{})
	arn := b.AddRole("keys", "external")
	action := "AssumeRole&RoleSessionName=test&RoleArn=" + arn
	b.call(action).Expect(t, 403, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: "+arn)
	b.call(action+"&ExternalId=x").Expect(t, 403, "AccessDenied")
	b.call("AssumeRole&RoleSessionName=test").Expect(t, 400, "MissingParameter", "RoleArn")
	b.call("AssumeRole&RoleArn="+arn).Expect(t, 400, "MissingParameter", "RoleSessionName")
	b.call(action+"&ExternalId=external&DurationSeconds=899").Expect(t, 400, "ValidationError", "durationSeconds")
	begun := b.call(action + "&ExternalId=external&DurationSeconds=900")
	begun.Expect(t, 200, "", "<AccessKeyId>ASIA", "<Expiration>2026-03-01T12:15:00Z</Expiration>", "<Arn>arn:aws:sts::123456789012:assumed-role/keys/test</Arn>")
	const path = "AssumeRoleResult.Credentials."
	temporary := sdk.Credentials{
		AccessKeyID: begun.Text(path + "AccessKeyId"), SecretAccessKey: begun.Text(path + "SecretAccessKey"), SessionToken: begun.Text(path + "SessionToken"),
	}
	b.callAs(temporary, "GetCallerIdentity").Expect(t, 200, "", "assumed-role/keys/test", "<UserId>AROA")
	b.callAs(temporary, "CreateAccessKey&UserName=alice").Expect(t, 200, "")
	b.callAs(temporary, "CreateAccessKey").Expect(t, 400, "ValidationError", "Must specify userName when calling with non-User credentials")
	without := temporary
	without.SessionToken = ""
	b.callAs(without, "ListUsers").Expect(t, 403, "InvalidClientTokenId")
	b.clock.Pass(15 * time.Minute)
	b.callAs(temporary, "ListUsers").Expect(t, 403, "ExpiredToken", "The security token included in the request is expired")
}

// newReply is the response to a request that is refused for this reason.
func newReply(b *bed, refused *apiError) simtest.Reply {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { b.write(w, &call{action: "ListUsers"}, nil, refused) })
	return simtest.Send(handler, simtest.Request("POST /"))
}
