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
	published "accesskey.dev/operator/internal/secret"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/simulator"
)

const (
	// inPlaceGap bounds the time without a working pair while it is replaced in place: two minutes until an intent is settled, or
	// four where another AccessKey could have created the key, and a back-off.
	inPlaceGap = 6 * time.Minute
	// regenerationGap is the same where a pair is regenerated, which needs not be settled first: less than the two minutes in
	// which a request can be carried out.
	regenerationGap = 110 * time.Second
	// repairTime bounds how long the operator takes to repair what people broke. It notices a missing key within two resyncs,
	// because a reconcile can come just before the shared list is due.
	repairTime = 2*resync + inPlaceGap
)

// subject is what the test knows about an AccessKey.
type subject struct {
	name string
	// works: the Secret held a working pair at the last check, and since then only the operator acted.
	works bool
	// pair is the access key ID that the Secret held when it worked.
	pair string
	// begunInPlace: the open operation began with a strategy that replaces in place.
	begunInPlace bool
	// brokenUntil is the deadline for a working pair. It is zero while one works, and before the first is issued.
	brokenUntil time.Time
}

// excuse allows a Secret without a working pair because a person destroyed it. The operator has to repair it in time.
func (w *world) excuse(name string) {
	w.touched = true
	if s := w.subjects[name]; s != nil && s.works {
		s.works, s.brokenUntil = false, time.Now().Add(repairTime)
	}
}

// check checks the promises.
func (w *world) check() {
	if w.violation != "" {
		return
	}
	for _, s := range w.subjects {
		w.checkSecret(s)
	}
	if w.touched {
		w.touched = false
		w.checkForeign()
		w.checkAnnounced()
		w.checkConsumer()
	}
}

// checkSecret checks promise 1: the Secret always holds a working pair.
func (w *world) checkSecret(s *subject) {
	ak, _ := w.kube.Peek(kube.AccessKey, namespace, s.name).(*v1alpha1.AccessKey)
	if ak == nil || !ak.DeletionTimestamp.IsZero() {
		s.works, s.brokenUntil = false, time.Time{}
		return
	}
	secret := w.published(ak)
	s.begunInPlace = s.begunInPlace && w.operates(ak)
	switch {
	case w.works(secret):
		s.works, s.brokenUntil = true, time.Time{}
		s.pair = published.PairOf(secret).AccessKeyID
	case s.works && !w.mayPause(s, ak):
		w.violate("promise 1: the Secret of AccessKey %s holds no working pair", s.name)
	case s.works:
		s.works, s.brokenUntil = false, time.Now().Add(w.gap(ak))
	case !s.brokenUntil.IsZero() && !w.wild && time.Now().After(s.brokenUntil) && !getsNone(ak):
		w.violate("promise 1: the Secret of AccessKey %s holds no working pair for too long", s.name)
	}
}

// gap bounds the time without a working pair.
func (w *world) gap(ak *v1alpha1.AccessKey) time.Duration {
	if hidden := w.late && w.site.HidesLate; hidden || !w.site.Regenerates || !w.inPlace(ak) {
		return inPlaceGap
	}
	return regenerationGap
}

// works asks the data plane about the pair in a Secret. Values that a template made have to be of the same pair.
func (w *world) works(secret *corev1.Secret) bool {
	if secret == nil {
		return false
	}
	pair := published.PairOf(secret)
	rendered, ok := secret.Data[templated]
	return w.plane.Accepts(pair.AccessKeyID, pair.SecretAccessKey.Reveal()) && (!ok || string(rendered) == pair.AccessKeyID+":"+pair.SecretAccessKey.Reveal())
}

// mayPause reports whether no pair may work for a moment: it is replaced in place, it has expired at the service, or an earlier
// regeneration of the key has landed late.
func (w *world) mayPause(s *subject, ak *v1alpha1.AccessKey) bool {
	watches := ak.Status.Intent != nil && !ak.Status.Intent.LateUntil.IsZero() // an earlier regeneration can end the pair
	return w.inPlace(ak) || s.begunInPlace || w.expired(s) || watches
}

// inPlace reports whether the AccessKey's pairs are replaced in place.
func (w *world) inPlace(ak *v1alpha1.AccessKey) bool {
	return ak.Spec.Rotation.Strategy == v1alpha1.StrategyReplace || w.site.Quota == 1
}

// expired reports whether the service itself has ended the pair in the Secret.
func (w *world) expired(s *subject) bool {
	return slices.ContainsFunc(w.ownPairs(), func(pair simulator.Pair) bool {
		return pair.AccessKeyID == s.pair && time.Since(pair.CreatedAt) >= ttl
	})
}

// getsNone reports whether an AccessKey gets no new pair.
func getsNone(ak *v1alpha1.AccessKey) bool { return blocked(ak) || ak.Suspended() }

// blocked reports whether a person has to act.
func blocked(ak *v1alpha1.AccessKey) bool {
	stalled := meta.FindStatusCondition(ak.Status.Conditions, v1alpha1.ConditionStalled)
	return stalled != nil && slices.Contains([]string{
		v1alpha1.ReasonQuotaExceeded, v1alpha1.ReasonUserExists, v1alpha1.ReasonAmbiguousKeys,
	}, stalled.Reason)
}

// checkForeign checks promise 3: foreign keys are never touched.
func (w *world) checkForeign() {
	for _, pair := range w.site.History() {
		if slices.Contains(w.imported, pair.AccessKeyID) {
			continue
		}
		if pair.CreatedBy == simulator.Person && !pair.Live() && pair.DeletedBy != simulator.Person && !w.hidden(pair) {
			w.violate("promise 3: the operator deleted or regenerated the foreign key %s", pair.ID)
		}
		if pair.CreatedBy == simulator.Person && pair.Live() && !w.active(pair) {
			w.violate("promise 3: the operator disabled the foreign key %s", pair.ID)
		}
	}
}

// active reports whether a key that exists is not disabled.
func (w *world) active(pair simulator.Pair) bool {
	disabler, ok := w.site.Server.(interface{ Active(id string) bool })
	return !ok || disabler.Active(pair.ID)
}

// hidden reports whether the service listed the key only after an operation had begun, so that it looks like the operation's
// own (docs/testing.md).
func (w *world) hidden(pair simulator.Pair) bool {
	if w.hiddenKeys[pair.ID] {
		return true
	}
	hidden := w.site.Lag > 0 && slices.ContainsFunc(w.accessKeys(), func(ak *v1alpha1.AccessKey) bool {
		intent := ak.Status.Intent
		return intent != nil && intent.StartedAt.Sub(pair.CreatedAt.Truncate(time.Second)).Abs() <= w.site.Lag
	})
	if hidden && w.hiddenKeys == nil {
		w.hiddenKeys = map[string]bool{}
	}
	if hidden {
		w.hiddenKeys[pair.ID] = true
	}
	return hidden
}

// checkAge checks promise 4: no key works for more than its ttl and one resync.
func (w *world) checkAge() {
	for _, pair := range w.ownPairs() {
		if age := time.Since(pair.CreatedAt); age > ttl+resync && w.active(pair) && !w.anyBlocked() {
			w.violate("promise 4: key %s is %s old", pair.ID, age)
		}
	}
}

func (w *world) anyBlocked() bool {
	return slices.ContainsFunc(w.accessKeys(), blocked)
}

func (w *world) accessKeys() []*v1alpha1.AccessKey {
	var all []*v1alpha1.AccessKey
	for _, object := range w.kube.All(kube.AccessKey) {
		all = append(all, object.(*v1alpha1.AccessKey))
	}
	return all
}

// ownPairs returns the live pairs that the operator created.
func (w *world) ownPairs() []simulator.Pair {
	return slices.DeleteFunc(w.site.History(), func(pair simulator.Pair) bool {
		return !pair.Live() || pair.CreatedBy == simulator.Person
	})
}

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
