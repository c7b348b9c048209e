// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/internal/verify"
	"accesskey.dev/operator/test/bed"
)

const (
	id, secret = "AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	list       = `<?xml version="1.0" encoding="UTF-8"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets/></ListAllMyBucketsResult>`
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// refusal is the error of an S3 server.
func refusal(code, message string) string {
	return fmt.Sprintf("<?xml version=\"1.0\"?>\n<Error><Code>%s</Code><Message>%s</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>", code, message)
}

// plane is a data plane behind a handler.
type plane struct {
	*verify.DataPlane

	asked atomic.Int32
	clock atomic.Pointer[time.Time]
}

func newPlane(t *testing.T, config verify.Config, handler http.HandlerFunc) *plane {
	t.Helper()
	p := &plane{}
	p.clock.Store(&now)
	server := bed.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		handler(w, r)
	}))
	client, err := rest.NewHTTPClient(rest.TransportConfig{Backend: "s3", CABundle: server.CA, QPS: 1e6, Burst: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	config.Endpoint, config.HTTP, config.Now = server.URL+config.Endpoint, client, func() time.Time { return *p.clock.Load() }
	if p.DataPlane, err = verify.New(config); err != nil {
		t.Fatal(err)
	}
	return p
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestAnswers(t *testing.T) {
	const accepted = keyservice.Kind("")
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   keyservice.Kind
		says   string
	}{
		{"a list of buckets", 200, list, accepted, ""},
		{"a user who may not list buckets", 403, refusal("AccessDenied", "Access Denied"), accepted, ""},
		{"an unknown access key ID", 403, refusal("InvalidAccessKeyId", "The access key does not exist."), keyservice.Unauthorized,
			"list buckets: the service answered 403 Forbidden: InvalidAccessKeyId: The access key does not exist."},
		{"another secret", 403, refusal("SignatureDoesNotMatch", "no match"), keyservice.Unauthorized, "SignatureDoesNotMatch: no match"},
		{"clocks that differ", 403, refusal("RequestTimeTooSkewed", "too skewed"), keyservice.Unavailable, "synchronize the clocks"},
		{"another region", 400, refusal("AuthorizationHeaderMalformed", "the region is wrong"), keyservice.Unavailable, "check s3.region of the KeyService"},
		{"a server that is overloaded", 503, refusal("SlowDown", "Please reduce your request rate."), keyservice.Unavailable, "SlowDown"},
		{"a server that fails", 500, "", keyservice.Unavailable, "500 Internal Server Error: no explanation"},
		{"a proxy that lets nothing pass", 403, "<html>Forbidden</html>", keyservice.Unavailable, "may be a proxy's"},
		{"AccessDenied of no S3 server", 401, refusal("AccessDenied", ""), keyservice.Unavailable, "401 Unauthorized"},
		{"a web server", 200, "<html>welcome</html>", keyservice.Unavailable, "check that the KeyService's s3.endpoint is an S3 endpoint"},
		{"an empty answer", 200, "", keyservice.Unavailable, "not a list of buckets"},
		{"another S3 answer", 200, "<ListBucketResult/>", keyservice.Unavailable, "not a list of buckets"},
		{"a redirect", 307, refusal("TemporaryRedirect", "elsewhere"), keyservice.Unavailable, "check s3.endpoint and s3.region"},
		{"an answer that quotes the secret", 500, refusal("InternalError", "bad key "+secret), keyservice.Unavailable, "bad key [redacted]"},
		{"an endless answer", 200, strings.Repeat("x", 20<<20), keyservice.Unavailable, "larger than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, verify.Config{}, answers(c.status, c.body))
			err := p.Verify(t.Context(), id, secret)
			if got := kindOf(err); got != c.want {
				t.Errorf("%v: kind %q, want %q", err, got, c.want)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), secret)) {
				t.Errorf("%q does not say %q, or tells the secret", err, c.says)
			}
			if p.asked.Load() != 1 {
				t.Errorf("asked %d times", p.asked.Load())
			}
		})
	}
}

func kindOf(err error) keyservice.Kind {
	if err == nil {
		return ""
	}
	return keyservice.KindOf(err)
}

// TestSignature signs the request that arrives again with the pair. Nothing else in the environment counts.
func TestSignature(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "other", "AWS_SESSION_TOKEN": "other", "AWS_REGION": "mars-1", "AWS_PROFILE": "other",
		"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "9",
	} {
		t.Setenv(name, value)
	}
	for _, c := range []struct {
		name   string
		config verify.Config
		region string
		path   string
	}{
		{"with a region", verify.Config{Region: "eu-central-1"}, "eu-central-1", "/"},
		{"without a region", verify.Config{}, "us-east-1", "/"},
		{"below a path", verify.Config{Endpoint: "/s3/"}, "us-east-1", "/s3/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var problem string
			p := newPlane(t, c.config, func(w http.ResponseWriter, r *http.Request) {
				again, _ := http.NewRequest(r.Method, "https://"+r.Host+r.URL.Path, nil)
				again.Header.Set("X-Amz-Content-Sha256", r.Header.Get("X-Amz-Content-Sha256"))
				at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
				pair := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
				_ = v4.NewSigner().SignHTTP(context.Background(), pair, again, r.Header.Get("X-Amz-Content-Sha256"), "s3", c.region, at)
				if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want || !at.Equal(now) || r.URL.Path != c.path {
					problem = fmt.Sprintf("%s %s at %s: %s\nwant %s", r.Method, r.URL.Path, at, got, want)
				}
				_, _ = w.Write([]byte(list))
			})
			if err := p.Verify(t.Context(), id, secret); err != nil || problem != "" {
				t.Error(err, problem)
			}
		})
	}
}

func TestANewSecretUnderTheSameAccessKeyID(t *testing.T) {
	var signatures []string
	p := newPlane(t, verify.Config{}, func(w http.ResponseWriter, r *http.Request) {
		signatures = append(signatures, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(list))
	})
	for _, of := range []keyservice.Secret{secret, "regenerated", secret} {
		if err := p.Verify(t.Context(), id, of); err != nil {
			t.Fatal(err)
		}
	}
	if signatures[0] == signatures[1] || signatures[0] != signatures[2] {
		t.Errorf("signed %q", signatures)
	}
}

func TestAPairWithoutASecretIsNotSent(t *testing.T) {
	p := newPlane(t, verify.Config{}, answers(403, refusal("AccessDenied", "")))
	if err := p.Verify(t.Context(), id, ""); err == nil || p.asked.Load() > 0 {
		t.Errorf("%v after %d requests", err, p.asked.Load())
	}
}

func TestADataPlaneThatDoesNotAnswerIsLeftAloneForAWhile(t *testing.T) {
	down := true
	p := newPlane(t, verify.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		if down {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(list))
	})
	verifyAt := func(after time.Duration) error {
		at := now.Add(after)
		p.clock.Store(&at)
		return p.Verify(t.Context(), id, secret)
	}
	first := verifyAt(0)
	if first == nil || !strings.Contains(first.Error(), "closed the connection") {
		t.Errorf("%v", first)
	}
	asked := p.asked.Load()
	if err := verifyAt(14 * time.Second); err == nil || err.Error() != first.Error() || p.asked.Load() != asked {
		t.Errorf("%v after %d requests", err, p.asked.Load())
	}
	down = false
	if err := verifyAt(15 * time.Second); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	if err := verifyAt(16 * time.Second); err != nil {
		t.Errorf("and later: %v", err)
	}
}

func TestEndpoints(t *testing.T) {
	for endpoint, good := range map[string]bool{
		"https://s3.example:9000": true, "http://s3.example": true, "https://gateway.example/s3": true, "": false, "s3.example": false, "ftp://s3.example": false,
		"https://user:password@s3.example": false, "https://s3.example?x=y": false, "https://s3.example#x": false, "https://[::1": false,
	} {
		_, err := verify.New(verify.Config{Endpoint: endpoint})
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "password") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}
