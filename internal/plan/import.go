// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
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

// importPair starts an AccessKey with an existing pair. Anyone who can write an AccessKey can name any Secret of the namespace, so the
// pair must be one that the service lists for the user. Unless the credentials of the service are in the same namespace, it must also
// open the data plane.
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
	if problem == "" && in.importProbeDue() {
		return Action{Verb: VerifyImport, Reason: v1alpha1.ReasonIssuing, KeyID: key.ID}, true
	}
	switch problem = cmp.Or(problem, in.importUnproven()); {
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
	case !in.Service.Namespaced && in.Service.DataPlane == "":
		return Key{}, "spec.importFrom needs a KeyService of this namespace, or a ClusterKeyService with s3: it also covers keys of other namespaces, so the pair has to open the data plane"
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

// importProbeDue reports whether the data plane has to be asked about the pair before it is imported.
func (in Input) importProbeDue() bool {
	return in.Service.DataPlane != "" && !in.Now.Before(in.probedAt(in.Import.AccessKeyID).Add(importDelay))
}

// importUnproven returns why the pair is not imported after the data plane was asked; empty if it is. A pair that the data plane
// could not be asked about is imported from a KeyService of the namespace, and verified later.
func (in Input) importUnproven() string {
	id, plane := ShortID(in.Import.AccessKeyID), in.Service.DataPlane
	switch {
	case plane == "":
		return ""
	case in.Probe.Result == v1alpha1.VerificationRejected:
		return fmt.Sprintf("the data plane %s rejects access key %s with the secret access key in Secret %s (%s)", plane, id, in.AccessKey.Spec.ImportFrom.SecretName, in.Probe.Message)
	case in.Probe.Result == v1alpha1.VerificationUnknown && !in.Service.Namespaced:
		return fmt.Sprintf("the data plane %s could not be asked about access key %s (%s)", plane, id, in.Probe.Message)
	default:
		return ""
	}
}
