// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
	// More than fiveFailures consecutive failures lock a key for lockTime (gateway FAQ, "Incorrect IAM authentication information").
	fiveFailures = 5
	lockTime     = 5 * time.Minute
)

// authorization matches the only form of the header that the vendor's clients send.
var authorization = regexp.MustCompile(`^` + algorithm + ` Access=([^,\s]+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// lock counts the consecutive invalid signatures of a key.
type lock struct {
	failures int
	until    time.Time
}

// failed counts an invalid signature.
func (s *Simulator) failed(accessKeyID string) {
	l := s.locks[accessKeyID]
	if l.failures++; l.failures > fiveFailures {
		l = lock{until: s.Now().Add(lockTime)}
	}
	s.locks[accessKeyID] = l
}

func unauthorized(format string, args ...any) *apiError {
	return &apiError{
		http.StatusUnauthorized, gatewayUnauthorized, "Incorrect IAM authentication information: " + fmt.Sprintf(format, args...),
	}
}

// admit authenticates a request and returns the ID of its user. The caller holds s.mu.
func (s *Simulator) admit(r *http.Request) (userID string, refused *apiError) {
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		return "", unauthorized("decrypt token fail")
	}
	accessKeyID, signed, signature := parts[1], strings.Split(parts[2], ";"), parts[3]
	pair, exists := s.pair(accessKeyID)
	switch {
	case !exists:
		return "", unauthorized("Get secretKey failed,ak:%s,err:ak not exist", accessKeyID)
	case s.inactive[accessKeyID]:
		return "", unauthorized("Get secretKey failed,ak:%s,err:ak is inactive", accessKeyID)
	case s.Now().Before(s.locks[accessKeyID].until):
		return "", unauthorized("AK access failed to reach the limit,forbidden.")
	}
	if refused := s.checkDate(r, accessKeyID, signed); refused != nil {
		return "", refused
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", &apiError{http.StatusBadRequest, invalidParameter, "the body is cut short"}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if want := sign(s.secrets[accessKeyID], r, signed, body); !hmac.Equal([]byte(signature), []byte(want)) {
		s.failed(accessKeyID)
		return "", unauthorized("verify aksk signature fail")
	}
	delete(s.locks, accessKeyID)
	return pair.Owner, s.admitDomain(r)
}

// checkDate checks that X-Sdk-Date is signed and close to the time of the gateway.
func (s *Simulator) checkDate(r *http.Request, accessKeyID string, signed []string) *apiError {
	date, err := time.Parse(dateFormat, r.Header.Get("X-Sdk-Date"))
	if err != nil || !slices.Contains(signed, "x-sdk-date") || !slices.IsSorted(signed) {
		s.failed(accessKeyID)
		return unauthorized("verify aksk signature fail")
	}
	if s.Now().Sub(date).Abs() <= s.options.Skew {
		return nil
	}
	if !s.options.SkewUncounted {
		s.failed(accessKeyID)
	}
	refused := unauthorized("calc ak sk signature fail:signature expired, signature time:%s, server time:%s",
		date.Format(dateFormat), s.Now().UTC().Format(dateFormat))
	refused.code = s.options.SkewCode
	return refused
}

// admitDomain checks X-Domain-Id. IAM is a global service, so each request names its account.
func (s *Simulator) admitDomain(r *http.Request) *apiError {
	domainID := r.Header.Get("X-Domain-Id")
	if domainID == s.options.DomainID || (domainID == "" && s.options.DomainIDOptional) {
		return nil
	}
	return unauthorized("the domain ID does not match")
}

// throttle limits the requests per second. The caller holds s.mu.
func (s *Simulator) throttle() *apiError {
	if !s.rate.Exceeds(s.options.RateLimit, s.Now()) {
		return nil
	}
	return &apiError{http.StatusTooManyRequests, gatewayThrottled, fmt.Sprintf(
		"The throttling threshold has been reached: policy user over ratelimit,limit:%d,time:1 second", s.options.RateLimit)}
}

// sign returns the signature of a request over these headers (signing guide and the vendor's SDK).
func sign(secret string, r *http.Request, signed []string, body []byte) string {
	payload := r.Header.Get("X-Sdk-Content-Sha256")
	if payload == "" {
		payload = digest(body)
	}
	headers := ""
	for _, name := range signed {
		values := slices.Clone(r.Header.Values(name))
		if name == "host" {
			values = []string{r.Host}
		}
		slices.Sort(values)
		for _, value := range values {
			headers += name + ":" + strings.TrimSpace(value) + "\n"
		}
	}
	request := strings.Join([]string{
		r.Method, canonicalPath(r.URL), canonicalQuery(r.URL), headers, strings.Join(signed, ";"), payload,
	}, "\n")
	text := strings.Join([]string{algorithm, r.Header.Get("X-Sdk-Date"), digest([]byte(request))}, "\n")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// canonicalPath returns the path to sign. It ends with a slash, even if the path of the request does not.
func canonicalPath(u *url.URL) string {
	path := ""
	for segment := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		plain, _ := url.PathUnescape(segment) // never fails for an escaped path
		path += "/" + encode(plain)
	}
	return path + "/"
}

func canonicalQuery(u *url.URL) string {
	query := u.Query()
	for _, values := range query {
		slices.Sort(values)
	}
	return strings.ReplaceAll(query.Encode(), "+", "%20")
}

// encode percent-encodes everything except letters, digits and - . _ ~
func encode(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
