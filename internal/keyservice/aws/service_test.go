// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	account "accesskey.dev/operator/test/simulator/aws"
)

var goodConfig = Config{
	URL: "https://iam.amazonaws.com", Credentials: pairOf("AKIAGOOD", "geheim"), HTTP: http.DefaultClient, Now: time.Now,
}

func TestNewRefusesABadConfiguration(t *testing.T) {
	bed.ExpectConfigurations(t, goodConfig, New, map[string]func(*Config) string{
		"a path":             func(c *Config) string { c.URL = "https://dell.example:4443/iam"; return "" },
		"STS elsewhere":      func(c *Config) string { c.STSURL = "https://sts.eu-central-1.amazonaws.com"; return "" },
		"an account of Ceph": func(c *Config) string { c.AccountID = "RGW12345678901234567"; return "" },
		"a region of Ceph":   func(c *Config) string { c.Region = "default"; return "" },
		"plain HTTP":         func(c *Config) string { c.URL = "http://iam.example"; return "https://" },
		"a URL with a query": func(c *Config) string { c.URL = "https://iam.example?a=geheim"; return "a plain path" },
		"STS by plain HTTP": func(c *Config) string {
			c.STSURL = "http://sts.example"
			return "stsURL: the URL does not begin with https://"
		},
		"a region of two lines": func(c *Config) string { c.Region = "a\r\nX: y"; return "region" },
		"a region with a slash": func(c *Config) string { c.STSRegion = "a/b"; return "region" },
		"an account with a /":   func(c *Config) string { c.AccountID = "1/2"; return "accountID" },
		"no credentials":        func(c *Config) string { c.Credentials = nil; return "no credentials" },
		"no HTTP client":        func(c *Config) string { c.HTTP = nil; return "no HTTP client" },
		"no clock":              func(c *Config) string { c.Now = nil; return "no clock" },
	})
}

func TestTheIdentityIsTheAccountThatTheKeyServiceNamesOrTheURL(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"aws/aws/123456789012":           func(c *Config) { c.AccountID = "123456789012" },
		"aws/aws-cn/123456789012":        func(c *Config) { c.AccountID, c.Region = "123456789012", "cn-north-1" },
		"aws/aws-us-gov/123456789012":    func(c *Config) { c.AccountID, c.Region = "123456789012", "us-gov-west-1" },
		"aws/aws-iso-b/123456789012":     func(c *Config) { c.AccountID, c.Region = "123456789012", "us-isob-east-1" },
		"aws/aws/rgw12345678901234567":   func(c *Config) { c.AccountID, c.URL = "RGW12345678901234567", "https://ceph.example" },
		"aws/dell.example:4443/iam":      func(c *Config) { c.URL = "https://Dell.example:4443/iam/" },
		"aws/seaweed.example:8333":       func(c *Config) { c.URL = "https://seaweed.example:8333/" },
		"aws/seaweed.example:8334":       func(c *Config) { c.URL = "https://seaweed.example:8334" },
		"aws/seaweed.example:8334/A/b.c": func(c *Config) { c.URL = "https://seaweed.example:8334/A/b.c" },
	} {
		config := goodConfig
		change(&config)
		service, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := service.Identity(t.Context()); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestProbeAsksForTheAccountOnce(t *testing.T) {
	b := newBed(t, account.Options{})
	if err := b.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for calls := range 2 {
		if version, err := b.Probe(t.Context()); err != nil || version != "IAM API (account 123456789012)" {
			t.Errorf("got %q, %v", version, err)
		}
		b.calls(t, "GetCallerIdentity", calls+1)
	}
	b.calls(t, "ListUsers", 0)
	b.calls(t, "GetAccountSummary", 1)
}

func TestAServerWithoutSTSIsAskedForOneUser(t *testing.T) {
	for name, options := range map[string]account.Options{
		"400 InvalidAction":  {},
		"501 NotImplemented": {MissingStatus: 501, MissingCode: "NotImplemented"},
		"404 InvalidAction":  {MissingStatus: 404, MissingCode: "InvalidAction"},
		"405":                {MissingStatus: 405, MissingCode: "MethodNotAllowed"},
		"404 NoSuchBucket":   {MissingStatus: 404, MissingCode: "NoSuchBucket"},
		"503":                {MissingStatus: 503, MissingCode: "ServiceUnavailable", Shape: account.ShapeBare},
	} {
		t.Run(name, func(t *testing.T) {
			options.Missing = []string{"GetCallerIdentity"}
			b := newBed(t, options, func(c *Config) { c.AccountID = "RGW1" }) // cannot be checked
			if err := b.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			if version, err := b.Probe(t.Context()); err != nil || version != "IAM API" {
				t.Errorf("got %q, %v", version, err)
			}
			b.calls(t, "ListUsers", 1)
			b.account.Allow() // the signature is good, and that is enough
			if version, err := b.Probe(t.Context()); err != nil || version != "IAM API" {
				t.Errorf("got %q, %v", version, err)
			}
			b.account.SetActive(account.DefaultAccessKeyID, false)
			_, err := b.Probe(t.Context())
			expectKind(t, err, keyservice.Unauthorized, "check credentials: ", "InvalidClientTokenId", "check the KeyService's credentials")
		})
	}
}

func TestAServerThatIsDownIsNotTakenForOneWithoutSTS(t *testing.T) {
	b := newBed(t, account.Options{Missing: []string{"GetCallerIdentity", "ListUsers"}, MissingStatus: 503, MissingCode: "ServiceUnavailable"})
	_, err := b.Probe(t.Context())
	expectKind(t, err, keyservice.Unavailable, "check credentials: ", "503 Service Unavailable")
}

func TestAnotherServerIsNotTakenForIAM(t *testing.T) {
	b := newBed(t, account.Options{})
	defer b.answer("GetCallerIdentity", 200, "<html></html>")()
	lift := b.answer("ListUsers", 200, "<html></html>")
	_, err := b.Probe(t.Context())
	expectKind(t, err, keyservice.Unavailable, "not that of the IAM API", "check that the KeyService's url")
	lift()
	if version, err := b.Probe(t.Context()); err != nil || version != "IAM API" {
		t.Errorf("got %q, %v", version, err)
	}

	b = newBed(t, account.Options{}, func(c *Config) { c.URL += "/elsewhere" })
	_, err = b.Probe(t.Context())
	expectKind(t, err, keyservice.Unavailable, "404", "check that the KeyService's url")
}

func TestAnSTSThatIsGivenMustAnswer(t *testing.T) {
	b := newBed(t, account.Options{Missing: []string{"GetCallerIdentity"}})
	service := b.connect(t, func(c *Config) { c.STSURL = b.server.URL })
	_, err := service.Probe(t.Context())
	expectKind(t, err, keyservice.Invalid, "InvalidAction")
	b.calls(t, "ListUsers", 0)
}

func TestSTSIsSignedForItsOwnRegion(t *testing.T) {
	b := newBed(t, account.Options{STSRegion: "eu-central-1"})
	service := b.connect(t, func(c *Config) { c.STSURL, c.STSRegion = b.server.URL, "eu-central-1" })
	if version, err := service.Probe(t.Context()); err != nil || !strings.Contains(version, "123456789012") {
		t.Errorf("got %q, %v", version, err)
	}
	_, err := b.connect(t, func(c *Config) { c.STSURL = b.server.URL }).Probe(t.Context())
	expectKind(t, err, keyservice.Unauthorized, "SignatureDoesNotMatch", "check the KeyService's credentials and its region")
}

func TestTheCredentialsMustBeOfTheAccount(t *testing.T) {
	b := newBed(t, account.Options{}, func(c *Config) { c.AccountID = "210987654321" })
	expectKind(t, b.Connect(t.Context()), keyservice.Invalid, "are of account 123456789012, and the KeyService's accountID is 210987654321")
	_, err := b.Probe(t.Context())
	expectKind(t, err, keyservice.Invalid, "210987654321")
	if err := b.connect(t, func(c *Config) { c.AccountID = account.DefaultAccountID }).Connect(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheQuotaIsAskedForOnce(t *testing.T) {
	for name, test := range map[string]struct {
		options account.Options
		config  func(*Config)
		prepare func(b *testBed)
		want    int
		calls   int
	}{
		"as the service says":             {account.Options{KeysPerUser: 5}, nil, nil, 5, 1},
		"two where it does not know":      {account.Options{KeysPerUser: 5, Missing: []string{"GetAccountSummary"}}, nil, nil, 2, 1},
		"two where it may not be asked":   {account.Options{KeysPerUser: 5}, nil, func(b *testBed) { b.account.Allow() }, 2, 1},
		"as the KeyService says, unasked": {account.Options{KeysPerUser: 5}, func(c *Config) { c.KeysPerUser = 3 }, nil, 3, 0},
		"two if it says none": {account.Options{}, nil, func(b *testBed) {
			b.answer("GetAccountSummary", 200, result("GetAccountSummary", "<SummaryMap><entry><key>Users</key><value>31</value></entry></SummaryMap>"))
		}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options)
			if test.config != nil {
				b.Service = b.connect(t, test.config)
			}
			if test.prepare != nil {
				test.prepare(b)
			}
			for range 2 {
				if err := b.Connect(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.Limits(); got.KeysPerUser != test.want || got.ActivatesLater || got.ListLag != time.Minute {
				t.Errorf("got %+v", got)
			}
			b.calls(t, "GetAccountSummary", test.calls)
		})
	}
	b := newBed(t, account.Options{}, delayed(15*time.Second))
	lift := b.answer("GetAccountSummary", 500, "")
	expectKind(t, b.Connect(t.Context()), keyservice.Unavailable, "read quota: ")
	lift()
	if err := b.Connect(t.Context()); err != nil || !b.Limits().ActivatesLater {
		t.Errorf("got %+v, %v", b.Limits(), err)
	}
	defer b.answer("GetAccountSummary", 404, "<html></html>")()
	expectKind(t, b.connect(t).Connect(t.Context()), keyservice.Unavailable, "read quota: ", "check that the KeyService's url")
}

func TestAWSIsNamed(t *testing.T) {
	for address, want := range map[string]string{
		"https://iam.amazonaws.com": "AWS IAM", "https://iam.cn-north-1.amazonaws.com.cn": "AWS IAM", "https://vpce-1.iam.us-east-1.vpce.amazonaws.com:8443": "AWS IAM",
		"https://iam.global.api.aws": "AWS IAM", "https://amazonaws.com.example": "IAM API", "https://iam.wasabisys.com": "IAM API", "https://fakeamazonaws.com": "IAM API",
	} {
		if got := (&client{iam: api{url: address}}).product(); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}

func TestThePathIsKeptAndSigned(t *testing.T) {
	b := newBed(t, account.Options{Path: "/iam/v1"}, func(c *Config) { c.URL += "/iam/v1" })
	b.create(t, "Alice")
}

func TestWithoutCredentialsNothingIsSent(t *testing.T) {
	b := newBed(t, account.Options{})
	for name, test := range map[string]struct {
		err  error
		want keyservice.Kind
		text string
	}{
		"lost":    {errors.New("no route"), keyservice.Unavailable, "the operator's own credentials could not be read: no route"},
		"refused": {&keyservice.Error{Kind: keyservice.Unauthorized, Op: "assume role", Err: errors.New("denied")}, keyservice.Unauthorized, "assume role: denied"},
		"empty":   {nil, keyservice.Unauthorized, "no access key ID"},
	} {
		b.pair.err, b.pair.AccessKeyID = test.err, ""
		_, err := b.Create(t.Context(), "Alice", ttlIgnored)
		expectKind(t, err, test.want, "create key: user Alice: ", test.text)
		if err := b.Delete(t.Context(), "Alice", "AKIAIOSFODNN7EXAMPLE"); keyservice.KindOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.noCalls(t)
}

func TestRefusedCredentialsAreForgottenAndNotSentForAWhile(t *testing.T) {
	b := newBed(t, account.Options{})
	b.account.SetActive(account.DefaultAccessKeyID, false)
	for range 3 {
		_, err := b.List(t.Context(), "Alice")
		expectKind(t, err, keyservice.Unauthorized, "list keys: user Alice: the service answered 403 Forbidden: InvalidClientTokenId: ",
			"check the KeyService's credentials and its region; the operator tries the credentials again at 2026-03-01T12:01:00Z")
	}
	b.calls(t, "ListAccessKeys", 1)
	if b.pair.forgotten != 1 {
		t.Errorf("told to forget %d times", b.pair.forgotten)
	}
	b.account.SetActive(account.DefaultAccessKeyID, true)
	b.pass(time.Minute)
	b.account.Allow() // a right that is lacking is no reason to stop
	for range 3 {
		_, err := b.List(t.Context(), "Alice")
		expectKind(t, err, keyservice.Unauthorized, "AccessDenied", "is not authorized to perform: iam:ListAccessKeys", rights)
	}
	b.calls(t, "ListAccessKeys", 4)
	if b.pair.forgotten != 1 {
		t.Errorf("told to forget %d times", b.pair.forgotten)
	}
}

func TestAClockThatIsWrongIsReportedWithTheDifference(t *testing.T) {
	for _, code := range []string{"SignatureDoesNotMatch", "RequestTimeTooSkewed", "RequestExpired"} {
		b := newBed(t, account.Options{SkewCode: code})
		texts := map[string]bool{}
		for _, ahead := range []time.Duration{20 * time.Minute, 20*time.Minute + 10*time.Second} {
			b.own.SetTime(b.clock.Now().Add(ahead))
			_, err := b.List(t.Context(), "Alice")
			expectKind(t, err, keyservice.Unauthorized, code, "the operator's clock is 20 minutes ahead of the service's")
			text, _, _ := strings.Cut(err.Error(), "; the operator tries the credentials again")
			texts[text] = true
			b.pass(2 * time.Minute)
		}
		if len(texts) != 1 {
			t.Errorf("the text changes: %v", texts)
		}
	}
}
