// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import "accesskey.dev/operator/api/v1alpha1"

// revoke deletes a key at the service, disabled first where it can be, and then records that. Where the deletion takes
// a while, the record stays.
func (w *world) revoke(s *subject, in Input, action Action) bool {
	version, id := in.AccessKey.ResourceVersion, action.KeyID
	replaces := in.Replaces() && id == in.AccessKey.Status.KeyID
	if w.kind.disables {
		if !w.disableKey(s, in, id, replaces) {
			return w.fail(s, version, nothingMore)
		}
		if !w.meanwhile() {
			return false
		}
	}
	if !w.deleteKey(s, in, id, replaces) {
		return w.fail(s, version, func(ak *v1alpha1.AccessKey) { MarkDisabled(&ak.Status, id) })
	}
	if !w.meanwhile() {
		return false
	}
	w.record(s, version, true, func(ak *v1alpha1.AccessKey) {
		if !w.kind.deletesLater {
			Drop(&ak.Status, id)
		}
	})
	return true
}

func (w *world) deleteOrphan(s *subject, in Input, id string) bool {
	version := in.AccessKey.ResourceVersion
	if !w.deleteKey(s, in, id, false) {
		return w.fail(s, version, nothingMore)
	}
	if !w.meanwhile() {
		return false
	}
	w.record(s, version, false, clearIntent)
	return true
}

func (w *world) disableKey(s *subject, in Input, id string, replaces bool) bool {
	w.calls++
	if w.serviceDown() {
		return false
	}
	w.checkDelete(s, in, id)
	w.keepServing(s, replaces, func() {
		if key := w.service.find(id); key != nil {
			key.disabled = true
		}
	})
	return true
}

func (w *world) deleteKey(s *subject, in Input, id string, replaces bool) bool {
	w.calls++
	if w.serviceDown() {
		return false
	}
	w.checkDelete(s, in, id)
	w.keepServing(s, replaces, func() { w.dropKey(id) })
	return true
}

// checkGone holds promise 2 against letting go: a deletion that was only accepted can still fail.
func (w *world) checkGone(s *subject) {
	if s.stored.ak == nil || s.stored.ak.Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain {
		return
	}
	for _, id := range s.stored.ak.RecordedKeyIDs() {
		if key := w.service.find(id); key != nil && key.by != nil && key.by.subject == s && !key.goneAt.IsZero() {
			w.violate(2, "%s lets go while %s is not gone yet", s.name, id)
		}
	}
}

// adopt records the published pair. That it is not the key's last one can't be seen once status is lost.
func (w *world) adopt(s *subject, in Input) {
	published, ok := s.wantedSecret()
	if ok && in.AccessKey.Status.Intent == nil && !w.valid(published.keyID, published.pair) {
		s.excused = true
	}
	w.record(s, in.AccessKey.ResourceVersion, true, in.Secret.Record.Apply)
}

// checkPublished holds promise 1 against what is put into the wanted Secret: a pair that does not work yet is none.
func (w *world) checkPublished(s *subject, secret storedSecret) {
	if s.stored.ak == nil || secret.name != s.stored.ak.SecretName() {
		return
	}
	if key := w.service.find(secret.keyID); key != nil && key.pair == secret.pair && w.now.Before(key.worksFrom) {
		w.violate(1, "%s publishes %s, which does not work yet", s.name, secret.keyID)
	}
	ttl := s.stored.ak.Spec.TTL
	told := ttl == nil && s.operation.ttl == 0 || ttl != nil && s.operation.ttl == ttl.Duration
	s.excused = s.excused && (!told || !w.valid(secret.keyID, secret.pair))
}
