// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

// keepsOldKeys reports whether the service can disable an old key. Soak tests tell every story everywhere.
func (w *world) keepsOldKeys(strategy v1alpha1.RotationStrategy) bool {
	_, disables := w.site.Server.(interface{ Active(id string) bool })
	return disables && strategy != v1alpha1.StrategyReplace
}

// setQuarantine asks for a quarantine of old keys.
func (w *world) setQuarantine(name string, d time.Duration) {
	w.edit(name, "asks for a quarantine", func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation.Quarantine = ptr.To(metav1.Duration{Duration: d}) })
}

// setWhenIdle asks to revoke old keys early that nobody uses.
func (w *world) setWhenIdle(name string, idleFor time.Duration) {
	w.edit(name, "asks to revoke idle keys", func(ak *v1alpha1.AccessKey) {
		ak.Spec.Rotation.RevokePrevious, ak.Spec.Rotation.IdleFor = v1alpha1.RevokeWhenIdle, ptr.To(metav1.Duration{Duration: idleFor})
	})
}

// rotateNow waits for a pair, requests a rotation, and returns the Secret with the pair before it.
func (w *world) rotateNow(name string) *corev1.Secret {
	w.runUntil(10*time.Minute, w.atRest)
	old := w.secret(name)
	w.renewNow(name, "now")
	w.runUntil(10*time.Minute, func() bool { ak := w.accessKey(name); return ak != nil && ak.Status.LastHandledRenewal == "now" })
	return old
}

// enable asks to enable the key whose pair is in a Secret.
func (w *world) enable(name string, old *corev1.Secret) {
	w.edit(name, "asks to enable the old key", func(ak *v1alpha1.AccessKey) {
		metav1.SetMetaDataAnnotation(&ak.ObjectMeta, v1alpha1.EnableAnnotation, keyIn(old))
	})
}

func keyIn(secret *corev1.Secret) string { return string(secret.Data[v1alpha1.SecretKeyAccessKeyID]) }

// recordedOld returns what the status says of the old key; nil if it says nothing.
func (w *world) recordedOld(name string, old *corev1.Secret) *v1alpha1.PreviousKey {
	ak := w.accessKey(name)
	for i := range ak.Status.PreviousKeys {
		if previous := &ak.Status.PreviousKeys[i]; previous.AccessKeyID == keyIn(old) {
			return previous
		}
	}
	return nil
}

// checkQuarantined expects that the old key is kept and does not work.
func (w *world) checkQuarantined(name string, old *corev1.Secret) {
	switch recorded := w.recordedOld(name, old); {
	case recorded == nil:
		w.violate("the old key was deleted without a quarantine")
	case w.works(old) || recorded.State != v1alpha1.KeyDisabled || recorded.DeleteAt.IsZero():
		w.violate("the old key is not in quarantine: %+v", recorded)
	}
}

// checkEnabled expects that the old key works again for another overlap.
func (w *world) checkEnabled(name string, old *corev1.Secret) {
	switch recorded := w.recordedOld(name, old); {
	case recorded == nil:
		w.violate("the old key was deleted instead of enabled")
	case !w.works(old) || recorded.State != v1alpha1.KeyActive || !recorded.DeleteAt.IsZero() || recorded.EnabledAt.IsZero():
		w.violate("the old key does not work: %+v", recorded)
	}
}

// checkRevoked expects that the old key is gone.
func (w *world) checkRevoked(old *corev1.Secret) {
	for _, pair := range w.ownPairs() {
		if pair.AccessKeyID == keyIn(old) {
			w.violate("the old key is still there")
		}
	}
}
