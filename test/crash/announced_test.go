// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/simulator"
)

// announcement is what the status and the Secret of an AccessKey say about a pair.
type announcement struct {
	accessKey string
	// until is when the pair ends, and renewal when it is rotated.
	until, renewal time.Time
	// previous: the pair was rotated.
	previous bool
}

// checkAnnounced checks promise 4: no key is revoked before the time that was announced for it.
func (w *world) checkAnnounced() {
	last := map[string]simulator.Pair{} // a regenerated pair can keep its access key ID
	for _, pair := range w.site.History() {
		last[pair.AccessKeyID] = pair
	}
	for id, told := range w.announced {
		pair := last[id]
		at, ended := w.ended(pair)
		if !ended {
			continue
		}
		delete(w.announced, id)
		if pair.DeletedBy != simulator.Person && at.Before(told.until) && !w.mayRevokeEarly(told) && !w.named(told.accessKey, pair) {
			w.violate("promise 4: key %s (%s) was revoked %s before the time that was announced for it", pair.ID, id, told.until.Sub(at))
		}
	}
	for _, ak := range w.accessKeys() {
		w.noteAnnounced(ak, func(id string) bool { return id != "" && last[id].Live() && w.active(last[id]) })
	}
}

// ended returns when a pair was deleted or disabled; false if it works.
func (w *world) ended(pair simulator.Pair) (time.Time, bool) {
	if pair.Live() && !w.active(pair) {
		return time.Now(), true
	}
	return pair.DeletedAt, !pair.Live()
}

// noteAnnounced notes what is announced for the working pairs of an AccessKey. Both places count until a pair is rotated.
func (w *world) noteAnnounced(ak *v1alpha1.AccessKey, live func(id string) bool) {
	if w.announced == nil {
		w.announced = map[string]announcement{}
	}
	status := &ak.Status
	if live(status.AccessKeyID) && !status.ExpiresAt.IsZero() {
		w.announced[status.AccessKeyID] = announcement{accessKey: ak.Name, until: status.ExpiresAt.Time, renewal: status.RenewalTime.Time}
	}
	if secret, _ := w.kube.Peek(kube.Secret, namespace, ak.SecretName()).(*corev1.Secret); secret != nil {
		id := secret.Annotations[v1alpha1.AccessKeyIDAnnotation]
		told := w.announced[id]
		until, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.ExpiresAtAnnotation])
		if err == nil && live(id) && !told.previous && until.After(told.until) {
			told.accessKey, told.until = ak.Name, until
			w.announced[id] = told
		}
	}
	for i := range status.PreviousKeys {
		w.noteRotated(ak, &status.PreviousKeys[i])
	}
}

// noteRotated notes that a pair was rotated. Before its renewalTime, this ends it after renewBefore.
func (w *world) noteRotated(ak *v1alpha1.AccessKey, previous *v1alpha1.PreviousKey) {
	told, announced := w.announced[previous.AccessKeyID]
	if !announced || told.previous {
		return
	}
	told.previous = true
	if early := ak.Status.IssuedAt.Time.Before(told.renewal); early {
		if after := ak.Status.IssuedAt.Add(renewBefore); after.Before(told.until) {
			told.until = after
		}
	}
	w.announced[previous.AccessKeyID] = told
}

// mayRevokeEarly reports whether a key may be revoked before its time: with its AccessKey, to replace it in place, because nobody
// uses it, or because a new pair that is needed now has no room beside it.
func (w *world) mayRevokeEarly(told announcement) bool {
	ak, _ := w.kube.Peek(kube.AccessKey, namespace, told.accessKey).(*v1alpha1.AccessKey)
	s := w.subjects[told.accessKey]
	if ak == nil || s == nil || !ak.DeletionTimestamp.IsZero() || w.inPlace(ak) || s.begunInPlace {
		return true
	}
	if told.previous && ak.Spec.Rotation.RevokePrevious == v1alpha1.RevokeWhenIdle {
		return true
	}
	requested := ak.Annotations[v1alpha1.RenewAnnotation] != ak.Status.LastHandledRenewal
	due := ak.Status.KeyID == "" || !time.Now().Before(ak.Status.RenewalTime.Time)
	return requested || due || !s.works
}
