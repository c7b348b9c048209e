// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Types of conditions.
const (
	// ConditionReady of an AccessKey: the Secret holds a pair that the service lists as valid. A service that is down
	// does not change it. Unknown until the first key. Of a KeyService: it answers and accepts the credentials.
	ConditionReady = "Ready"
	// ConditionSynced: the last contact with the service worked.
	ConditionSynced = "Synced"
	// ConditionReconciling, present only while true: the operator is at work and needs nobody.
	ConditionReconciling = "Reconciling"
	// ConditionStalled, present only while true: a person is needed; the message says for what.
	ConditionStalled = "Stalled"
)

// Reasons of Ready.
const (
	// ReasonIssued (True): the Secret holds the current pair.
	ReasonIssued = "Issued"
	// ReasonPending (Unknown): no key has been issued yet.
	ReasonPending = "Pending"
	// ReasonSecretMissing (False): the Secret was deleted; a new pair is on its way.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretEdited (False): the Secret no longer holds what was published; a new pair is on its way.
	ReasonSecretEdited = "SecretEdited"
	// ReasonKeyMissing (False): the published key is gone from the service; a new pair is on its way.
	ReasonKeyMissing = "KeyMissing"
	// ReasonDeleting (False): the AccessKey is being deleted.
	ReasonDeleting = "Deleting"
)

// Reasons of Synced, and of a KeyService's Ready where it failed.
const (
	// ReasonServiceReachable (True): the service answered.
	ReasonServiceReachable = "ServiceReachable"
	// ReasonUnavailable (False): the service did not answer, or not in a way that can be read. Retried.
	ReasonUnavailable = "Unavailable"
	// ReasonThrottled (False): the service asked to come back later. Retried then.
	ReasonThrottled = "Throttled"
	// ReasonAmbiguous (False): the answer to a create was lost; the next passes find out what became of it.
	ReasonAmbiguous = "Ambiguous"
	// ReasonUnauthorized (False; Stalled if something is to be done): the service refused the credentials. Mend them, or
	// their rights.
	ReasonUnauthorized = "Unauthorized"
	// ReasonSuspended (Unknown): spec.suspend is set, so the service is not asked.
	ReasonSuspended = "Suspended"
)

// Reasons of Reconciling.
const (
	// ReasonIssuing: the first pair is being made.
	ReasonIssuing = "Issuing"
	// ReasonRotating: the pair is being replaced because its renewalTime has come.
	ReasonRotating = "Rotating"
	// ReasonRenewing: the pair is being replaced because of the annotation accesskey.dev/renew.
	ReasonRenewing = "Renewing"
	// ReasonRestoring: the pair is being replaced because the Secret or the key was lost.
	ReasonRestoring = "Restoring"
	// ReasonSettling: it is being found out what became of a create whose answer was lost.
	ReasonSettling = "Settling"
	// ReasonRevoking: keys are being revoked.
	ReasonRevoking = "Revoking"
	// ReasonRetrying: the last try failed; status.failures says when the next one is.
	ReasonRetrying = "Retrying"
	// ReasonWaiting: something else has to finish first; the message says what.
	ReasonWaiting = "Waiting"
)

// Reasons of Stalled: a person is needed.
const (
	// ReasonSecretConflict: the Secret exists and is not this AccessKey's. Delete it, or choose another secretName.
	ReasonSecretConflict = "SecretConflict"
	// ReasonSecretRefused: the API server does not accept the Secret; the message has its words. The key that was made for
	// it is revoked again.
	ReasonSecretRefused = "SecretRefused"
	// ReasonProofKeyChanged: the key that signed the status is not the operator's. Restore the Secret that holds it, or start
	// the manager once with --trust-unproven.
	ReasonProofKeyChanged = "ProofKeyChanged"
	// ReasonQuotaExceeded: other keys fill the user's quota. Delete one of them at the service.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonAmbiguousKeys: after a lost answer more than one key could be ours. Delete the orphan at the service.
	ReasonAmbiguousKeys = "AmbiguousKeys"
	// ReasonKeyNotOurs: a key in status cannot be one that this AccessKey made, so it is not revoked.
	ReasonKeyNotOurs = "KeyNotOurs"
	// ReasonOverlapUnsupported: rotation.strategy is Overlap, but the service holds one key per user. Use Auto or Replace.
	ReasonOverlapUnsupported = "OverlapUnsupported"
	// ReasonUserExists: the service's user holds a key that somebody else made. Choose another user.
	ReasonUserExists = "UserExists"
	// ReasonSVMNotFound: the ONTAP cluster has no such SVM, or the account does not see it.
	ReasonSVMNotFound = "SVMNotFound"
	// ReasonVersionUnsupported: the ONTAP cluster is older than 9.14.1.
	ReasonVersionUnsupported = "VersionUnsupported"
	// ReasonTTLUnsupported: ttl is longer than the service allows.
	ReasonTTLUnsupported = "TTLUnsupported"
	// ReasonNotGranted: the ClusterKeyService grants this namespace no key of this user.
	ReasonNotGranted = "NotGranted"
	// ReasonUserNotFound: the service knows no such user.
	ReasonUserNotFound = "UserNotFound"
	// ReasonInvalid: the service does not accept the request; the message has its words.
	ReasonInvalid = "Invalid"
	// ReasonKeyServiceNotFound: serviceRef names nothing.
	ReasonKeyServiceNotFound = "KeyServiceNotFound"
	// ReasonClusterKeyServicesNotServed: serviceRef names a ClusterKeyService, and the operator works in some namespaces only.
	ReasonClusterKeyServicesNotServed = "ClusterKeyServicesNotServed"
	// ReasonKeyServiceDeleting: the KeyService is being deleted, so it makes no more keys.
	ReasonKeyServiceDeleting = "KeyServiceDeleting"
	// ReasonKeyServiceInvalid: the KeyService's spec cannot be used; the message says what to change.
	ReasonKeyServiceInvalid = "KeyServiceInvalid"
	// ReasonCredentialsNotFound: a Secret of the KeyService, or a key in it, is missing.
	ReasonCredentialsNotFound = "CredentialsNotFound"
)

// Reasons of events that are not reasons of conditions.
const (
	// EventIssued: the first pair was published.
	EventIssued = "Issued"
	// EventReplacesInPlace (Warning, with the first pair): rotations will have no overlap; the message says why.
	EventReplacesInPlace = "ReplacesInPlace"
	// EventRotated: a new pair was published; the message says why, and until when the old one works.
	EventRotated = "Rotated"
	// EventRevoked: a key was revoked.
	EventRevoked = "Revoked"
	// EventAdopted: a published pair was found again and recorded.
	EventAdopted = "Adopted"
	// EventSecretUpdated: the Secret's labels, annotations or endpoint were brought up to date; the pair is the same.
	EventSecretUpdated = "SecretUpdated"
	// EventStatusRejected (Warning): somebody else wrote the status, so what it recorded is not trusted.
	EventStatusRejected = "StatusRejected"
	// EventRetained: the AccessKey is gone; its keys stay at the service.
	EventRetained = "Retained"
)
