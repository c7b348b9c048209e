// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"
	// signedHeaders include the host, so that the signature is valid nowhere else, but not the User-Agent, which proxies rewrite.
	signedHeaders = "host;x-domain-id;x-sdk-date"
)

// signer signs requests (request signing guide, and the vendor's SDK, core/auth/signer).
type signer struct {
	domainID, accessKeyID string
	secret                keyservice.Secret
	now                   func() time.Time
}

// sign puts the account, the date and the signature into the header of a request.
func (s *signer) sign(request *http.Request) {
	sent, _ := request.GetBody() // rest encodes bodies in memory, so that neither this nor reading can fail
	body, _ := io.ReadAll(sent)
	date := s.now().UTC().Format(dateFormat)
	request.Header.Set("X-Domain-Id", s.domainID)
	request.Header.Set("X-Sdk-Date", date)

	headers := "host:" + request.Host + "\nx-domain-id:" + s.domainID + "\nx-sdk-date:" + date + "\n"
	canonical := strings.Join([]string{
		request.Method, canonicalPath(request.URL), canonicalQuery(request.URL), headers, signedHeaders, digest(body),
	}, "\n")
	mac := hmac.New(sha256.New, []byte(s.secret.Reveal()))
	mac.Write([]byte(algorithm + "\n" + date + "\n" + digest([]byte(canonical))))
	request.Header.Set("Authorization", fmt.Sprintf("%s Access=%s, SignedHeaders=%s, Signature=%x",
		algorithm, s.accessKeyID, signedHeaders, mac.Sum(nil)))
}

// canonicalPath ends in a slash, although the path that is sent does not.
func canonicalPath(u *url.URL) string {
	segments := strings.Split(strings.TrimSuffix(u.Path, "/"), "/")
	for i := range segments {
		segments[i] = escape(segments[i])
	}
	return strings.Join(segments, "/") + "/"
}

// canonicalQuery is sorted by name, then value, before they are escaped.
func canonicalQuery(u *url.URL) string {
	var pairs []string
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(pairs, "&")
}

// escape leaves letters, digits and - . _ ~ as they are.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
