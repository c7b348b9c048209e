// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// youth is how long after its issue a key can be missing from what the service lists.
const youth = time.Minute

// withYoung adds the recorded keys that are too young to be missed.
func withYoung(keys, all []keyservice.Key, now time.Time) []keyservice.Key {
	for _, recorded := range all {
		missing := !slices.ContainsFunc(keys, func(key keyservice.Key) bool { return key.ID == recorded.ID })
		if missing && now.Sub(recorded.CreatedAt).Abs() < youth {
			keys = append(keys, recorded)
		}
	}
	return keys
}

// unseen is how long a Secret that was written can be missing from the cache before it is looked for.
const unseen = 5 * time.Second

// trustYoungSecret takes the Secret to be as it was written a moment ago: the status comes into the cache before the Secret
// does, now and then, and a look for what is there costs three calls. A Secret that is gone in truth is missed when it is
// no longer young.
func (p *pass) trustYoungSecret() {
	status := &p.ak.Status
	written := status.IssuedAt.Add(unseen)
	older := p.in.Secret.State == plan.SecretAbsent || p.in.Secret.State == plan.SecretIntact && p.in.Secret.Record.Revision < status.Revision
	if !older || status.KeyID == "" || status.SecretName != p.ak.SecretName() || !p.in.Now.Before(written) {
		return
	}
	p.trustedUntil = written
	p.in.Secret = plan.Secret{State: plan.SecretIntact, UpToDate: true, Record: plan.Record{
		KeyID: status.KeyID, AccessKeyID: status.AccessKeyID, Revision: status.Revision, IssuedAt: status.IssuedAt,
	}}
}
