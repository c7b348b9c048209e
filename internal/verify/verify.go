// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package verify finds out whether the data plane of a key service accepts a pair: it lists the buckets with the pair, once.
package verify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	// Timeout bounds one request to the data plane.
	Timeout = 10 * time.Second
	// defaultRegion is what a data plane without regions is asked for.
	defaultRegion = "us-east-1"
	// silence is how long a data plane that did not answer is not asked again. Otherwise each of many new pairs would wait for it.
	silence = 15 * time.Second
	// noBody is the SHA-256 of an empty body.
	noBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Config says where the data plane is, and how to reach it.
type Config struct {
	// Endpoint is a URL, such as https://s3.example:9000.
	Endpoint string
	// Region that requests are signed for; empty for a data plane without regions.
	Region string
	// HTTP is from rest.NewHTTPClient.
	HTTP *http.Client
	// Now dates the signatures.
	Now func() time.Time
}

// DataPlane is the S3 endpoint that the keys of a key service open. Safe for concurrent use. It signs with the pair in question
// and reads no credentials from anywhere.
type DataPlane struct {
	base, region string
	http         *http.Client
	now          func() time.Time

	mu sync.Mutex
	// silent is the error of a request without an answer, and quietUntil is until when no other one is sent.
	silent     error
	quietUntil time.Time
}

// New returns the data plane at an endpoint. It sends nothing.
func New(config Config) (*DataPlane, error) {
	endpoint, err := url.Parse(config.Endpoint)
	switch {
	case err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http":
		return nil, errors.New("s3.endpoint cannot be read; it should look like https://s3.example:9000")
	case endpoint.User != nil || endpoint.RawQuery != "" || endpoint.Fragment != "":
		return nil, errors.New("s3.endpoint has a user, a query or a fragment; it should look like https://s3.example:9000")
	}
	return &DataPlane{
		base:   strings.TrimRight(config.Endpoint, "/"),
		region: cmp.Or(config.Region, defaultRegion),
		http:   config.HTTP,
		now:    config.Now,
	}, nil
}

// Verify returns nil if the data plane accepts the pair, whether or not its user may list buckets. The error is of kind Unauthorized if
// the data plane rejects the pair, and of another kind if it is unknown whether it would. The request is sent once.
func (d *DataPlane) Verify(ctx context.Context, accessKeyID string, secret keyservice.Secret) error {
	request := rest.Request{Op: "list buckets", Safe: true, Method: http.MethodGet, Path: "/"}
	if accessKeyID == "" || secret == "" {
		return request.Fail(keyservice.Unavailable, errors.New("there is no pair to sign the request with"))
	}
	if err := d.quiet(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	client := rest.Client{
		Base: d.base, HTTP: d.http, Redact: keyservice.NewRedactor(secret), Explain: explain, Classify: classify,
		Authorize: func(request *http.Request) {
			if err := d.sign(request, accessKeyID, secret); err != nil {
				cancel() // a request without a signature would be answered with AccessDenied
			}
		},
	}
	answer, err := client.Do(ctx, request)
	if refused, ok := rest.Refused(err); ok {
		if refused.Status == http.StatusForbidden && refused.Problem.Code == "AccessDenied" {
			return nil
		}
		return refused.Err
	}
	if err != nil {
		d.keepQuiet(err)
		return err
	}
	if !listsBuckets(answer.Body) {
		return request.Fail(keyservice.Unavailable, errors.New("the answer is not a list of buckets; check that the KeyService's s3.endpoint is an S3 endpoint"))
	}
	return nil
}

// Close closes the connections that carry no request.
func (d *DataPlane) Close() { d.http.CloseIdleConnections() }

func (d *DataPlane) sign(request *http.Request, accessKeyID string, secret keyservice.Secret) error {
	request.Header.Del("Accept") // a proxy may change it, and every header is signed
	request.Header.Set("X-Amz-Content-Sha256", noBody)
	pair := aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secret.Reveal()}
	// A signer remembers what it derived from the secret of an access key ID, and the ID can stay when a key is regenerated (IONOS).
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return signer.SignHTTP(request.Context(), pair, request, noBody, "s3", d.region, d.now())
}

// quiet returns why the data plane is not asked now; nil if it is.
func (d *DataPlane) quiet() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.silent == nil || !d.now().Before(d.quietUntil) {
		return nil
	}
	return d.silent
}

func (d *DataPlane) keepQuiet(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent, d.quietUntil = err, d.now().Add(silence)
}

// listsBuckets reports whether a body is the answer to ListBuckets. Anything could answer 200.
func listsBuckets(body []byte) bool {
	var list struct {
		XMLName xml.Name
	}
	return xml.NewDecoder(bytes.NewReader(body)).Decode(&list) == nil && list.XMLName.Local == "ListAllMyBucketsResult"
}

// explain reads the error of an S3 server.
func explain(body []byte) rest.Problem {
	var said struct {
		XMLName xml.Name
		Code    string
		Message string
	}
	if xml.NewDecoder(bytes.NewReader(body)).Decode(&said) != nil || said.XMLName.Local != "Error" {
		return rest.Problem{}
	}
	return rest.Problem{Code: said.Code, Text: said.Message}
}

// advice says what to do about answers that say nothing about the pair.
var advice = map[string]string{
	"RequestTimeTooSkewed":         "synchronize the clocks of the operator and of the data plane",
	"AuthorizationHeaderMalformed": "check s3.region of the KeyService",
	"PermanentRedirect":            "check s3.endpoint and s3.region of the KeyService",
	"TemporaryRedirect":            "check s3.endpoint and s3.region of the KeyService",
}

// classify tells a rejection of the pair from every other answer.
func classify(refused *rest.Refusal) {
	refused.Err.Kind = keyservice.Unavailable
	switch refused.Problem.Code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		refused.Err.Kind = keyservice.Unauthorized
	default:
		if text, ok := advice[refused.Problem.Code]; ok {
			refused.Advise(text)
		}
	}
}
