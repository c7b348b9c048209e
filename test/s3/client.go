// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Pair is an access key ID and its secret.
type Pair struct{ AccessKeyID, SecretAccessKey string }

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
	if err := c.do(ctx, http.MethodGet, Bucket+"?list-type=2", pair, &listed); err != nil {
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
	if err := c.do(ctx, http.MethodPut, Bucket, pair, nil); err != nil {
		return err
	}
	return c.do(ctx, http.MethodPut, Bucket+"/"+Object, pair, nil)
}

// Error is an error that the S3 server answered.
type Error struct {
	Code    string
	Message string
}

// Error implements error.
func (e *Error) Error() string { return "the S3 server answered " + e.Code + ": " + e.Message }

// Refused returns the code if err says that the S3 server does not accept the pair, such as InvalidAccessKeyId, or an empty
// string.
func Refused(err error) string {
	var refusal *Error
	if errors.As(err, &refusal) && (refusal.Code == "InvalidAccessKeyId" || refusal.Code == "SignatureDoesNotMatch") {
		return refusal.Code
	}
	return ""
}

// do sends a signed request without a body and decodes the answer into into, which may be nil.
func (c *Client) do(ctx context.Context, method, path string, pair Pair, into any) (err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.endpoint+"/"+path, http.NoBody)
	if err != nil {
		return err
	}
	empty := sha256.Sum256(nil)
	hash := hex.EncodeToString(empty[:])
	request.Header.Set("X-Amz-Content-Sha256", hash)
	credentials := aws.Credentials{AccessKeyID: pair.AccessKeyID, SecretAccessKey: pair.SecretAccessKey}
	if err := signer.NewSigner().SignHTTP(ctx, credentials, request, hash, "s3", Region, time.Now()); err != nil {
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
		_ = xml.Unmarshal(body, refusal) // an answer of another kind has only the status
		return refusal
	}
	if into == nil {
		return nil
	}
	if err := xml.NewDecoder(bytes.NewReader(body)).Decode(into); err != nil {
		return fmt.Errorf("the answer of the S3 server to %s %s: %w", method, path, err)
	}
	return nil
}
