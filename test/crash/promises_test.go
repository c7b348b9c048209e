// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"accesskey.dev/operator/api/v1alpha1"
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
		s.pair = w.pairIn(secret).AccessKeyID
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
	pair := w.pairIn(secret)
	rendered, ok := secret.Data[templated]
	return w.plane.Accepts(pair.AccessKeyID, pair.SecretAccessKey.Reveal()) && (!ok || string(rendered) == pair.AccessKeyID+":"+pair.SecretAccessKey.Reveal())
}

// pairIn returns the pair in a Secret that the API server has, or had. It is read once for each version, because that takes long.
func (w *world) pairIn(secret *corev1.Secret) published.Pair {
	pair, known := w.pairs[secret.ResourceVersion]
	if !known {
		pair = published.PairOf(secret)
		w.pairs[secret.ResourceVersion] = pair
	}
	return pair
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
