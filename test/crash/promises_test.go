// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/simulator"
)

const (
	// inPlaceGap is how long at most no pair works while one is replaced in place: two minutes until an intent is settled, or
	// four where another AccessKey could have made the key, and a back-off.
	inPlaceGap = 6 * time.Minute
	// mending is how long it takes at most until the operator has mended what people broke. A key that vanished is noticed
	// within two resyncs: a pass can come just before the shared listing is due.
	mending = 2*resync + inPlaceGap
)

// subject is what is known of an AccessKey beside what the API server has.
type subject struct {
	name string
	// works: the Secret held a pair that works when it was last looked at, and since then only the operator acted.
	works bool
	// pair is the access key ID that the Secret held when it worked.
	pair string
	// begunInPlace: the strategy was another one when the operation that is open began.
	begunInPlace bool
	// brokenUntil is until when it has to work again; zero while it does, or before the first issue.
	brokenUntil time.Time
}

// excuse a Secret whose pair people took away. It has to be mended in time all the same.
func (w *world) excuse(name string) {
	w.touched = true
	if s := w.subjects[name]; s != nil && s.works {
		s.works, s.brokenUntil = false, time.Now().Add(mending)
	}
}

// check holds the world to its promises.
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
	}
}

// checkSecret: promise 1, the Secret always holds a pair that works.
func (w *world) checkSecret(s *subject) {
	ak, _ := w.kube.Peek(kube.AccessKey, namespace, s.name).(*v1alpha1.AccessKey)
	if ak == nil || !ak.DeletionTimestamp.IsZero() {
		s.works, s.brokenUntil = false, time.Time{}
		return
	}
	secret, _ := w.kube.Peek(kube.Secret, namespace, ak.SecretName()).(*corev1.Secret)
	s.begunInPlace = s.begunInPlace && ak.Status.Intent != nil
	switch {
	case w.works(secret):
		s.works, s.brokenUntil = true, time.Time{}
		s.pair = string(secret.Data[v1alpha1.SecretKeyAccessKeyID])
	case s.works && !w.mayPause(s, ak):
		w.violate("promise 1: the Secret of AccessKey %s holds no pair that works", s.name)
	case s.works:
		s.works, s.brokenUntil = false, time.Now().Add(w.gap(s))
	case !s.brokenUntil.IsZero() && !w.wild && time.Now().After(s.brokenUntil) && !blocked(ak):
		w.violate("promise 1: the Secret of AccessKey %s holds no pair that works for too long", s.name)
	}
}

// gap is how long no pair may work when that is allowed. What was issued by a clock that was set back while no operator ran, the
// operator takes for younger than it is.
func (w *world) gap(s *subject) time.Duration {
	if w.lives > 1 && w.expired(s) {
		return inPlaceGap + w.clockError
	}
	return inPlaceGap
}

// works is the data plane.
func (w *world) works(secret *corev1.Secret) bool {
	return secret != nil && w.site.server.Valid(
		string(secret.Data[v1alpha1.SecretKeyAccessKeyID]), string(secret.Data[v1alpha1.SecretKeySecretAccessKey]))
}

// mayPause: no pair works for a moment, because it is replaced in place, or ended at the service by itself.
func (w *world) mayPause(s *subject, ak *v1alpha1.AccessKey) bool {
	return w.inPlace(ak) || s.begunInPlace || w.expired(s)
}

// inPlace: the AccessKey's pairs are replaced in place, so that for a moment none works.
func (w *world) inPlace(ak *v1alpha1.AccessKey) bool {
	return ak.Spec.Rotation.Strategy == v1alpha1.StrategyReplace || !w.site.overlap
}

// expired: the pair that the Secret held has come to its end at the service by itself.
func (w *world) expired(s *subject) bool {
	return slices.ContainsFunc(w.ownPairs(), func(pair simulator.Pair) bool {
		return pair.AccessKeyID == s.pair && time.Since(pair.CreatedAt) >= ttl
	})
}

// blocked: a person has to make room.
func blocked(ak *v1alpha1.AccessKey) bool {
	stalled := meta.FindStatusCondition(ak.Status.Conditions, v1alpha1.ConditionStalled)
	return stalled != nil && slices.Contains([]string{
		v1alpha1.ReasonQuotaExceeded, v1alpha1.ReasonUserExists, v1alpha1.ReasonAmbiguousKeys, v1alpha1.ReasonKeyNotOurs,
	}, stalled.Reason)
}

// checkForeign: promise 3, a foreign key is never touched.
func (w *world) checkForeign() {
	for _, pair := range w.site.server.History() {
		if pair.CreatedBy == simulator.Person && !pair.Live() && pair.DeletedBy != simulator.Person && !w.hidden(pair) {
			w.violate("promise 3: the operator deleted or renewed key %s, which a person made", pair.ID)
		}
		if disabler, ok := w.site.server.(interface{ Active(id string) bool }); ok &&
			pair.CreatedBy == simulator.Person && pair.Live() && !disabler.Active(pair.ID) {
			w.violate("promise 3: the operator disabled key %s, which a person made", pair.ID)
		}
	}
}

// hidden: the service did not list the key yet when an operation began, so that it looks like what that made (docs/testing.md).
func (w *world) hidden(pair simulator.Pair) bool {
	if w.hiddenKeys[pair.ID] {
		return true
	}
	hidden := w.site.listsLate > 0 && slices.ContainsFunc(w.accessKeys(), func(ak *v1alpha1.AccessKey) bool {
		intent := ak.Status.Intent
		return intent != nil && intent.StartedAt.Sub(pair.CreatedAt.Truncate(time.Second)).Abs() <= w.site.listsLate+w.clockError
	})
	if hidden && w.hiddenKeys == nil {
		w.hiddenKeys = map[string]bool{}
	}
	if hidden {
		w.hiddenKeys[pair.ID] = true
	}
	return hidden
}

// checkAge: promise 4, no key outlives its ttl, but for the time of one resync.
func (w *world) checkAge() {
	for _, pair := range w.ownPairs() {
		if age := time.Since(pair.CreatedAt); age > ttl+resync+w.clockError && !w.anyBlocked() {
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

// ownPairs are the pairs that the operator made and that were not deleted.
func (w *world) ownPairs() []simulator.Pair {
	return slices.DeleteFunc(w.site.server.History(), func(pair simulator.Pair) bool {
		return !pair.Live() || pair.CreatedBy == simulator.Person
	})
}

// settle lets everything come to its end, and checks what then has to hold.
func (w *world) settle() {
	w.run(mending)
	w.runUntil(10*time.Minute, w.atRest) // a rotation can have begun just now
	if w.violation != "" {
		return
	}
	w.checkAge()
	w.checkLeaks()
	for _, ak := range w.accessKeys() {
		w.checkRest(ak)
	}
	if len(w.accessKeys()) == 0 {
		w.checkNothingLeft()
	}
}

// atRest: no AccessKey is being worked on.
func (w *world) atRest() bool {
	return !w.busy() && !slices.ContainsFunc(w.accessKeys(), func(ak *v1alpha1.AccessKey) bool {
		between := ak.Status.KeyID == "" && !blocked(ak) // one key was given up, and the next is not asked for yet
		return between || ak.Status.Intent != nil || w.secret(ak.SecretName()+"-next") != nil
	})
}

// checkLeaks: promise 2, each key that the operator made is recorded.
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

// checkRest: an AccessKey that was left alone is Ready, and says so only if its pair works.
func (w *world) checkRest(ak *v1alpha1.AccessKey) {
	ready := meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady)
	works := w.works(w.secret(ak.SecretName()))
	// With a clock that was wrong at the issue, ONTAP ends a pair before the operator expects it.
	early := w.clockError > 0 && w.expired(w.subjects[ak.Name])
	switch {
	case !ak.DeletionTimestamp.IsZero():
		w.violate("promise 2: AccessKey %s is still being deleted", ak.Name)
	case early:
	case ready != works && !blocked(ak): // one that is can have expired at the service since the last resync
		w.violate("AccessKey %s is Ready: %t, but its pair works: %t", ak.Name, ready, works)
	case blocked(ak):
	case !works:
		w.violate("promise 1: AccessKey %s has no pair that works in the end", ak.Name)
	case ak.Status.Intent != nil:
		w.violate("the intent of AccessKey %s is still open", ak.Name)
	case w.secret(ak.SecretName()+"-next") != nil:
		w.violate("Secret %s-next was left behind", ak.SecretName())
	}
}

// checkNothingLeft: after the last AccessKey nothing is held and nothing is left.
func (w *world) checkNothingLeft() {
	for _, object := range append(w.kube.All(kube.Secret), w.kube.All(kube.KeyService)...) {
		if slices.Contains(object.GetFinalizers(), v1alpha1.InUseFinalizer) {
			w.violate("%s is still held, and no AccessKey is left", object.GetName())
		}
		if object.GetLabels()[v1alpha1.ManagedByLabel] == v1alpha1.ManagedByValue {
			w.violate("Secret %s was left behind", object.GetName())
		}
	}
}
