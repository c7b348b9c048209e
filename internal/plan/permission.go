// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// Permitted reports whether the KeyService lets this AccessKey have a new key.
func (in Input) Permitted() bool {
	_, denied := in.denial()
	return !denied
}

// denial stalls an AccessKey that may not have a new key. The key that it has stays: consumers may use it.
func (in Input) denial() (Action, bool) {
	spec := &in.AccessKey.Spec
	service := spec.ServiceRef.Kind + " " + spec.ServiceRef.Name
	var reason, detail, since string
	switch {
	case in.UserForbidden:
		reason, since = v1alpha1.ReasonUserNotAllowed, "before that"
		detail = fmt.Sprintf("allowedUsers of %s does not cover user %q; create an AccessKey for another user, or ask the owner of the %s to add this one", service, spec.User, spec.ServiceRef.Kind)
	case !in.Granted:
		reason, since = v1alpha1.ReasonNotGranted, "under a former grant"
		detail = fmt.Sprintf("%s does not grant keys of user %q to namespace %s; ask its owner for a grant", service, spec.User, in.AccessKey.Namespace)
	case in.MaxTTL > 0 && (spec.TTL == nil || spec.TTL.Duration > in.MaxTTL):
		reason, since = v1alpha1.ReasonTTLNotGranted, "before that"
		detail = fmt.Sprintf("%s grants keys of user %q to namespace %s with a ttl of at most %s, and this AccessKey has %s; set ttl to %s or less",
			service, spec.User, in.AccessKey.Namespace, ShortDuration(in.MaxTTL), ttlInWords(spec), ShortDuration(in.MaxTTL))
	default:
		return none()
	}
	if in.AccessKey.Status.KeyID != "" {
		detail += fmt.Sprintf(" (access key %s was issued %s; it keeps working but is not rotated)", ShortID(in.AccessKey.Status.AccessKeyID), since)
	}
	return Action{Verb: Stall, Reason: reason, Detail: detail}, true
}

func ttlInWords(spec *v1alpha1.AccessKeySpec) string {
	if spec.TTL == nil {
		return "none"
	}
	return ShortDuration(spec.TTL.Duration)
}

// ShortDuration writes a duration as a person would in a manifest: 720h, not 720h0m0s.
func ShortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
