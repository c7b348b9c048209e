// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Names that the operator puts on objects.
const (
	// RevokeFinalizer stays on an AccessKey until every key that it records is gone from the service.
	RevokeFinalizer = "accesskey.dev/revoke"
	// InUseFinalizer stays on a KeyService and on its Secrets while an AccessKey refers to the KeyService, and on the RoleBinding
	// of an operator that works only in some namespaces while a namespace has AccessKeys.
	InUseFinalizer = "accesskey.dev/in-use"
	// RenewAnnotation on an AccessKey requests one rotation per new value.
	RenewAnnotation = "accesskey.dev/renew"
	// EnableAnnotation on an AccessKey names a disabled previous key that works again for one more overlap, by its keyID or its
	// accessKeyID. Once per value: any text after the ID, separated by a space, makes it another value.
	EnableAnnotation = "accesskey.dev/enable"

	// ManagedByLabel marks the Secrets that the operator writes.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ManagedByValue is the value of ManagedByLabel.
	ManagedByValue = "accesskey-operator"
	// AccessKeyIDAnnotation on a Secret is the access key ID in it.
	AccessKeyIDAnnotation = "accesskey.dev/access-key-id"
	// ExpiresAtAnnotation on a Secret is when its pair expires (RFC 3339); absent without a ttl.
	ExpiresAtAnnotation = "accesskey.dev/expires-at"
	// RecordAnnotation on a Secret is the operator's record of the pair in it. An AccessKey whose status was lost adopts the
	// pair by this record. It contains no secret material.
	RecordAnnotation = "accesskey.dev/record"
)

// DeletionPolicy says what happens to the keys when an AccessKey is deleted.
// +kubebuilder:validation:Enum=Delete;Retain
type DeletionPolicy string

const (
	// DeletionPolicyDelete revokes every key at the service.
	DeletionPolicyDelete DeletionPolicy = "Delete"
	// DeletionPolicyRetain keeps the keys at the service and the Secret in the namespace.
	DeletionPolicyRetain DeletionPolicy = "Retain"
)

// AccessKeySpec describes the wanted key pair.
// +kubebuilder:validation:XValidation:rule="has(self.user) == has(oldSelf.user) && (!has(self.user) || self.user == oldSelf.user)",message="user is immutable: a key belongs to one user; create another AccessKey instead",fieldPath=".user"
// +kubebuilder:validation:XValidation:rule="!(has(self.renewBefore) && has(self.renewBeforePercentage))",message="set renewBefore or renewBeforePercentage, not both",fieldPath=".renewBefore"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBeforePercentage) || has(self.ttl)",message="renewBeforePercentage is a share of ttl: set ttl, or use renewBefore",fieldPath=".renewBeforePercentage"
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || !has(self.ttl) || duration(self.renewBefore) < duration(self.ttl)",message="renewBefore must be shorter than ttl: it is the part of the ttl in which old and new key both work",fieldPath=".renewBefore"
// +kubebuilder:validation:XValidation:rule="(has(self.secretTemplate) && has(self.secretTemplate.type) ? self.secretTemplate.type : 'Opaque') == (has(oldSelf.secretTemplate) && has(oldSelf.secretTemplate.type) ? oldSelf.secretTemplate.type : 'Opaque')",message="secretTemplate.type is immutable, as the type of a Secret is; create another AccessKey instead",fieldPath=".secretTemplate"
// +kubebuilder:validation:XValidation:rule="!has(self.rotation) || !has(self.rotation.windows) || has(self.ttl)",message="rotation.windows are for scheduled rotations, and there are none without ttl: set ttl, or remove the windows",fieldPath=".rotation"
type AccessKeySpec struct {
	// serviceRef names the key service that holds the key. Immutable.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="serviceRef is immutable: a key lives at one service; create another AccessKey instead"
	ServiceRef ServiceReference `json:"serviceRef,omitzero"`

	// user is the owner of the key, in the service's notation (Qumulo: local:NAME, ad:NAME, uid:N, sid:S-…, auth_id:N;
	// Huawei: the user's ID or name; ONTAP: the S3 user's name; IONOS: empty, the token's user). Immutable.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self == self.trim()",message="user must not begin or end with white space"
	User string `json:"user,omitempty"`

	// ttl is the maximum lifetime of a key pair, as a duration such as 720h. At least 1m. Without it there is no scheduled
	// rotation. It counts from the issue of the current pair, so a shorter one can cause a rotation at once.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m')",message="ttl must be at least 1m"
	TTL *metav1.Duration `json:"ttl,omitempty"`

	// renewBefore is how long before its expiry a pair is rotated, and therefore how long the old and the new pair both
	// work. Defaults to a third of ttl, or to 24h without a ttl. After a change, previous keys keep their revokeAt.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s')",message="renewBefore must be longer than 0s"
	RenewBefore *metav1.Duration `json:"renewBefore,omitempty"`

	// renewBeforePercentage is renewBefore as a share of ttl, 1 to 99.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99
	RenewBeforePercentage int32 `json:"renewBeforePercentage,omitempty"`

	// rotation says how the pair is rotated.
	// +optional
	Rotation *Rotation `json:"rotation,omitempty"`

	// verification says how long a new pair waits until the data plane accepts it, and what happens then. It needs a KeyService
	// with s3. A change also applies to a pair that waits.
	// +optional
	Verification *Verification `json:"verification,omitempty"`

	// secretName is the Secret that receives the pair. Defaults to the AccessKey's name. At most 248 characters, because a new pair
	// can wait in a second Secret, which has this name and the suffix -next. The operator never overwrites a Secret that this
	// AccessKey neither controls nor may adopt. After a change, a new pair is published in the new Secret, and the old Secret stays
	// until its key is revoked. Where pairs are replaced in place, or the user's quota is full, the pair itself moves.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=248
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="secretName must be the name of a Secret: lower case letters, digits, '-' and '.'"
	SecretName string `json:"secretName,omitempty"`

	// secretTemplate describes the Secret.
	// +optional
	SecretTemplate *SecretTemplate `json:"secretTemplate,omitempty"`

	// rolloutRestartTargets are workloads of this namespace that are restarted once after each rotation, when the new pair is
	// published. The operator needs permissions for this that the installation does not grant by default.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	RolloutRestartTargets []RolloutRestartTarget `json:"rolloutRestartTargets,omitempty"`

	// importFrom names a Secret with an existing pair of the user, with which this AccessKey starts instead of a new one. It needs
	// a KeyService of the same namespace, or a ClusterKeyService with s3, whose data plane accepts the pair. It only counts until
	// the first pair is recorded.
	// +optional
	ImportFrom *ImportSource `json:"importFrom,omitempty"`

	// compromisedKeyIDs are keys of this AccessKey that somebody else may know, by their keyID or accessKeyID in the status. The
	// current key is replaced at once, and revoked as soon as the new pair is published, without an overlap. A previous key is
	// revoked at once. IDs of revoked keys can stay in the list. Stalled reports an ID that is of no key of this AccessKey.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	CompromisedKeyIDs []string `json:"compromisedKeyIDs,omitempty"`

	// deletionPolicy says what happens when this AccessKey is deleted: Delete revokes its keys, Retain keeps the keys at the
	// service and the Secret in the namespace. It can be changed at any time.
	// +optional
	// +default="Delete"
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// suspend pauses the AccessKey: no new pair, no repair. An operation that was interrupted is still settled, previous keys
	// are still revoked on time, and deletion still works. The current key can work longer than its ttl meanwhile.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`
}

// ServiceReference names a KeyService of the same namespace or a ClusterKeyService.
type ServiceReference struct {
	// kind is KeyService or ClusterKeyService.
	// +optional
	// +kubebuilder:validation:Enum=KeyService;ClusterKeyService
	// +default="KeyService"
	Kind string `json:"kind,omitempty"`

	// name of the KeyService or ClusterKeyService.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// ImportSource is a Secret of the same namespace with a pair. It can be the wanted Secret itself. Otherwise it stays as it is.
type ImportSource struct {
	// secretName is the Secret with the pair.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// accessKeyIDKey is the key in the Secret that holds the access key ID.
	// +optional
	// +default="AWS_ACCESS_KEY_ID"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	AccessKeyIDKey string `json:"accessKeyIDKey,omitempty"`

	// secretAccessKeyKey is the key in the Secret that holds the secret access key.
	// +optional
	// +default="AWS_SECRET_ACCESS_KEY"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretAccessKeyKey string `json:"secretAccessKeyKey,omitempty"`
}

// RotationStrategy says how a pair is rotated.
// +kubebuilder:validation:Enum=Auto;Overlap;Replace
type RotationStrategy string

const (
	// StrategyAuto is Overlap if the service can hold two keys of a user, otherwise Replace.
	StrategyAuto RotationStrategy = "Auto"
	// StrategyOverlap creates the new key beside the old one.
	StrategyOverlap RotationStrategy = "Overlap"
	// StrategyReplace regenerates the key in place. If the service cannot do that, it deletes the key and creates a new one. No
	// key works until the Secret is written.
	StrategyReplace RotationStrategy = "Replace"
)

// RevokePrevious says when an old key is revoked.
// +kubebuilder:validation:Enum=AtExpiry;WhenIdle
type RevokePrevious string

const (
	// RevokeAtExpiry revokes an old key at its revokeAt.
	RevokeAtExpiry RevokePrevious = "AtExpiry"
	// RevokeWhenIdle revokes an old key earlier, once it was not used for idleFor.
	RevokeWhenIdle RevokePrevious = "WhenIdle"
)

// Rotation says how a pair is rotated.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.idleFor) || has(self.revokePrevious) && self.revokePrevious == 'WhenIdle'",message="idleFor has no effect without revokePrevious: WhenIdle; set that, or remove idleFor",fieldPath=".idleFor"
// +kubebuilder:validation:XValidation:rule="!has(self.revokePrevious) || self.revokePrevious != 'WhenIdle' || !has(self.strategy) || self.strategy != 'Replace'",message="the strategy Replace leaves no old key that could be idle: use Auto or Overlap, or remove revokePrevious",fieldPath=".revokePrevious"
// +kubebuilder:validation:XValidation:rule="!has(self.quarantine) || !has(self.strategy) || self.strategy != 'Replace'",message="quarantine keeps the old key, and the strategy Replace leaves none: use Auto or Overlap, or remove quarantine",fieldPath=".quarantine"
type Rotation struct {
	// strategy is Overlap (the old and the new pair work side by side), Replace (in place), or Auto: Overlap if the service
	// supports it.
	// +optional
	// +default="Auto"
	Strategy RotationStrategy `json:"strategy,omitempty"`

	// revokePrevious says when an old key is revoked: AtExpiry at its revokeAt, WhenIdle earlier, once it was not used for idleFor.
	// Where the service does not tell when a key was last used, WhenIdle is the same as AtExpiry. A change also applies to the old
	// keys that exist.
	// +optional
	// +default="AtExpiry"
	RevokePrevious RevokePrevious `json:"revokePrevious,omitempty"`

	// idleFor is how long an old key must not have been used since it was replaced before WhenIdle revokes it. At least 1h, because
	// services tell the last use late. Defaults to 24h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1h')",message="idleFor must be at least 1h, because services tell the last use of a key late"
	IdleFor *metav1.Duration `json:"idleFor,omitempty"`

	// quarantine is how long an old key is kept disabled after its overlap before it is deleted, so that a forgotten consumer can
	// be rescued with the annotation accesskey.dev/enable. It ends early when the user's quota needs the place for a new key. It
	// has no effect where the service cannot disable keys. Without it, the old key is deleted at the end of its overlap. After a
	// change, keys in quarantine keep their deleteAt.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s')",message="quarantine must be longer than 0s; remove it to delete an old key at the end of its overlap"
	Quarantine *metav1.Duration `json:"quarantine,omitempty"`

	// windows are the preferred times of scheduled rotations. A rotation starts in the first window that opens between renewBefore
	// and half of renewBefore before the pair expires, and without one at half of renewBefore. Repairs and requested rotations do
	// not wait for a window.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Windows []RotationWindow `json:"windows,omitempty"`
}

// RotationWindow is a recurring time in which scheduled rotations start.
type RotationWindow struct {
	// cron says when the window opens, as in a CronJob: minute, hour, day of month, month and day of week, such as 0 2 * * 6, or
	// @hourly, @daily, @weekly, @monthly or @yearly.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self in ['@hourly', '@daily', '@weekly', '@monthly', '@yearly'] || self.split(' ').size() == 5",message="cron must have five fields with one space between them, such as 0 2 * * 6 (minute, hour, day of month, month, day of week), or be @hourly, @daily, @weekly, @monthly or @yearly"
	// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[0].split(',').all(x, x.matches('^([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]?)?$'))",message="the first field of cron is the minute, 0 to 59: *, a number, a range such as 0-29, each with or without a step such as */15, or a list of these"
	// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[1].split(',').all(x, x.matches('^([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]?)?$'))",message="the second field of cron is the hour, 0 to 23: *, a number, a range such as 1-5, each with or without a step such as */2, or a list of these"
	// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[2].split(',').all(x, x.matches('^([*]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]?)?$'))",message="the third field of cron is the day of the month, 1 to 31: *, a number, a range such as 1-7, each with or without a step such as */2, or a list of these"
	// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[3].lowerAscii().split(',').all(x, x.matches('^([*]|(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(-(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))?)(/[1-9][0-9]?)?$'))",message="the fourth field of cron is the month, 1 to 12 or jan to dec: *, a month, a range such as jan-mar, each with or without a step such as */3, or a list of these"
	// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[4].lowerAscii().split(',').all(x, x.matches('^([*]|([0-6]|sun|mon|tue|wed|thu|fri|sat)(-([0-6]|sun|mon|tue|wed|thu|fri|sat))?)(/[1-9][0-9]?)?$'))",message="the fifth field of cron is the day of the week, 0 (Sunday) to 6 or sun to sat: *, a day, a range such as mon-fri, each with or without a step, or a list of these"
	Cron string `json:"cron,omitempty"`

	// duration is how long the window stays open, as a duration such as 4h. At least 1m.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m')",message="duration must be at least 1m"
	Duration *metav1.Duration `json:"duration,omitempty"`

	// timezone of cron, by its name in the IANA database, such as Europe/Berlin. Defaults to UTC.
	// +optional
	// +default="UTC"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][-+A-Za-z0-9_/]*$') && self != 'Local' && timestamp('2000-01-01T00:00:00Z').getHours(self) >= 0",message="timezone must be a name of the IANA database, such as Europe/Berlin or UTC"
	Timezone string `json:"timezone,omitempty"`
}

// AccessKey is a key pair at a key service. The operator publishes it in a Secret, rotates it before its ttl ends, and revokes
// it when the AccessKey is deleted.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ak
// +kubebuilder:validation:XValidation:rule="has(self.spec.secretName) || self.metadata.name.size() <= 248 || oldSelf.hasValue() && !has(oldSelf.value().spec.secretName)",optionalOldSelf=true,message="a name of more than 248 characters leaves no room for the suffix -next of a second Secret: set secretName, or choose a shorter name"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Service",type=string,JSONPath=`.spec.serviceRef.name`
// +kubebuilder:printcolumn:name="User",type=string,JSONPath=`.spec.user`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.status.secretName`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.status.expiresAt`
// +kubebuilder:printcolumn:name="Renews",type=string,JSONPath=`.status.renewalTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Key ID",type=string,priority=1,JSONPath=`.status.accessKeyID`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
type AccessKey struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec describes the wanted key pair.
	// +required
	Spec AccessKeySpec `json:"spec,omitzero"`

	// status is the operator's record of the pair.
	// +optional
	// +default={"observedGeneration": -1}
	Status AccessKeyStatus `json:"status,omitempty,omitzero"`
}

// AccessKeyList is a list of AccessKeys.
// +kubebuilder:object:root=true
type AccessKeyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AccessKey `json:"items"`
}

// SecretName returns the name of the Secret that receives the pair.
func (k *AccessKey) SecretName() string {
	if k.Spec.SecretName != "" {
		return k.Spec.SecretName
	}
	return k.Name
}

// Suspended reports whether spec.suspend is set.
func (k *AccessKey) Suspended() bool { return k.Spec.Suspend != nil && *k.Spec.Suspend }

// RecordedKeyIDs returns the IDs of all keys that the status records: the current key and the previous ones.
func (k *AccessKey) RecordedKeyIDs() []string {
	ids := make([]string, 0, 1+len(k.Status.PreviousKeys))
	if k.Status.KeyID != "" {
		ids = append(ids, k.Status.KeyID)
	}
	for i := range k.Status.PreviousKeys {
		ids = append(ids, k.Status.PreviousKeys[i].KeyID)
	}
	return ids
}
