// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Types of conditions.
const (
	// ConditionReady of an AccessKey is true while the Secret holds a pair that the service lists as valid. An outage of the
	// service does not change it, unless the service ends the pair meanwhile. It is unknown until the first pair is published.
	// Of a KeyService, it is true while the service answers and accepts the credentials.
	ConditionReady = "Ready"
	// ConditionSynced is true if the service answered the last request. Stalled reports what the service refused.
	ConditionSynced = "Synced"
	// ConditionVerified reports whether the data plane accepts the pair in the Secret, or while there is none yet, the pair that waits.
	// It is present only if the KeyService has s3, or if spec.verification asks for it in vain. It does not change Ready.
	ConditionVerified = "Verified"
	// ConditionReconciling is present only while it is true: the operator is working towards the spec.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present only while it is true: a person must act. The message says how.
	ConditionStalled = "Stalled"
)

// Reasons of Ready.
const (
	// ReasonIssued (True): the Secret holds the current pair.
	ReasonIssued = "Issued"
	// ReasonPending (Unknown): no pair has been issued yet.
	ReasonPending = "Pending"
	// ReasonReplacing (False, or Unknown while a response is lost): the pair is being replaced in place. The old pair no longer
	// works, and the new one is not published yet.
	ReasonReplacing = "Replacing"
	// ReasonSecretMissing (False): the Secret was deleted. The operator issues a new pair.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretEdited (False): the Secret no longer holds the published pair. The operator issues a new pair.
	ReasonSecretEdited = "SecretEdited"
	// ReasonKeyMissing (False): the service no longer lists the published key as one that works. The operator issues a new pair.
	ReasonKeyMissing = "KeyMissing"
	// ReasonExpired (False): the service has ended the pair, and no new pair could be issued in time. The operator issues one as
	// soon as it can: see Stalled and Synced, and spec.suspend.
	ReasonExpired = "Expired"
	// ReasonDeleting (False): the AccessKey is being deleted.
	ReasonDeleting = "Deleting"
)

// Reasons of Synced, and of a KeyService's Ready while it is false.
const (
	// ReasonServiceReachable (True): the service answered.
	ReasonServiceReachable = "ServiceReachable"
	// ReasonUnavailable (False): the service did not answer, its answer cannot be read, or it could not create a key that it had
	// accepted. The operator retries.
	ReasonUnavailable = "Unavailable"
	// ReasonThrottled (False): the service asked the operator to slow down. The operator sends fewer requests and retries.
	ReasonThrottled = "Throttled"
	// ReasonAmbiguous (False): the response to a request was lost. The operator settles the operation.
	ReasonAmbiguous = "Ambiguous"
	// ReasonUnauthorized (False, also of Stalled): the service refused the operator's credentials. Correct the credentials, or
	// the permissions of their account.
	ReasonUnauthorized = "Unauthorized"
	// ReasonCredentialsDeleting (False, only of a KeyService): a Secret of the KeyService is being deleted while AccessKeys need
	// it. The message says what keeps it, and what to do.
	ReasonCredentialsDeleting = "CredentialsDeleting"
	// ReasonFinalizerRefused (False, only of a KeyService): the API server does not accept the in-use finalizer of the KeyService
	// or of one of its Secrets; the message has its words. No new keys are created until it does.
	ReasonFinalizerRefused = "FinalizerRefused"
	// ReasonSuspended (Unknown): spec.suspend is set, so the keys are only listed when something has to be settled or revoked.
	ReasonSuspended = "Suspended"
)

// Reasons of Verified.
const (
	// ReasonAccepted (True): the pair opened the data plane.
	ReasonAccepted = "Accepted"
	// ReasonRejected (False): the data plane does not know the pair, or not yet; the message has its words. The operator asks again.
	ReasonRejected = "Rejected"
	// ReasonDataPlaneUnavailable (Unknown): the data plane could not be asked, or gave no answer about the pair. The operator asks
	// again.
	ReasonDataPlaneUnavailable = "DataPlaneUnavailable"
	// ReasonNotVerified (Unknown): the data plane was not asked about the pair yet.
	ReasonNotVerified = "NotVerified"
	// ReasonNoDataPlane (Unknown): spec.verification is set, but the KeyService has no s3. Set it, or remove spec.verification.
	ReasonNoDataPlane = "NoDataPlane"
)

// Reasons of Reconciling.
const (
	// ReasonIssuing: the first pair is being issued.
	ReasonIssuing = "Issuing"
	// ReasonRotating: the pair is being rotated because its renewalTime has come.
	ReasonRotating = "Rotating"
	// ReasonRenewing: the pair is being rotated because the annotation accesskey.dev/renew requested it.
	ReasonRenewing = "Renewing"
	// ReasonCompromised: the pair is being rotated because spec.compromisedKeyIDs names it.
	ReasonCompromised = "Compromised"
	// ReasonRenaming: the pair is being published in the Secret with a new spec.secretName.
	ReasonRenaming = "Renaming"
	// ReasonRestoring: the pair is being rotated because the Secret or the key was lost.
	ReasonRestoring = "Restoring"
	// ReasonSettling: the operator is finding out whether a request was carried out whose response was lost.
	ReasonSettling = "Settling"
	// ReasonRevoking: keys are being revoked.
	ReasonRevoking = "Revoking"
	// ReasonRetrying: the last attempt failed; status.failures says when the next one is.
	ReasonRetrying = "Retrying"
	// ReasonWaiting: something else has to finish first; the message says what.
	ReasonWaiting = "Waiting"
)

// Reasons of Stalled: a person must act.
const (
	// ReasonSecretConflict: the Secret exists and belongs to somebody else. Delete it, or choose another secretName.
	ReasonSecretConflict = "SecretConflict"
	// ReasonSecretRefused: the API server rejects the Secret, or changes the pair in it; the message has its words. No key was
	// created or revoked for it.
	ReasonSecretRefused = "SecretRefused"
	// ReasonSecretContested: another writer keeps changing the Secret. The message names its field manager. Stop it.
	ReasonSecretContested = "SecretContested"
	// ReasonInvalidTemplate: the Secret cannot be rendered from secretTemplate; the message names the data key and the line. The
	// published pair stays, and no key is created. Correct secretTemplate, or the KeyService's s3.
	ReasonInvalidTemplate = "InvalidTemplate"
	// ReasonUserBusy: another AccessKey of the same user has had an open operation for ten minutes. The message names it.
	ReasonUserBusy = "UserBusy"
	// ReasonAdoptionNotVerified: the Secret holds a pair of an earlier AccessKey, and the operator cannot verify that this
	// namespace may take the pair over from a ClusterKeyService. Delete the Secret to get a new pair.
	ReasonAdoptionNotVerified = "AdoptionNotVerified"
	// ReasonImportFailed: the pair that spec.importFrom names cannot be imported; the message says why. No key was created.
	ReasonImportFailed = "ImportFailed"
	// ReasonVerificationFailed: the data plane still rejects a pair after verification.timeout. The message says whether the pair is
	// held or published, and what to check.
	ReasonVerificationFailed = "VerificationFailed"
	// ReasonQuotaExceeded: foreign keys fill the user's quota. Delete one of them at the service.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonAmbiguousKeys: after a lost response, more than one key may be the operator's. Delete the orphan at the service.
	ReasonAmbiguousKeys = "AmbiguousKeys"
	// ReasonOverlapUnsupported: rotation.strategy is Overlap, but the service holds one key per user. Use Auto or Replace.
	ReasonOverlapUnsupported = "OverlapUnsupported"
	// ReasonUserExists: the service's user has a foreign key. Choose another user.
	ReasonUserExists = "UserExists"
	// ReasonSVMNotFound: the ONTAP cluster has no such SVM, or the account may not see it.
	ReasonSVMNotFound = "SVMNotFound"
	// ReasonVersionUnsupported: the ONTAP cluster is older than 9.14.1.
	ReasonVersionUnsupported = "VersionUnsupported"
	// ReasonTTLUnsupported: ttl is longer than the service allows.
	ReasonTTLUnsupported = "TTLUnsupported"
	// ReasonApprovalRequired: the ONTAP cluster did not carry out a change, because another administrator has to approve it
	// (multi-admin verification). Approve the request that the message names; the operator then sends the change again.
	ReasonApprovalRequired = "ApprovalRequired"
	// ReasonNotGranted: the ClusterKeyService does not grant this user to this namespace.
	ReasonNotGranted = "NotGranted"
	// ReasonTTLNotGranted: the ClusterKeyService grants this user only with a shorter ttl. The message names the longest one.
	ReasonTTLNotGranted = "TTLNotGranted"
	// ReasonUserNotAllowed: allowedUsers of the KeyService does not cover this user.
	ReasonUserNotAllowed = "UserNotAllowed"
	// ReasonWindowUnsatisfiable: a window of rotation.windows cannot be used, or none opens in time for the next rotation, which will
	// therefore happen outside of them. Nothing else is held up.
	ReasonWindowUnsatisfiable = "WindowUnsatisfiable"
	// ReasonUserNotFound: the service has no such user. Ready is Unknown for this reason if the pair of a user was issued whom the service
	// no longer knows.
	ReasonUserNotFound = "UserNotFound"
	// ReasonInvalid: the service rejects the request; the message has its words.
	ReasonInvalid = "Invalid"
	// ReasonCompromisedKeyInUse: spec.compromisedKeyIDs names the current key, and spec.suspend keeps it from being replaced.
	ReasonCompromisedKeyInUse = "CompromisedKeyInUse"
	// ReasonCompromisedKeyUnknown: spec.compromisedKeyIDs names no key of this AccessKey. Nothing was revoked for that ID.
	ReasonCompromisedKeyUnknown = "CompromisedKeyUnknown"
	// ReasonKeyServiceNotFound: serviceRef names an object that does not exist.
	ReasonKeyServiceNotFound = "KeyServiceNotFound"
	// ReasonClusterKeyServicesNotServed: serviceRef names a ClusterKeyService, and the operator runs with --namespaces.
	ReasonClusterKeyServicesNotServed = "ClusterKeyServicesNotServed"
	// ReasonKeyServiceDeleting: the KeyService is being deleted, so no new keys are created.
	ReasonKeyServiceDeleting = "KeyServiceDeleting"
	// ReasonKeyServiceInvalid: the KeyService's spec cannot be used; the message says what to change.
	ReasonKeyServiceInvalid = "KeyServiceInvalid"
	// ReasonCredentialsNotFound: a Secret of the KeyService, or a key in it, is missing.
	ReasonCredentialsNotFound = "CredentialsNotFound"
	// ReasonRestartFailed: workloads in spec.rolloutRestartTargets could not be restarted after a rotation; the message says why.
	// The operator keeps trying. The previous pair, which they may still use, is revoked at its time.
	ReasonRestartFailed = "RestartFailed"
	// ReasonOverlapTooShort: spec.rolloutRestartTargets is set, and the old pair works for less than two minutes after a rotation,
	// so workloads may still use it when it is revoked. Increase renewBefore. Pairs are issued and rotated all the same.
	ReasonOverlapTooShort = "OverlapTooShort"
	// ReasonIdentityChanged: the KeyService leads to another service than the one that has the keys of its AccessKeys. Change it
	// back, or delete the AccessKeys with deletionPolicy Retain.
	ReasonIdentityChanged = "IdentityChanged"
)

// Reasons of events that are not reasons of conditions.
const (
	// EventReplacesInPlace (Warning, with the first pair): rotations will have no overlap; the message says why.
	EventReplacesInPlace = "ReplacesInPlace"
	// EventNoRoomToRotate (Warning, with the first pair): the user's quota has no room for the second key of a rotation.
	EventNoRoomToRotate = "NoRoomToRotate"
	// EventRecordRemoved (Warning): an admission policy removes the operator's record from the Secret, so that a restore will not
	// find the pair.
	EventRecordRemoved = "RecordRemoved"
	// EventUserRecreated (Warning): the service's user was gone and was made again, without its groups and policies.
	EventUserRecreated = "UserRecreated"
	// EventRotated: a new pair was published; the message says why, and until when the old pair works.
	EventRotated = "Rotated"
	// EventRevoked: a key was revoked at another time than EventRotated or EventDisabled had announced.
	EventRevoked = "Revoked"
	// EventDisabled: an old key was disabled and is in quarantine; the message says until when. As a warning: somebody had enabled
	// a key in quarantine at the service, so the operator disabled it again.
	EventDisabled = "Disabled"
	// EventEnabled: a key in quarantine was enabled again because the annotation accesskey.dev/enable requested it.
	EventEnabled = "Enabled"
	// EventEnableRefused (Warning): the annotation accesskey.dev/enable names a key that cannot be enabled; the message says why.
	EventEnableRefused = "EnableRefused"
	// EventQuarantineEnded (Warning): a quarantine ended early, because the user's quota had no other place for a new key.
	EventQuarantineEnded = "QuarantineEnded"
	// EventQuarantineUnsupported (Warning): rotation.quarantine is set, and the service cannot disable keys.
	EventQuarantineUnsupported = "QuarantineUnsupported"
	// EventPreviousKeyInUse (Warning, once per key): an old key is still used shortly before it is revoked, so a consumer has not
	// loaded the current pair.
	EventPreviousKeyInUse = "PreviousKeyInUse"
	// EventLastUseUnknown (Warning): rotation.revokePrevious is WhenIdle, and the service did not tell when an old key was last used.
	EventLastUseUnknown = "LastUseUnknown"
	// EventLastUseUnsupported (Warning): rotation.revokePrevious is WhenIdle, and the service does not know when a key was last used.
	EventLastUseUnsupported = "LastUseUnsupported"
	// EventAdopted: the pair in an existing Secret was recorded.
	EventAdopted = "Adopted"
	// EventImported: the pair that spec.importFrom names was published and recorded.
	EventImported = "Imported"
	// EventVerified: the data plane accepted a pair that it had not accepted at first.
	EventVerified = "Verified"
	// EventSecretUpdated: the Secret was updated without a new pair, the pair moved to another Secret, or a Secret that is no longer
	// needed was deleted.
	EventSecretUpdated = "SecretUpdated"
	// EventRestarted: workloads in spec.rolloutRestartTargets were restarted after a rotation.
	EventRestarted = "Restarted"
	// EventRestartTargetNotFound (Warning): there is no workload that an entry of spec.rolloutRestartTargets names or selects.
	EventRestartTargetNotFound = "RestartTargetNotFound"
	// EventRetained: the AccessKey was deleted; its keys stay at the service and its Secret in the namespace.
	EventRetained = "Retained"
)
