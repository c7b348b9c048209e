// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dataplane is an S3 endpoint that only lists buckets, for tests that decide when it accepts a pair. It checks signatures.
package dataplane

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"accesskey.dev/operator/test/simulator"
)

// Service is a key service whose pairs the data plane accepts.
type Service interface {
	History() []simulator.Pair
	Valid(accessKeyID, secret string) bool
	Working(valid func(accessKeyID, secret string) bool) map[string]string
}

// Plane is the endpoint. It accepts the pairs of its services that work, unless a test changes that. Safe for concurrent use.
type Plane struct {
	// Now is the time by which pairs are as old as they are.
	Now func() time.Time
	// Services returns the key services.
	Services func() []Service

	mu    sync.Mutex
	lag   time.Duration
	down  bool
	asked []string
	// meanwhile runs before the next answer; nil if nothing does.
	meanwhile func()
}

// AcceptAfter sets how old a pair must be to be accepted.
func (p *Plane) AcceptAfter(lag time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag = lag
}

// Break lets every request fail, or none.
func (p *Plane) Break(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Meanwhile runs something once, before the next answer.
func (p *Plane) Meanwhile(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meanwhile = do
}

// Asked returns the access key IDs of the requests since it was called last.
func (p *Plane) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/s3/aws4_request, `)

// ServeHTTP implements http.Handler.
func (p *Plane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signed := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil {
		refuse(w, http.StatusForbidden, "AccessDenied")
		return
	}
	p.mu.Lock()
	down, meanwhile := p.down, p.meanwhile
	p.meanwhile = nil
	p.asked = append(p.asked, signed[1])
	p.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	switch {
	case down:
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable")
	case !p.signed(r, signed[1], signed[2]):
		refuse(w, http.StatusForbidden, "InvalidAccessKeyId")
	default:
		_, _ = w.Write([]byte(`<?xml version="1.0"?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>`))
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>The request was refused.</Message></Error>`, code)
}

// Accepts reports whether the data plane accepts a pair.
func (p *Plane) Accepts(id, secret string) bool {
	p.mu.Lock()
	lag := p.lag
	p.mu.Unlock()
	return slices.ContainsFunc(p.Services(), func(service Service) bool {
		return service.Valid(id, secret) && slices.ContainsFunc(service.History(), func(pair simulator.Pair) bool {
			return pair.AccessKeyID == id && pair.Live() && p.Now().Sub(pair.CreatedAt) >= lag
		})
	})
}

// signed reports whether the data plane accepts the pair with which a request is signed.
func (p *Plane) signed(r *http.Request, id, region string) bool {
	return slices.ContainsFunc(p.Services(), func(service Service) bool {
		secret := service.Working(p.Accepts)[id]
		return secret != "" && signature(r, id, secret, region) == r.Header.Get("Authorization")
	})
}

// signature returns the Authorization of a request that is signed with a pair.
func signature(r *http.Request, id, secret, region string) string {
	again, err := http.NewRequestWithContext(context.Background(), r.Method, "https://"+r.Host+r.URL.Path, http.NoBody)
	at, badTime := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || badTime != nil {
		return ""
	}
	const hash = "X-Amz-Content-Sha256"
	again.Header.Set(hash, r.Header.Get(hash))
	pair := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	_ = v4.NewSigner().SignHTTP(again.Context(), pair, again, r.Header.Get(hash), "s3", region, at) // without a signature, nothing matches
	return again.Header.Get("Authorization")
}
