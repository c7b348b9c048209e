// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Pair is an access key ID and its secret.
type Pair struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
}

// Client is a client of one endpoint. It signs each request with the pair of the call.
type Client struct {
	endpoint string
	http     *http.Client
}

// NewClient returns a client that trusts the CA certificate, which is in PEM format.
func NewClient(endpoint string, ca []byte) (*Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the CA of the S3 server is not a PEM certificate")
	}
	return newClient(endpoint, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}), nil
}

// NewInsecureClient returns a client that accepts every certificate.
func NewInsecureClient(endpoint string) *Client {
	return newClient(endpoint, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
}

func newClient(endpoint string, config *tls.Config) *Client {
	return &Client{endpoint: endpoint, http: &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 10 * time.Second}}
}

// List returns the names of the objects in Bucket.
func (c *Client) List(ctx context.Context, pair Pair) ([]string, error) {
	var listed struct {
		Contents []struct{ Key string }
	}
	if err := c.do(ctx, call{service: "s3", method: http.MethodGet, path: Bucket + "?list-type=2"}, pair, &listed); err != nil {
		return nil, err
	}
	var names []string
	for _, object := range listed.Contents {
		names = append(names, object.Key)
	}
	return names, nil
}

// Create creates Bucket with Object.
func (c *Client) Create(ctx context.Context, pair Pair) error {
	for _, path := range []string{Bucket, Bucket + "/" + Object} {
		if err := c.do(ctx, call{service: "s3", method: http.MethodPut, path: path}, pair, nil); err != nil {
			return err
		}
	}
	return nil
}

// Error is an error that a server answered.
type Error struct {
	Code    string
	Message string
}

// Error implements error.
func (e *Error) Error() string { return "the server answered " + e.Code + ": " + e.Message }

// Code returns the code of an error that a server answered, or an empty string.
func Code(err error) string {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// Refused returns the code if err says that the S3 server does not accept the pair, such as InvalidAccessKeyId, or an empty
// string.
func Refused(err error) string {
	if code := Code(err); code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" {
		return code
	}
	return ""
}

// call is a request for one of the services that sign in the same way.
type call struct {
	service string // s3 or iam
	method  string
	path    string // without the first slash
	form    string // the encoded body, which may be empty
}

// do sends a call that is signed with the pair, and decodes the answer into into, which may be nil.
func (c *Client) do(ctx context.Context, call call, pair Pair, into any) (err error) {
	request, err := http.NewRequestWithContext(ctx, call.method, c.endpoint+"/"+call.path, strings.NewReader(call.form))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(call.form))
	hash := hex.EncodeToString(sum[:])
	request.Header.Set("X-Amz-Content-Sha256", hash)
	if call.form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	credentials := aws.Credentials{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey}
	if err := signer.NewSigner().SignHTTP(ctx, credentials, request, hash, call.service, Region, time.Now()); err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		refusal := &Error{Code: response.Status}
		_ = xml.Unmarshal(body, refusal)                          // an answer of another kind has only the status
		_ = xml.Unmarshal(body, &struct{ Error *Error }{refusal}) // the IAM API has an element around it
		return refusal
	}
	if into == nil {
		return nil
	}
	if err := xml.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer to %s /%s %s: %w", call.method, call.path, call.form, err)
	}
	return nil
}
