// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// QuarantineUnsupported is a part of the message of Ready if the spec asks for a quarantine at a service that cannot disable keys.
const QuarantineUnsupported = "rotation.quarantine has no effect, because the service cannot disable keys"

// quarantined reports whether a previous key was disabled and is deleted later.
func quarantined(previous *v1alpha1.PreviousKey) bool { return !previous.DeleteAt.IsZero() }

// byNeed orders previous keys by how much they are needed: those in quarantine first, then those that do not work, then the oldest.
func (in Input) byNeed(a, b v1alpha1.PreviousKey) int {
	return cmp.Or(cmp.Compare(in.need(&a), in.need(&b)), a.IssuedAt.Compare(b.IssuedAt.Time))
}

func (in Input) need(previous *v1alpha1.PreviousKey) int {
	switch {
	case quarantined(previous):
		return 0
	case !in.works(previous.KeyID):
		return 1
	default:
		return 2
	}
}

func wantsQuarantine(ak *v1alpha1.AccessKey) bool {
	return ak.Spec.Rotation != nil && ak.Spec.Rotation.Quarantine != nil
}

// revocation returns the next step of revoking a previous key: to disable it if it has to be in quarantine, or else to delete it.
func (in Input) revocation(previous *v1alpha1.PreviousKey) Verb {
	if in.compromised(previous.KeyID) {
		return Revoke
	}
	begins := !quarantined(previous) && wantsQuarantine(in.AccessKey) && in.Service.Quarantines
	lasts := quarantined(previous) && in.Now.Before(previous.DeleteAt.Time) // somebody enabled the key
	if begins || lasts {
		return Disable
	}
	return Revoke
}

// enable enables a key in quarantine that the annotation names.
func enable(in Input) (Action, bool) {
	_, id := in.enableRequest()
	previous := findPrevious(&in.AccessKey.Status, id)
	if in.deleting() || previous == nil || !quarantined(previous) || in.compromised(previous.KeyID) || in.Live && !in.canEnable(previous.KeyID) {
		return none()
	}
	return live(in, Action{Verb: Enable, Reason: v1alpha1.EventEnabled, KeyID: previous.KeyID})
}

// canEnable reports whether the service still has a key in quarantine.
func (in Input) canEnable(id string) bool { return in.ours(id) && in.state(id) != keyservice.Deleting }

// enableRequest returns the value of the annotation that asks to enable a key, and the ID in it. Both are empty if there is none
// that was not answered.
func (in Input) enableRequest() (value, id string) {
	value = token(in.AccessKey, v1alpha1.EnableAnnotation)
	words := strings.Fields(value)
	if len(words) == 0 || value == in.AccessKey.Status.LastHandledEnable {
		return "", ""
	}
	return value, words[0]
}

// findPrevious returns the previous key with this key ID or access key ID; nil if there is none.
func findPrevious(status *v1alpha1.AccessKeyStatus, id string) *v1alpha1.PreviousKey {
	i := slices.IndexFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return id != "" && (p.KeyID == id || p.AccessKeyID == id) })
	if i < 0 {
		return nil
	}
	return &status.PreviousKeys[i]
}

// EnableRefusal returns the value of the annotation that asks to enable a key that cannot be enabled, and says why. Both are
// empty if there is no such request.
func (in Input) EnableRefusal() (value, why string) {
	value, id := in.enableRequest()
	if value == "" || in.deleting() {
		return "", ""
	}
	status := &in.AccessKey.Status
	previous := findPrevious(status, id)
	switch {
	case previous == nil && (id == status.KeyID || id == status.AccessKeyID):
		return value, "it is the current key"
	case previous == nil:
		return value, "it is no previous key of this AccessKey; a key that was deleted cannot be enabled" + in.inQuarantine()
	case in.compromised(previous.KeyID):
		return value, "spec.compromisedKeyIDs names it"
	case !quarantined(previous):
		return value, "it is not in quarantine, and works until " + rfc3339(in.revokeAt(previous))
	case in.Live && !in.canEnable(previous.KeyID):
		return value, "the service no longer has it"
	}
	return "", ""
}

// inQuarantine lists the keys that can be enabled.
func (in Input) inQuarantine() string {
	var ids []string
	for i := range in.AccessKey.Status.PreviousKeys {
		if previous := &in.AccessKey.Status.PreviousKeys[i]; quarantined(previous) {
			ids = append(ids, ShortID(previous.AccessKeyID))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return "; in quarantine: " + list(ids)
}

// Quarantine records that a previous key was disabled now, and is deleted when its quarantine ends. A quarantine that was
// announced is not shortened. It returns the key as it is recorded.
func Quarantine(ak *v1alpha1.AccessKey, keyID string, now time.Time) v1alpha1.PreviousKey {
	previous := findPrevious(&ak.Status, keyID)
	until := previous.DeleteAt.Time
	if wantsQuarantine(ak) {
		until = latest(until, now.Add(ak.Spec.Rotation.Quarantine.Duration))
	}
	previous.State, previous.RevokeAt, previous.DeleteAt = v1alpha1.KeyDisabled, seconds(now), seconds(until)
	return *previous
}

// EndQuarantine records that a previous key was enabled now for one more overlap, and that this answers the annotation. It returns
// the key as it is recorded.
func EndQuarantine(ak *v1alpha1.AccessKey, keyID string, now time.Time) v1alpha1.PreviousKey {
	previous := findPrevious(&ak.Status, keyID)
	previous.State, previous.DeleteAt = v1alpha1.KeyActive, metav1.Time{}
	previous.EnabledAt, previous.RevokeAt = seconds(now), seconds(now.Add(Overlap(&ak.Spec)))
	ak.Status.LastHandledEnable = token(ak, v1alpha1.EnableAnnotation)
	return *previous
}

// DisabledAt returns when a key was disabled that is in quarantine; zero if it is not.
func DisabledAt(status *v1alpha1.AccessKeyStatus, keyID string) time.Time {
	if previous := findPrevious(status, keyID); previous != nil && quarantined(previous) {
		return previous.RevokeAt.Time
	}
	return time.Time{}
}

// QuarantineEnd returns when the quarantine of a key ends; zero if the key is not in quarantine.
func QuarantineEnd(status *v1alpha1.AccessKeyStatus, keyID string) time.Time {
	if previous := findPrevious(status, keyID); previous != nil {
		return previous.DeleteAt.Time
	}
	return time.Time{}
}

// seconds returns a time as the API stores it.
func seconds(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }
