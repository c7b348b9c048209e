// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"bytes"
	"cmp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// FromMetadata tells the planner what the cached metadata of a Secret reveals; nil is no Secret. The Secret is intact if its
// resourceVersion is the one that the status records, or an older one that the cache has not replaced yet.
func (t Template) FromMetadata(cached *metav1.PartialObjectMetadata) plan.Secret {
	status := &t.AccessKey.Status
	switch {
	case cached == nil:
		return plan.Secret{State: plan.SecretAbsent}
	case !cached.DeletionTimestamp.IsZero():
		return plan.Secret{State: plan.SecretForeign}
	case !metav1.IsControlledBy(cached, t.AccessKey):
		return plan.Secret{State: plan.SecretUnverified, Adoptable: true}
	case status.KeyID == "", status.SecretName != cached.Name,
		newer(cached.ResourceVersion, status.SecretResourceVersion) && newer(cached.ResourceVersion, t.Verified):
		return plan.Secret{State: plan.SecretUnverified}
	}
	record := plan.RecordOf(t.AccessKey, t.Service)
	return plan.Secret{State: plan.SecretIntact, Record: record, UpToDate: t.Digest(record) == status.SecretTemplateDigest}
}

// newer reports whether version a is newer than version b, or cannot be compared with it.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

// Inspect tells the planner what a Secret that was read live holds; nil is no Secret.
func (t Template) Inspect(live *corev1.Secret) plan.Secret {
	if live == nil {
		return plan.Secret{State: plan.SecretAbsent}
	}
	record, recorded := RecordOf(live)
	adoptable := !metav1.IsControlledBy(live, t.AccessKey)
	if t.foreign(live, recorded) {
		return plan.Secret{State: plan.SecretForeign, Owner: t.otherOwner(live)}
	}
	found := plan.Secret{State: plan.SecretEdited, Record: record, Adoptable: adoptable, Writer: t.otherWriter(live)}
	found.Copy = !adoptable && t.holdsCopy(live)
	switch {
	case t.holdsPublished(live):
		found.State, found.Record = plan.SecretIntact, plan.RecordOf(t.AccessKey, t.Service)
		found.Rendered = t.Digest(found.Record) == t.AccessKey.Status.SecretTemplateDigest
		found.UpToDate = !adoptable && found.Rendered && t.upToDate(live, found.Record)
	case recorded && t.holds(live, record):
		found.State = plan.SecretIntact
	case !recorded && !adoptable && t.holdsPairOfIntent(live):
		found.State, found.Record = plan.SecretIntact, t.recordOfIntent(live)
	}
	return found
}

// foreign reports whether a Secret belongs to somebody else, or cannot become what is wanted: its type is immutable.
func (t Template) foreign(live *corev1.Secret, recorded bool) bool {
	usable := live.DeletionTimestamp.IsZero() && live.Type == t.secretType()
	return !usable || !metav1.IsControlledBy(live, t.AccessKey) && (!recorded || !t.abandoned(live))
}

// otherOwner names the object other than the AccessKey that controls a Secret; empty if there is none.
func (t Template) otherOwner(live *corev1.Secret) string {
	owner := metav1.GetControllerOf(live)
	switch {
	case owner == nil, owner.UID == t.AccessKey.UID:
		return ""
	case isAccessKey(*owner):
		return owner.Kind + " " + owner.Name
	default:
		return owner.Kind + " " + owner.Name + " (" + owner.APIVersion + ")"
	}
}

// holdsPublished reports whether a Secret holds the pair that the status records.
func (t Template) holdsPublished(live *corev1.Secret) bool {
	status := &t.AccessKey.Status
	record := plan.RecordOf(t.AccessKey, t.Service)
	record.Digest = status.SecretDigest
	return status.KeyID != "" && status.SecretName == live.Name && t.holds(live, record)
}

// holdsCopy reports whether the operator wrote the pair that the status records into a Secret with another name. The data beside the
// pair can depend on the name, so the record counts, too.
func (t Template) holdsCopy(live *corev1.Secret) bool {
	status := &t.AccessKey.Status
	if status.KeyID == "" || status.SecretName == live.Name || !wrote(live) {
		return false
	}
	published := plan.RecordOf(t.AccessKey, t.Service)
	published.Digest = status.SecretDigest
	record, recorded := RecordOf(live)
	same := record
	same.Digest = published.Digest
	return t.holds(live, published) || recorded && same.Describes(published) && t.holds(live, record)
}

// holdsPairOfIntent reports whether the operator wrote a pair into a Secret during the open operation.
func (t Template) holdsPairOfIntent(live *corev1.Secret) bool {
	status := &t.AccessKey.Status
	return status.Intent != nil && wrote(live) && !status.RecordsPair(PairOf(live).AccessKeyID)
}

// recordOfIntent describes the pair of the open intent in a Secret that the operator wrote and whose record an admission policy
// removed. Like the record, it only leads to a key that the operation can have created.
func (t Template) recordOfIntent(live *corev1.Secret) plan.Record {
	record, intent, pair := plan.RecordOf(t.AccessKey, t.Service), t.AccessKey.Status.Intent, PairOf(live)
	record.KeyID, record.AccessKeyID = cmp.Or(intent.KeyID, pair.AccessKeyID), pair.AccessKeyID
	record.Revision, record.IssuedAt, record.Digest = intent.Revision, intent.StartedAt, digest(pick(live.Data, ownKeys(live)))
	return record
}

// InspectNext tells the planner what the Secret holds in which a pair may wait. A copy that a person made under its name is
// foreign.
func (t Template) InspectNext(live *corev1.Secret) plan.Secret {
	found := t.Inspect(live)
	if live != nil && !found.Adoptable && !wrote(live) {
		return plan.Secret{State: plan.SecretForeign}
	}
	return found
}

// asWritten reports whether a Secret is as the API server left it after the operator's last write. An admission policy that
// changed that write would change the next one, too.
func (t Template) asWritten(live *corev1.Secret) bool {
	return live.ResourceVersion != "" && (live.ResourceVersion == t.AccessKey.Status.SecretResourceVersion || live.ResourceVersion == t.Verified)
}

// otherWriter returns the field manager beside the operator that last wrote the pair, or else what is around it.
func (t Template) otherWriter(live *corev1.Secret) (writer plan.Writer) {
	around := fieldNames{t.dataKeys(), t.labels(), t.annotations(plan.Record{})}
	around.Annotations[v1alpha1.RecordAnnotation] = ""
	keys := pairKeysOf(live)
	pair := fieldNames{Data: map[string][]byte{keys.accessKeyID: nil, keys.secretAccessKey: nil}}
	for _, of := range []fieldNames{around, pair} {
		var at time.Time
		for _, entry := range live.ManagedFields {
			if entry.Manager == FieldManager || entry.Time == nil || entry.Time.Time.Before(at) || !of.overlaps(fieldsOf(entry)) {
				continue
			}
			at, writer = entry.Time.Time, plan.Writer{Manager: entry.Manager, Applies: entry.Operation == metav1.ManagedFieldsOperationApply}
		}
	}
	return writer
}

// abandoned reports whether no AccessKey controls a Secret, or only a former one with the name of this one.
func (t Template) abandoned(secret *corev1.Secret) bool {
	owner := metav1.GetControllerOf(secret)
	return owner == nil || isAccessKey(*owner) && owner.Name == t.AccessKey.Name && owner.UID != t.AccessKey.UID
}

// isAccessKey reports whether an owner is an AccessKey of this API group. Others have AccessKeys, too.
func isAccessKey(owner metav1.OwnerReference) bool {
	group, _, _ := strings.Cut(owner.APIVersion, "/")
	return group == v1alpha1.GroupVersion.Group && owner.Kind == "AccessKey"
}

// upToDate reports whether everything beside the pair is as rendered. The digest shows what has left the template.
func (t Template) upToDate(live *corev1.Secret, record plan.Record) bool {
	if t.asWritten(live) {
		return true
	}
	content, err := t.Render(PairOf(live), record)
	if err != nil {
		return false
	}
	for key, value := range content.Data {
		if !bytes.Equal(live.Data[key], value) {
			return false
		}
	}
	written, recorded := RecordOf(live)
	if !recorded || !written.Describes(content.Record) {
		return false
	}
	delete(content.Annotations, v1alpha1.RecordAnnotation)
	_, stale := live.Annotations[v1alpha1.ExpiresAtAnnotation]
	_, expires := content.Annotations[v1alpha1.ExpiresAtAnnotation]
	return stale == expires && contains(live.Labels, content.Labels) && contains(live.Annotations, content.Annotations)
}

func contains(all, wanted map[string]string) bool {
	for key, value := range wanted {
		if actual, ok := all[key]; !ok || actual != value {
			return false
		}
	}
	return true
}
