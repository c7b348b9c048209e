// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/crash/kube"
)

// settle waits until everything is at rest, and checks what has to hold then.
func (w *world) settle() {
	w.run(repairTime)
	w.runUntil(10*time.Minute, w.atRest) // a rotation may have just begun
	if w.violation != "" {
		return
	}
	w.checkAge()
	w.checkLeaks()
	w.checkRestarted()
	for _, ak := range w.accessKeys() {
		w.checkRest(ak)
	}
	if len(w.accessKeys()) == 0 {
		w.checkNothingLeft()
	}
}

// atRest reports whether no operation is under way.
func (w *world) atRest() bool {
	return !w.busy() && !slices.ContainsFunc(w.accessKeys(), func(ak *v1alpha1.AccessKey) bool {
		between := !blocked(ak) && !w.works(w.secret(ak.SecretName())) // the next pair is not requested yet
		return between || plan.RestartDue(ak) || ak.Status.Intent != nil || w.secret(ak.SecretName()+"-next") != nil
	})
}

// checkLeaks checks promise 2: each key that the operator created is recorded.
func (w *world) checkLeaks() {
	recorded := map[string]bool{}
	for _, ak := range w.accessKeys() {
		recorded[ak.Status.AccessKeyID] = true
		for i := range ak.Status.PreviousKeys {
			recorded[ak.Status.PreviousKeys[i].AccessKeyID] = true
		}
	}
	for _, pair := range w.ownPairs() {
		if !recorded[pair.AccessKeyID] {
			w.violate("promise 2: key %s (%s) is recorded nowhere", pair.ID, pair.AccessKeyID)
		}
	}
}

// checkRest expects that an AccessKey at rest is Ready if and only if its pair works.
func (w *world) checkRest(ak *v1alpha1.AccessKey) {
	ready := meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady)
	works := w.works(w.secret(ak.SecretName()))
	switch {
	case !ak.DeletionTimestamp.IsZero():
		w.violate("promise 2: AccessKey %s is still being deleted", ak.Name)
	case ready != works && !blocked(ak) && !endsNow(ak): // a blocked AccessKey's pair can have expired since the last resync
		w.violate("AccessKey %s is Ready: %t, but its pair works: %t", ak.Name, ready, works)
	case blocked(ak):
	case !works:
		w.violate("promise 1: AccessKey %s has no working pair in the end", ak.Name)
	case ak.Status.Intent != nil:
		w.violate("the intent of AccessKey %s is still open", ak.Name)
	case w.secret(ak.SecretName()+"-next") != nil:
		w.violate("Secret %s-next was left behind", ak.SecretName())
	}
}

// endsNow reports whether the pair ends at this moment: the operator knows the clock of the service to a second.
func endsNow(ak *v1alpha1.AccessKey) bool {
	return time.Since(ak.Status.ExpiresAt.Time).Abs() <= 2*time.Second
}

// checkSuspended expects that a suspended AccessKey has settled its operation and revoked its previous keys on time.
func (w *world) checkSuspended(name string) {
	ak := w.accessKey(name)
	if blocked(ak) {
		return
	}
	if ak.Status.Intent != nil {
		w.violate("promise 2: the intent of the suspended AccessKey %s is still open", name)
	}
	for _, previous := range ak.Status.PreviousKeys {
		if time.Since(previous.RevokeAt.Time) > inPlaceGap {
			w.violate("promise 4: key %s of the suspended AccessKey %s should have been revoked", previous.KeyID, name)
		}
	}
}

// checkStillWorks expects that a pair still works that was published a moment ago, unless pairs are replaced in place.
func (w *world) checkStillWorks(published *corev1.Secret) {
	if ak := w.accessKey("a"); ak != nil && !w.inPlace(ak) && !w.works(published) {
		w.violate("promise 4: the pair was given up although consumers may use it")
	}
}

// checkWindow expects a rotated pair to be from the first minute of five.
func (w *world) checkWindow(name string) {
	if status := w.accessKey(name).Status; status.Revision > 1 && status.IssuedAt.Minute()%5 > 0 {
		w.violate("the pair of AccessKey %s was rotated at %s, outside of its windows", name, status.IssuedAt)
	}
}

// checkNothingLeft expects no finalizers and no Secrets after the last AccessKey.
func (w *world) checkNothingLeft() {
	for _, object := range append(w.kube.All(kube.Secret), w.kube.All(kube.KeyService)...) {
		if slices.Contains(object.GetFinalizers(), v1alpha1.InUseFinalizer) {
			w.violate("%s has the in-use finalizer, and no AccessKey is left", object.GetName())
		}
		if object.GetLabels()[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue {
			w.violate("Secret %s was left behind", object.GetName())
		}
	}
}
