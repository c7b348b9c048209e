// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// view of one AccessKey and of the Secrets under its names. What it holds is never changed, only replaced.
type view struct {
	ak      *v1alpha1.AccessKey // nil once it is gone
	secrets []storedSecret
}

type storedSecret struct {
	name string
	// foreign: not controlled by the AccessKey.
	foreign bool
	// keyID whose pair is really in the data, and which one; empty after an edit.
	keyID, accessKeyID string
	pair               int
	record             Record
	upToDate           bool
}

func (v view) secret(name string) (storedSecret, bool) {
	i := slices.IndexFunc(v.secrets, func(s storedSecret) bool { return s.name == name })
	if i < 0 {
		return storedSecret{}, false
	}
	return v.secrets[i], true
}

// wanted is what the planner sees of the Secret under the wanted name.
func (v view) wanted() Secret { return v.seen(v.ak.SecretName()) }

func (v view) seen(name string) Secret {
	found, ok := v.secret(name)
	switch {
	case !ok:
		return Secret{State: SecretAbsent}
	case found.foreign:
		return Secret{State: SecretForeign}
	case found.keyID != found.record.KeyID:
		return Secret{State: SecretEdited}
	default:
		return Secret{State: SecretIntact, Record: found.record, UpToDate: found.upToDate}
	}
}

func (v view) former() []FormerSecret {
	var former []FormerSecret
	for _, s := range v.secrets {
		if s.name != v.ak.SecretName() && s.name != NextSecretName(v.ak) && !s.foreign {
			former = append(former, FormerSecret{Name: s.name, KeyID: s.record.KeyID, AccessKeyID: s.record.AccessKeyID})
		}
	}
	return former
}

func (s *subject) putSecret(secret storedSecret) {
	s.dropSecret(secret.name)
	s.stored.secrets = append(s.stored.secrets, secret)
}

func (s *subject) dropSecret(name string) {
	s.stored.secrets = slices.DeleteFunc(slices.Clone(s.stored.secrets), func(s storedSecret) bool { return s.name == name })
}

func (w *world) newSubject(name string) *subject {
	ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{
		Name:              name,
		UID:               types.UID(name + strconv.Itoa(w.rng.IntN(1000))),
		Generation:        1,
		ResourceVersion:   "1",
		CreationTimestamp: metav1.NewTime(w.now),
	}}
	ak.Spec.TTL = w.someTTL()
	s := &subject{name: name, stored: view{ak: ak}, granted: true, held: true, due: w.now, calmSince: w.now, freeSince: w.now}
	if len(w.kind.strategies) > 0 {
		ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: pick(w, w.kind.strategies...)}
	}
	if ak.Spec.TTL != nil && w.chance(30) {
		ak.Spec.RenewBefore = &metav1.Duration{Duration: ak.Spec.TTL.Duration / 2}
	}
	s.cached = s.stored
	w.log("%s is applied: ttl %v, quota %d, %+v", name, ak.Spec.TTL, w.service.quota, ak.Spec.Rotation)
	return s
}

func (w *world) someTTL() *metav1.Duration {
	ttl := pick(w, 0, 30*time.Minute, 2*time.Hour, 24*time.Hour)
	if ttl == 0 {
		return nil
	}
	return &metav1.Duration{Duration: ttl}
}

// change replaces the stored AccessKey, as anyone may.
func (s *subject) change(how func(*v1alpha1.AccessKey)) {
	ak := s.stored.ak.DeepCopy()
	how(ak)
	version, _ := strconv.Atoi(ak.ResourceVersion) // always one that change wrote
	ak.ResourceVersion = strconv.Itoa(version + 1)
	s.stored.ak = ak
	if !ak.DeletionTimestamp.IsZero() && len(ak.Finalizers) == 0 {
		s.stored = view{} // and its Secrets with it
	}
}

// changeSpec is a change that the generation counts.
func (s *subject) changeSpec(how func(*v1alpha1.AccessKey)) {
	s.change(func(ak *v1alpha1.AccessKey) {
		how(ak)
		ak.Generation++
	})
}

func (w *world) refreshCaches() {
	for _, s := range w.subjects {
		s.cached = s.stored
	}
}

// observe builds the input: from the caches, or live. As in the controller, what other AccessKeys claim and the Secrets
// under former names come from the cache even then, and whether the user is busy from a lock in memory.
func (w *world) observe(s *subject, live bool) Input {
	seen := s.cached
	if live {
		seen = s.stored
	}
	in := Input{
		Now:           w.now,
		AccessKey:     seen.ak,
		Live:          live,
		Secret:        seen.wanted(),
		Next:          seen.seen(NextSecretName(seen.ak)),
		FormerSecrets: view{ak: seen.ak, secrets: s.cached.secrets}.former(),
		Service:       Service{KeysPerUser: w.service.quota, Overlap: w.service.quota != 1, Regenerates: w.kind.renews, Held: s.held},
		Granted:       s.granted,
		UserBusy:      w.busy(s),
	}
	if !w.serviceDown() {
		in.Service.ReadySince = w.service.downUntil
	}
	if !live {
		in.Keys = w.resynced(seen.ak)
		return in
	}
	for _, key := range w.service.keys {
		in.Keys = append(in.Keys, Key{Key: w.listing(key), Claimed: w.claimed(s, key.ID)})
	}
	return in
}

// resynced are the recorded keys that the last resync does not deny.
func (w *world) resynced(ak *v1alpha1.AccessKey) []Key {
	var keys []Key
	add := func(id, accessKeyID string, issuedAt time.Time) {
		key := keyservice.Key{ID: id, AccessKeyID: accessKeyID, CreatedAt: issuedAt}
		if !w.service.denies(key) {
			keys = append(keys, Key{Key: key})
		}
	}
	if ak.Status.KeyID != "" {
		add(ak.Status.KeyID, ak.Status.AccessKeyID, ak.Status.IssuedAt.Time)
	}
	for i := range ak.Status.PreviousKeys {
		previous := &ak.Status.PreviousKeys[i]
		add(previous.KeyID, previous.AccessKeyID, previous.IssuedAt.Time)
	}
	return keys
}

func (w *world) busy(s *subject) bool {
	return slices.ContainsFunc(w.subjects, func(other *subject) bool {
		return other != s && other.stored.ak != nil && other.stored.ak.Status.Intent != nil
	})
}

// claimed: another AccessKey records or publishes the key.
func (w *world) claimed(s *subject, id string) bool {
	return slices.ContainsFunc(w.subjects, func(other *subject) bool {
		if other == s || other.cached.ak == nil {
			return false
		}
		published := func(s storedSecret) bool { return !s.foreign && s.record.KeyID == id }
		return slices.Contains(other.cached.ak.RecordedKeyIDs(), id) || slices.ContainsFunc(other.cached.secrets, published)
	})
}
