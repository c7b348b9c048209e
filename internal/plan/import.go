// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// importDelay is when to check again whether a pair can be imported. Nothing tells when a person has corrected its Secret.
const importDelay = time.Minute

// Import is what the Secret holds that spec.importFrom names. It contains no secret material.
type Import struct {
	// Problem is why the Secret cannot be used, in words; empty if it can.
	Problem string
	// AccessKeyID of the pair.
	AccessKeyID string
	// TakesOver reports whether it is the wanted Secret itself, which nobody else controls.
	TakesOver bool
}

// Imports reports whether the AccessKey starts with the pair that spec.importFrom names.
func (in Input) Imports() bool {
	return in.AccessKey.Spec.ImportFrom != nil && in.recordsNothing() && !in.deleting()
}

// importPair starts an AccessKey with an existing pair. Whoever can write an AccessKey can name any Secret of the namespace, so the
// pair must be one that the service lists for the user, and the credentials of the service must be in the same namespace.
func importPair(in Input) (Action, bool) {
	if !in.Imports() {
		return none()
	}
	for _, condition := range []func(Input, string) (Action, bool){permitted, renderable, finalizers, alone, readLive} {
		if action, ok := condition(in, v1alpha1.ReasonIssuing); ok {
			return action, true
		}
	}
	key, problem := in.importable()
	switch {
	case problem != "":
		return Action{
			Verb: Stall, Reason: v1alpha1.ReasonImportFailed, Until: in.Now.Add(importDelay),
			Detail: problem + "; correct that, or remove spec.importFrom to get a new pair",
		}, true
	case !in.Import.TakesOver && in.secretIsForeign(in.Secret):
		return none() // the next rules report it
	default:
		return Action{Verb: ImportPair, Reason: v1alpha1.ReasonIssuing, KeyID: key.ID}, true
	}
}

// ImportedKey returns the key of the pair that is imported.
func (in Input) ImportedKey() keyservice.Key {
	key, _ := in.importable()
	return key.Key
}

// importable returns the key of the pair that is imported, or why it cannot be imported.
func (in Input) importable() (key Key, problem string) {
	id := ShortID(in.Import.AccessKeyID)
	listed := slices.IndexFunc(in.Keys, func(key Key) bool { return key.AccessKeyID == in.Import.AccessKeyID })
	switch {
	case !in.Service.Namespaced:
		return Key{}, "spec.importFrom needs a KeyService of this namespace, because a ClusterKeyService also covers keys of other namespaces"
	case in.Import.Problem != "":
		return Key{}, in.Import.Problem
	case listed < 0:
		return Key{}, fmt.Sprintf("Secret %s holds access key %s, and the service lists no such key for user %q", in.AccessKey.Spec.ImportFrom.SecretName, id, in.AccessKey.Spec.User)
	}
	key = in.Keys[listed]
	switch {
	case key.Claimed:
		return Key{}, fmt.Sprintf("another AccessKey records access key %s", id)
	case key.State != "" && key.State != keyservice.Active:
		return Key{}, fmt.Sprintf("the service lists access key %s as %s", id, key.State)
	case !in.works(key.ID):
		return Key{}, fmt.Sprintf("the service ended access key %s at %s", id, rfc3339(key.ExpiresAt))
	default:
		return key, ""
	}
}
