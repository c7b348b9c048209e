// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The types of this file are what -o json and its like print beside the objects of the API. Programs read them: a field may be added, but
// none changes its name or its meaning. docs/reference/cli.md has their comments.

// accessKeyReport is what status knows about an AccessKey.
type accessKeyReport struct {
	// ready is the status of the condition Ready: True, False or Unknown.
	Ready string `json:"ready"`
	// reason is the reason that says most: what is wrong, or else what is going on.
	Reason string `json:"reason"`
	// stalled: a person must act.
	Stalled bool `json:"stalled"`
	// suspended: spec.suspend is set.
	Suspended bool `json:"suspended"`
	// outdated: the operator has not acted on the last change of the spec yet.
	Outdated bool `json:"outdated"`
	// problems are the conditions that say what is wrong, the most important first.
	Problems []reportedProblem `json:"problems,omitempty"`
	// key is the current key; absent if there is none yet.
	Key *reportedKey `json:"key,omitempty"`
	// secretName is the Secret with the pair. It is not written before there is a key.
	SecretName string `json:"secretName"`
	// user is the owner of the key; absent for the user of the service's credentials.
	User string `json:"user,omitempty"`
	// service is the key service.
	Service reportedService `json:"service"`
	// restart is what remains of a restart of the consumers.
	Restart *reportedRestart `json:"restart,omitempty"`
	// next is what comes next, the soonest first.
	Next []reportedStep `json:"next,omitempty"`
	// previousKeys are the keys in their overlap and in quarantine.
	PreviousKeys []reportedPreviousKey `json:"previousKeys,omitempty"`
	// containers are the running containers of the namespace that use the Secret, the outdated ones first.
	Containers []reportedContainer `json:"containers,omitempty"`
	// events are the last events, the newest first.
	Events []reportedEvent `json:"events,omitempty"`
	// notShown has the parts that you may not read (service, containers, events), and why.
	NotShown map[string]string `json:"notShown,omitempty"`
}

// reportedProblem is a condition that says what is wrong.
type reportedProblem struct {
	// type of the condition.
	Type string `json:"type"`
	// status of the condition.
	Status string `json:"status"`
	// reason of the condition.
	Reason string `json:"reason"`
	// message of the condition.
	Message string `json:"message"`
	// advice is what to do; absent if nothing needs to be done.
	Advice string `json:"advice,omitempty"`
}

// reportedKey is the current key.
type reportedKey struct {
	// accessKeyID is the public half of the pair.
	AccessKeyID string `json:"accessKeyID"`
	// keyID is the name of the key at the service.
	KeyID string `json:"keyID"`
	// revision counts the pairs of the AccessKey.
	Revision int64 `json:"revision"`
	// issuedAt is when the pair was issued.
	IssuedAt metav1.Time `json:"issuedAt,omitzero"`
	// issueReason is why the pair was issued.
	IssueReason string `json:"issueReason,omitempty"`
	// expiresAt is when the pair ends; absent if it does not.
	ExpiresAt metav1.Time `json:"expiresAt,omitzero"`
}

// reportedService is the key service of an AccessKey, as the operator sees it.
type reportedService struct {
	// kind is KeyService or ClusterKeyService.
	Kind string `json:"kind"`
	// name of the KeyService.
	Name string `json:"name"`
	// ready is the status of its condition Ready; absent if it is not shown, or not checked yet.
	Ready string `json:"ready,omitempty"`
	// reason of its condition Ready.
	Reason string `json:"reason,omitempty"`
	// message of its condition Ready.
	Message string `json:"message,omitempty"`
	// since is when its condition Ready changed.
	Since metav1.Time `json:"since,omitzero"`
	// version of the service.
	Version string `json:"version,omitempty"`
	// keysPerUser is how many keys a user can have.
	KeysPerUser int32 `json:"keysPerUser,omitempty"`
	// overlap: an old and a new pair can work side by side.
	Overlap *bool `json:"overlap,omitempty"`
}

// reportedRestart is what remains of a restart of the consumers.
type reportedRestart struct {
	// pending are the workloads that are not restarted yet.
	Pending []string `json:"pending"`
	// message says what is in the way.
	Message string `json:"message,omitempty"`
}

// reportedStep is something that the operator does, or that happens to the AccessKey.
type reportedStep struct {
	// at is when; absent if it waits until a person has acted.
	At metav1.Time `json:"at,omitzero"`
	// action is one word, such as rotate or revoke.
	Action string `json:"action"`
	// detail says it in a sentence.
	Detail string `json:"detail"`
}

// reportedPreviousKey is a key in its overlap or in quarantine.
type reportedPreviousKey struct {
	// accessKeyID is the public half of the pair.
	AccessKeyID string `json:"accessKeyID"`
	// keyID is the name of the key at the service.
	KeyID string `json:"keyID"`
	// state is Active or Disabled.
	State string `json:"state"`
	// issuedAt is when the pair was issued.
	IssuedAt metav1.Time `json:"issuedAt,omitzero"`
	// replaceReason is why the pair was replaced.
	ReplaceReason string `json:"replaceReason,omitempty"`
	// lastUsedAt is when the service last saw the key used; absent if it does not tell.
	LastUsedAt metav1.Time `json:"lastUsedAt,omitzero"`
	// endsAt is when the key is revoked, or deleted after its quarantine.
	EndsAt metav1.Time `json:"endsAt,omitzero"`
}

// reportedContainer is a running container that uses the Secret.
type reportedContainer struct {
	// pod is its Pod.
	Pod string `json:"pod"`
	// container is its name.
	Container string `json:"container"`
	// uses is how it has the pair: environment, subPath or files.
	Uses string `json:"uses"`
	// startedAt is when it started.
	StartedAt metav1.Time `json:"startedAt"`
	// outdated: it has an earlier pair until it is restarted.
	Outdated bool `json:"outdated"`
}

// reportedEvent is an event of the AccessKey.
type reportedEvent struct {
	// at is when it was last seen.
	At metav1.Time `json:"at"`
	// type is Normal or Warning.
	Type string `json:"type"`
	// reason of the event.
	Reason string `json:"reason"`
	// message of the event.
	Message string `json:"message"`
}

// reportedServiceKey is a key at a key service. Its name is the name of the key there.
type reportedServiceKey struct {
	// user is the owner of the key.
	User string `json:"user,omitempty"`
	// accessKeyID is the public half of the pair.
	AccessKeyID string `json:"accessKeyID"`
	// ownership is managed, orphaned, foreign or unknown.
	Ownership string `json:"ownership"`
	// accessKey is the AccessKey that records the key, or for which it was made: NAMESPACE/NAME.
	AccessKey string `json:"accessKey,omitempty"`
	// role of a managed key: current, previous, quarantine or new.
	Role string `json:"role,omitempty"`
	// state of the key at the service: Active, Disabled or Deleting.
	State string `json:"state"`
	// createdAt is when the key was created.
	CreatedAt metav1.Time `json:"createdAt,omitzero"`
	// expiresAt is when the service ends the key.
	ExpiresAt metav1.Time `json:"expiresAt,omitzero"`
	// lastUsedAt is when the service last saw the key used.
	LastUsedAt metav1.Time `json:"lastUsedAt,omitzero"`
	// detail says what led to the ownership.
	Detail string `json:"detail,omitempty"`
}

// reportedCheck is a line of check. Its name is what was checked.
type reportedCheck struct {
	// result is ok, warning, failed or skipped.
	Result string `json:"result"`
	// message says what was found, and what to do.
	Message string `json:"message"`
}
