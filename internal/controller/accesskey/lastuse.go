// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// uses remembers what the services told about the use of previous keys. A process that has just started asks again.
type uses struct{ byName sync.Map }

// of returns what is known of the previous keys of an AccessKey, by key ID. It is never changed.
func (u *uses) of(name types.NamespacedName) map[string]plan.Use {
	value, _ := u.byName.Load(name)
	known, _ := value.(map[string]plan.Use)
	return known
}

// note remembers what is known of a key.
func (u *uses) note(name types.NamespacedName, keyID string, use plan.Use) {
	known := maps.Clone(u.of(name))
	if known == nil {
		known = map[string]plan.Use{}
	}
	known[keyID] = use
	u.byName.Store(name, known)
}

// prune forgets the keys that are not recorded any more.
func (u *uses) prune(name types.NamespacedName, recorded []string) {
	known := u.of(name)
	if len(known) == 0 {
		return
	}
	left := maps.Clone(known)
	maps.DeleteFunc(left, func(id string, _ plan.Use) bool { return !slices.Contains(recorded, id) })
	u.byName.Store(name, left)
}

func (u *uses) forget(name types.NamespacedName) { u.byName.Delete(name) }

// askLastUse asks the service when previous keys were last used. If it does not tell, they count as in use; nothing else depends on
// the answer, so an error is no failure of the AccessKey.
func (r *Reconciler) askLastUse(ctx context.Context, s *scope) error {
	for _, id := range s.in.AskFor() {
		before := s.in.Uses[id]
		use := plan.Use{AskedAt: s.in.Now, LastUsedAt: before.LastUsedAt}
		at, err := r.lastUsed(ctx, s, id)
		if err == nil {
			use.Known, use.LastUsedAt = true, at
		} else {
			log.FromContext(ctx).V(1).Info("Could not read the last use of a key", "keyID", id, "error", err.Error())
		}
		if err != nil && (before.AskedAt.IsZero() || before.Known) {
			s.noteLastUseUnknown(id, err)
		}
		r.uses.note(s.name, id, use)
	}
	s.in.Uses = r.uses.of(s.name)
	return nil
}

// lastUsed returns when a key was last used, in the operator's time.
func (r *Reconciler) lastUsed(ctx context.Context, s *scope, keyID string) (time.Time, error) {
	if s.connection == nil {
		return time.Time{}, s.connectErr
	}
	reporter, ok := s.connection.Service.(keyservice.LastUsedReporter)
	if !ok {
		return time.Time{}, errors.New("the service does not tell the last use")
	}
	at, err := reporter.LastUsed(ctx, s.user(), keyID)
	if err != nil || at.IsZero() {
		return time.Time{}, err
	}
	offset, _ := s.connection.Clock.Offset()
	return at.Add(-offset), nil
}

// recordUses records the last use of the previous keys, and reports a consumer that has not loaded the current pair.
func (r *Reconciler) recordUses(s *scope) {
	status := &s.ak.Status
	r.uses.prune(s.name, s.ak.RecordedKeyIDs())
	for i := range status.PreviousKeys {
		previous := &status.PreviousKeys[i]
		if !s.in.RecordUse(previous) {
			continue
		}
		s.note(corev1.EventTypeWarning, v1alpha1.EventPreviousKeyInUse, "Revoke",
			"Access key %s, which was replaced at %s, was still used at %s, and stops working at %s: a consumer has not loaded the current pair from Secret %s; find it and restart it",
			plan.ShortID(previous.AccessKeyID), rfc3339(previous.ReplacedAt.Time), rfc3339(previous.LastUsedAt.Time), rfc3339(previous.RevokeAt.Time), status.SecretName)
	}
}

// noteLastUseUnknown tells why a key is not revoked early although the spec asks for it.
func (s *scope) noteLastUseUnknown(keyID string, err error) {
	rotation := s.ak.Spec.Rotation
	if rotation == nil || rotation.RevokePrevious != v1alpha1.RevokeWhenIdle {
		return
	}
	s.note(corev1.EventTypeWarning, v1alpha1.EventLastUseUnknown, "Revoke", "The service did not tell when key %s was last used, so it counts as in use: %s", keyID, err.Error())
}

// idleSince says in words that a previous key is revoked early, because it is idle; empty if it is not.
func (s *scope) idleSince(keyID string) string {
	since, idle := s.in.Idle(keyID)
	if !idle {
		return ""
	}
	return ", which nobody has used since " + rfc3339(since)
}
