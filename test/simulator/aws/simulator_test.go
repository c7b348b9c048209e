// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/simtest"
)

var operator = sdk.Credentials{AccessKeyID: DefaultAccessKeyID, SecretAccessKey: DefaultSecretAccessKey}

// bed is an account with the user alice, on a fake clock.
type bed struct {
	*Simulator

	clock simtest.Clock
}

func newBed(options Options) *bed {
	clock := simtest.NewClock()
	options.Clock = clock
	b := &bed{Simulator: New(options), clock: clock}
	b.AddUser("alice")
	return b
}

// make creates a key of alice by hand.
func (b *bed) make(t *testing.T) (pair simulator.Pair, secret string) {
	t.Helper()
	pair, secret, err := b.MakeKey("alice")
	if err != nil || pair.CreatedBy != simulator.Person {
		t.Fatalf("got %+v, %v", pair, err)
	}
	return pair, secret
}

// call sends a request of the operator, such as "CreateAccessKey&UserName=alice".
func (b *bed) call(action string) simtest.Reply { return b.callAs(operator, action) }

func (b *bed) callAs(credentials sdk.Credentials, action string) simtest.Reply {
	request, body := b.request(action)
	b.sign(request, body, credentials, b.scope(action))
	return simtest.Send(b, request)
}

// request returns an unsigned request, and its body.
func (b *bed) request(action string) (*http.Request, string) {
	version := "2010-05-08"
	if b.scope(action) == "sts" {
		version = "2011-06-15"
	}
	body := "Action=" + action + "&Version=" + version
	request := httptest.NewRequest(http.MethodPost, "https://iam.amazonaws.com"+b.options.Path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return request, body
}

func (b *bed) scope(action string) string {
	if strings.HasPrefix(action, "GetCallerIdentity") || strings.HasPrefix(action, "AssumeRole") {
		return "sts"
	}
	return "iam"
}

func (b *bed) sign(request *http.Request, body string, credentials sdk.Credentials, service string) {
	payload := sha256.Sum256([]byte(body))
	_ = v4.NewSigner().SignHTTP(context.Background(), credentials, request, hex.EncodeToString(payload[:]), service, DefaultRegion, b.clock.Now())
}

func TestLifeOfAKey(t *testing.T) {
	b := newBed(Options{})
	made := b.call("CreateAccessKey&UserName=alice")
	id, secret := made.Text("CreateAccessKeyResult.AccessKey.AccessKeyId"), made.Text("CreateAccessKeyResult.AccessKey.SecretAccessKey")
	if made.Status != 200 || !regexp.MustCompile(`^AKIA[A-Z2-7]{16} [A-Za-z0-9+/]{40}$`).MatchString(id+" "+secret) || !b.Valid(id, secret) {
		t.Fatalf("got %d %s", made.Status, made.Body)
	}
	shown := "<UserName>alice</UserName><AccessKeyId>" + id + "</AccessKeyId><Status>Active</Status><CreateDate>2026-03-01T12:00:00Z</CreateDate>"
	made.Expect(t, 200, "", `<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateAccessKeyResult><AccessKey>`+
		shown+"<SecretAccessKey>"+secret+"</SecretAccessKey></AccessKey></CreateAccessKeyResult><ResponseMetadata><RequestId>"+
		made.Header.Get("X-Amzn-Requestid")+"</RequestId></ResponseMetadata></CreateAccessKeyResponse>")
	b.call("ListAccessKeys&UserName=ALICE").Expect(t, 200, "", "<AccessKeyMetadata><member>"+shown+"</member></AccessKeyMetadata><IsTruncated>false</IsTruncated>")
	b.call("DeleteAccessKey&UserName=alice&AccessKeyId="+id).Expect(t, 200, "", "<DeleteAccessKeyResponse", "<ResponseMetadata>")
	b.call("DeleteAccessKey&UserName=alice&AccessKeyId="+id).Expect(t, 404, "NoSuchEntity", "The Access Key with id "+id+" cannot be found")
	history := b.History()
	want := simulator.Pair{
		ID: id, AccessKeyID: id, Owner: history[0].Owner, CreatedBy: OperatorName, DeletedBy: OperatorName, CreatedAt: simtest.Start, DeletedAt: simtest.Start,
	}
	if len(history) != 1 || history[0] != want || b.Valid(id, secret) {
		t.Errorf("got %+v", history)
	}
}

func TestKeyIsDisabledAndEnabled(t *testing.T) {
	b := newBed(Options{InactiveWord: "Expired"})
	pair, secret := b.make(t)
	for status, word := range map[string]string{"Inactive": "Expired", "Active": "Active"} {
		b.call("UpdateAccessKey&UserName=alice&AccessKeyId="+pair.ID+"&Status="+status).Expect(t, 200, "", "<UpdateAccessKeyResponse")
		b.call("ListAccessKeys&UserName=alice").Expect(t, 200, "", "<Status>"+word+"</Status>")
		if works := status == "Active"; b.Active(pair.ID) != works || b.Use(pair.ID, secret) != works || b.Valid(pair.ID, "wrong") {
			t.Errorf("after %s", status)
		}
	}
}

func TestUserHasAtMostTwoKeys(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		allowed int
		status  int
		code    string
		words   string
	}{
		"default":                    {Options{}, 2, 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"},
		"another quota and response": {Options{KeysPerUser: 5, LimitStatus: 403, LimitCode: "x", LimitMessage: "y"}, 5, 403, "x", "y"},
		"no quota":                   {Options{KeysPerUser: -1}, 20, 200, "", ""},
		"a race":                     {Options{QuotaLag: time.Second}, 20, 200, "", ""},
	} {
		b := newBed(test.options)
		for i := range test.allowed {
			made := b.call("CreateAccessKey&UserName=alice")
			made.Expect(t, 200, "")
			b.SetActive(made.Text("CreateAccessKeyResult.AccessKey.AccessKeyId"), i > 0) // disabled keys count
		}
		b.call("CreateAccessKey&UserName=alice").Expect(t, test.status, test.code, test.words)
		if _, _, err := b.MakeKey("alice"); (err == nil) != (test.code == "") {
			t.Errorf("%s: by hand: %v", name, err)
		}
		if b.clock.Pass(time.Second); test.options.QuotaLag > 0 {
			b.call("CreateAccessKey&UserName=alice").Expect(t, 409, "LimitExceeded")
		}
	}
}

func TestKeyOfTheOperatorIsAKeyOfItsUser(t *testing.T) {
	b := newBed(Options{})
	b.call("CreateAccessKey").Expect(t, 200, "", "<UserName>accesskey-operator</UserName>")
	b.call("CreateAccessKey").Expect(t, 409, "LimitExceeded")
	if keys := b.Keys(OperatorName); len(keys) != 2 || len(b.History()) != 1 || !b.Valid(DefaultAccessKeyID, DefaultSecretAccessKey) {
		t.Errorf("got %v", keys)
	}
	b.call("GetUser").Expect(t, 200, "", "<Path>/operators/</Path><UserName>accesskey-operator</UserName><UserId>AIDA", "<Arn>arn:aws:iam::123456789012:user/operators/accesskey-operator</Arn>")
	b.call("UpdateAccessKey&Status=Inactive&AccessKeyId="+DefaultAccessKeyID).Expect(t, 200, "")
	b.call("GetUser").Expect(t, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	if !b.RemoveKey(DefaultAccessKeyID) || b.RemoveKey(DefaultAccessKeyID) || b.RemoveKey("x") {
		t.Error("RemoveKey does not remove a key once")
	}
}

func TestUsers(t *testing.T) {
	b := newBed(Options{})
	b.AddUserWithPath("/team-a/", "Bob")
	pair, secret := b.make(t)
	b.call("ListUsers").Expect(t, 200, "", "<UserName>alice</UserName>", "<UserName>Bob</UserName>", "<Arn>arn:aws:iam::123456789012:user/team-a/Bob</Arn>")
	if got := b.call("ListUsers&PathPrefix=/team-a").List("ListUsersResult.Users"); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	b.call("GetUser&UserName=bob").Expect(t, 200, "", "<UserName>Bob</UserName>")
	before := b.call("GetUser&UserName=alice").Text("GetUserResult.User.UserId")
	b.RenameUser("bob", "Robert")
	b.RenameUser("nobody", "x")
	b.call("GetUser&UserName=robert").Expect(t, 200, "", "user/team-a/Robert")
	b.DeleteUser("Alice")
	b.DeleteUser("nobody")
	b.call("ListAccessKeys&UserName=alice").Expect(t, 404, "NoSuchEntity", "The user with name alice cannot be found.")
	if _, _, err := b.MakeKey("alice"); err == nil || b.Keys("alice") != nil || b.Valid(pair.ID, secret) {
		t.Errorf("a deleted user has keys, or got %v", err)
	}
	if b.AddUser("alice") == before || b.Keys("alice") != nil {
		t.Error("a new user of the same name is the deleted one")
	}
	exact := newBed(Options{CaseSensitive: true})
	exact.call("ListAccessKeys&UserName=Alice").Expect(t, 404, "NoSuchEntity")
}

func TestKeysOfStaticUsersAreNotKept(t *testing.T) {
	b := newBed(Options{})
	b.AddStaticUser("static")
	made := b.call("CreateAccessKey&UserName=static")
	made.Expect(t, 200, "", "<AccessKeyId>AKIA")
	secret := made.Text("CreateAccessKeyResult.AccessKey.SecretAccessKey")
	if b.Keys("static") != nil || b.Valid(made.Text("CreateAccessKeyResult.AccessKey.AccessKeyId"), secret) || !slices.Contains(b.Secrets(), secret) {
		t.Error("the key is kept, or its secret is not known to searches for leaks")
	}
}

func TestCallerChoosesAPair(t *testing.T) {
	chosen := "CreateAccessKey&UserName=alice&AccessKeyId=MINE0000000000000001&SecretAccessKey=secret12"
	newBed(Options{}).call(chosen).Expect(t, 400, "MalformedInput", "unknown parameter")
	b := newBed(Options{ChoosesKeys: true})
	b.call(chosen).Expect(t, 200, "", "<AccessKeyId>MINE0000000000000001<", "<SecretAccessKey>secret12<")
	b.call(chosen).Expect(t, 409, "EntityAlreadyExists", "already in use")
	b.call("CreateAccessKey&UserName=alice&AccessKeyId=MINE0000000000000002").Expect(t, 400, "InvalidInput", "supplied together")
	b.call("CreateAccessKey&UserName=alice&SecretAccessKey=secret12").Expect(t, 400, "InvalidInput", "supplied together")
	if !b.Valid("MINE0000000000000001", "secret12") {
		t.Error("the chosen pair does not work")
	}
}

func TestLastUse(t *testing.T) {
	b := newBed(Options{})
	pair, secret := b.make(t)
	action := "GetAccessKeyLastUsed&AccessKeyId=" + pair.ID
	b.call(action).Expect(t, 200, "", "<UserName>alice</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>")
	if b.Use(pair.ID, "wrong") || !b.Use(pair.ID, secret) {
		t.Error("use")
	}
	b.call(action).Expect(t, 200, "", "<LastUsedDate>2026-03-01T12:00:00Z</LastUsedDate><ServiceName>s3</ServiceName><Region>us-east-1</Region>")
	b.clock.Pass(time.Minute)
	b.callAs(sdk.Credentials{AccessKeyID: pair.ID, SecretAccessKey: secret}, "GetCallerIdentity").Expect(t, 200, "")
	b.call(action).Expect(t, 200, "", "<LastUsedDate>2026-03-01T12:01:00Z</LastUsedDate><ServiceName>sts</ServiceName>")
}

func TestAccountSummary(t *testing.T) {
	newBed(Options{}).call("GetAccountSummary").Expect(t, 200, "", "<SummaryMap><entry><key>AccessKeysPerUserQuota</key><value>2</value></entry>", "<key>Users</key><value>2</value>")
}

func TestRoutesAndFaultsKnowTheAction(t *testing.T) {
	b := newBed(Options{})
	b.Inject(simulator.Rule{Path: "/CreateAccessKey"}.Once(), simulator.Answer(503, nil, "x"))
	b.call("ListAccessKeys&UserName=alice").Expect(t, 200, "")
	if got := b.call("CreateAccessKey&UserName=alice"); got.Status != 503 || len(b.History()) != 0 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	b.call("CreateAccessKey&UserName=alice").Expect(t, 200, "")
	b.call("Create/../AccessKey").Expect(t, 400, "InvalidAction")
	want := map[string]int{"POST /CreateAccessKey": 2, "POST /ListAccessKeys": 1, simulator.Unmatched: 1}
	if got := b.Calls(); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestPages(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		sizes   string
	}{
		"full pages":     {Options{}, "[3 3 2]"},
		"smaller pages":  {Options{PageSize: 2}, "[2 2 2 2]"},
		"short pages":    {Options{Pages: PagesShort}, "[0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1]"},
		"ignored":        {Options{Pages: PagesIgnored}, "[8]"},
		"a loop":         {Options{Pages: PagesLoop}, "[3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3]"},
		"a lost marker":  {Options{Pages: PagesLost}, "[3]"},
		"one large page": {Options{PageSize: 8}, "[3 3 2]"},
	} {
		b := newBed(test.options)
		for i := range 6 {
			b.AddUser(fmt.Sprint("user", i))
		}
		var sizes []int
		seen := map[string]bool{}
		for marker := "&"; marker != "" && len(sizes) < 20; {
			page := b.call("ListUsers&MaxItems=3" + marker)
			for _, user := range page.List("ListUsersResult.Users") {
				seen[fmt.Sprint(user)] = true
			}
			sizes = append(sizes, len(page.List("ListUsersResult.Users")))
			next, more := page.Text("ListUsersResult.Marker"), page.Text("ListUsersResult.IsTruncated") == "true"
			if more != (next != "") && test.options.Pages != PagesLost {
				t.Fatalf("%s: got %s", name, page.Body)
			}
			if marker = ""; next != "" {
				marker = "&Marker=" + url.QueryEscape(next)
			}
		}
		complete := test.options.Pages != PagesLoop && test.options.Pages != PagesLost
		if fmt.Sprint(sizes) != test.sizes || (len(seen) == 8) != complete {
			t.Errorf("%s: got pages of %v with %d users, want %s", name, sizes, len(seen), test.sizes)
		}
	}
}
