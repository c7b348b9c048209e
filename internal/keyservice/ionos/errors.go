// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"errors"
	"net/http"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// privilege is what a user needs for keys of their own. The older Cloud API names it in a 422 instead of a 403
// (ionos-cloud/terraform-provider-ionoscloud, docs/resources/s3_key.md).
const privilege = "ACCESS_S3_OBJECT_STORAGE"

var errNotIONOS = errors.New("the answer is not that of the IONOS Object Storage Management API; check the KeyService's URL")

func unprivileged(refused *rest.Refusal) bool {
	return strings.Contains(refused.Problem.Text, privilege)
}

// explained reports that the service gave its reason in its own form, so that it was not some other server.
func explained(refused *rest.Refusal) bool { return refused.Problem != (rest.Problem{}) }

// decided reports that the service refused the request because of the request itself or of the state of the keys. This
// includes 403, which could be the answer to a sixth key.
func decided(refused *rest.Refusal) bool {
	if refused.Status == http.StatusNotFound || unprivileged(refused) || refused.Throttled() {
		return false
	}
	return refused.Decided() || refused.Status == http.StatusForbidden
}

// classify sets the kind, and adds the advice, that the status allows.
func classify(refused *rest.Refusal) {
	switch {
	case refused.Throttled():
	case refused.Status < 400, refused.Status == http.StatusNotFound && !explained(refused): // a proxy, or another server
		refused.Err.Kind = keyservice.Unavailable
		refused.Advise("check that the KeyService's URL is that of the management API, " + defaultURL)
	case refused.Status == http.StatusNotFound:
		// NotFound is for users. A key that was just made is not found for a while, so another try may succeed.
		refused.Err.Kind = keyservice.Unavailable
	case refused.Status == http.StatusUnauthorized:
		refused.Advise("the token is wrong or has ended: put a new one into its Secret")
	case unprivileged(refused), refused.Status == http.StatusForbidden:
		refused.Err.Kind = keyservice.Unauthorized
		refused.Advise("add the token's user to a group with the privilege to use the Object Storage (" + privilege + ")")
	}
}
