// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

// deed is something that happens to an AccessKey or to its surroundings. It answers what in words, or nothing if it
// can't happen just now.
type deed func(*world, *subject) string

type weighted struct {
	weight int
	do     deed
}

// deeds and how often they happen.
var deeds = []weighted{
	{8, outage}, {6, operatorDown},
	{8, foreignKeyMade}, {8, foreignKeyDeleted}, {4, ownKeyDeleted},
	{4, secretDeleted}, {4, secretEdited}, {4, secretRestored}, {3, secretForeign}, {3, secretFreed}, {3, templateChanged},
	{9, renewalAsked}, {4, ttlChanged}, {4, renamed}, {3, suspendToggled}, {3, grantToggled}, {2, heldToggled},
	{4, statusWiped}, {2, statusForged}, {2, intentForged},
	{2, deleted}, {1, retained}, {8, heeded},
}

// people do one thing. Where it takes away the last trace of a key that the operator made, no operator could find that
// key again, so it is forgiven; the wiped status of a published pair is no such case, nor is deleting the AccessKey.
func (w *world) people(s *subject) {
	var open []*operation
	for _, other := range w.subjects {
		if other.operation != nil && w.open(other.operation) {
			open = append(open, other.operation)
		}
	}
	for _, key := range w.service.keys {
		key.traced = key.by != nil && w.traces(key)
	}
	if text := w.someDeed()(w, s); text != "" {
		w.log("%s: %s", s.name, text)
		w.upset(w.now)
		w.forgiveLost(open)
	}
}

// forgiveLost forgives the keys, and the operations that were open, that nothing leads to any more.
func (w *world) forgiveLost(open []*operation) {
	for _, key := range w.service.keys {
		if key.traced && !w.traces(key) && key.by.subject.stored.ak != nil {
			w.log("  %s can't be found again", key.ID)
			key.forgiven = true
		}
	}
	for _, o := range open {
		o.forgiven = o.forgiven || !w.open(o) && o.subject.stored.ak != nil
	}
}

func (w *world) someDeed() deed {
	total, possible := 0, deeds
	if len(w.kind.strategies) > 0 {
		possible = append(slices.Clone(deeds), weighted{3, strategyToggled})
	}
	for _, d := range possible {
		total += d.weight
	}
	n := w.rng.IntN(total)
	for _, d := range possible {
		if n -= d.weight; n < 0 {
			return d.do
		}
	}
	panic("the weights don't add up")
}

// upset: something that kept the operator from its work ends at that time at the earliest.
func (w *world) upset(until time.Time) {
	for _, s := range w.subjects {
		s.disturbed = true
		if s.calmSince.Before(until) {
			s.calmSince = until
		}
		if s.freeSince.Before(until) {
			s.freeSince = until
		}
	}
}

func outage(w *world, _ *subject) string {
	if w.serviceDown() {
		return ""
	}
	w.service.downUntil = w.now.Add(w.someTime())
	w.upset(w.service.downUntil)
	return "the service is down until " + w.service.downUntil.Format(time.DateTime)
}

func operatorDown(w *world, _ *subject) string {
	if w.now.Before(w.downUntil) {
		return ""
	}
	w.downUntil = w.now.Add(w.someTime())
	w.upset(w.downUntil)
	return "the operator is stopped until " + w.downUntil.Format(time.DateTime)
}

func foreignKeyMade(w *world, _ *subject) string {
	if !w.service.room() || w.serviceDown() || w.kind.handles == bySlot {
		return ""
	}
	return "a person makes " + w.makeKey(nil, 0).ID
}

func (w *world) foreignKeys() []*serviceKey {
	return slices.DeleteFunc(slices.Clone(w.service.keys), func(key *serviceKey) bool { return key.by != nil })
}

func foreignKeyDeleted(w *world, _ *subject) string {
	foreign := w.foreignKeys()
	if len(foreign) == 0 || w.serviceDown() {
		return ""
	}
	id := pick(w, foreign...).ID
	w.removeForeign(id)
	return "a person deletes their " + id
}

// removeForeign: whoever deletes one of the candidates of an ambiguous intent says so that the rest are not ours, be it
// just before the candidates are written down.
func (w *world) removeForeign(id string) {
	w.dropKey(id)
	for _, s := range w.subjects {
		if s.operation == nil || !w.open(s.operation) {
			continue
		}
		if s.last.Verb == MarkAmbiguous || slices.Contains(s.stored.ak.Status.Intent.CandidateKeyIDs, id) {
			w.forgive(s.operation)
		}
	}
}

func (w *world) forgive(o *operation) {
	o.forgiven = true
	for _, key := range w.service.keys {
		key.forgiven = key.forgiven || key.by == o
	}
}

func ownKeyDeleted(w *world, s *subject) string {
	if s.stored.ak == nil || len(s.stored.ak.RecordedKeyIDs()) == 0 || w.serviceDown() {
		return ""
	}
	id := pick(w, s.stored.ak.RecordedKeyIDs()...)
	w.dropKey(id)
	return "a person deletes its " + id
}

func (s *subject) wantedSecret() (storedSecret, bool) {
	if s.stored.ak == nil {
		return storedSecret{}, false
	}
	return s.stored.secret(s.stored.ak.SecretName())
}

func secretDeleted(_ *world, s *subject) string {
	secret, ok := s.wantedSecret()
	if !ok {
		return ""
	}
	s.dropSecret(secret.name)
	return "a person deletes the Secret " + secret.name
}

func secretEdited(_ *world, s *subject) string {
	secret, ok := s.wantedSecret()
	if !ok || secret.foreign {
		return ""
	}
	secret.keyID = ""
	s.putSecret(secret)
	return "a person edits the Secret " + secret.name
}

func secretRestored(w *world, s *subject) string {
	if s.stored.ak == nil || len(s.written) == 0 {
		return ""
	}
	secret := pick(w, s.written...)
	if secret.name != s.stored.ak.SecretName() {
		return ""
	}
	s.putSecret(secret)
	return "a person restores the Secret " + secret.name + " with " + secret.keyID
}

func secretForeign(_ *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	s.putSecret(storedSecret{name: s.stored.ak.SecretName(), foreign: true})
	return "a person puts a Secret of their own in the place"
}

func secretFreed(_ *world, s *subject) string {
	secret, ok := s.wantedSecret()
	if !ok || !secret.foreign {
		return ""
	}
	s.dropSecret(secret.name)
	return "a person deletes their own Secret"
}

func templateChanged(_ *world, s *subject) string {
	secret, ok := s.wantedSecret()
	if !ok || secret.foreign || !secret.upToDate {
		return ""
	}
	secret.upToDate = false
	s.putSecret(secret)
	return "the Secret is out of date"
}

func renewalAsked(w *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	token := strconv.Itoa(w.rng.IntN(1000))
	s.change(func(ak *v1alpha1.AccessKey) { ak.Annotations = map[string]string{v1alpha1.RenewAnnotation: token} })
	return "a person asks for a renewal, token " + token
}

func ttlChanged(w *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	ttl := w.someTTL()
	s.excused = s.excused || w.kind.expires // the pair ends by the old one, which only the service knows
	s.changeSpec(func(ak *v1alpha1.AccessKey) {
		ak.Spec.TTL, ak.Spec.RenewBefore = ttl, nil
		if ttl != nil && w.chance(30) {
			ak.Spec.RenewBefore = &metav1.Duration{Duration: ttl.Duration / 4}
		}
	})
	if ttl == nil {
		return "the ttl is taken away"
	}
	return "the ttl is now " + ttl.Duration.String()
}

func renamed(_ *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	s.renamed = s.stored.ak.Status.Intent != nil
	s.changeSpec(func(ak *v1alpha1.AccessKey) {
		if ak.Spec.SecretName == "" {
			ak.Spec.SecretName = ak.Name + "-2"
		} else {
			ak.Spec.SecretName = ""
		}
	})
	return "the wanted Secret is now " + s.stored.ak.SecretName()
}

func suspendToggled(_ *world, s *subject) string {
	if s.stored.ak == nil {
		return ""
	}
	suspend := s.stored.ak.Spec.Suspend == nil
	s.changeSpec(func(ak *v1alpha1.AccessKey) {
		ak.Spec.Suspend = nil
		if suspend {
			ak.Spec.Suspend = ptr.To(true)
		}
	})
	return "suspend is " + strconv.FormatBool(suspend)
}

func grantToggled(_ *world, s *subject) string {
	s.granted = !s.granted
	return "granted is " + strconv.FormatBool(s.granted)
}

func heldToggled(_ *world, s *subject) string {
	s.held = !s.held
	return "held is " + strconv.FormatBool(s.held)
}
