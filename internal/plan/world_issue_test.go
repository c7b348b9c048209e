// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

func (w *world) newIntent(in Input, operation v1alpha1.Operation) *v1alpha1.Intent {
	intent := &v1alpha1.Intent{
		Operation: operation, Revision: NextRevision(in), StartedAt: metav1.NewTime(w.now), Renewal: in.RenewalToken(),
	}
	for _, key := range in.Keys {
		intent.KnownKeyIDs = append(intent.KnownKeyIDs, key.ID)
	}
	return intent
}

// issueKey follows the design's order: intent, service, Secret, status.
func (w *world) issueKey(s *subject, in Input) bool {
	intent := w.newIntent(in, v1alpha1.OperationCreate)
	intent.KeyID = w.chooseID(s, intent.Revision)
	return w.obtainPair(s, in, intent, w.createKey)
}

// renewPair does so with a key that is there, or that an open intent may have made.
func (w *world) renewPair(s *subject, in Input, id string) bool {
	intent := w.newIntent(in, v1alpha1.OperationRegenerate)
	intent.KeyID = id
	if open := in.AccessKey.Status.Intent; open != nil {
		intent.Revision, intent.Renewal, intent.KnownKeyIDs = open.Revision, open.Renewal, open.KnownKeyIDs
	}
	return w.obtainPair(s, in, intent, w.renewKey)
}

func (w *world) obtainPair(s *subject, in Input, intent *v1alpha1.Intent, call func(*operation) (*serviceKey, error)) bool {
	open, before := in.AccessKey.Status.Intent, s.operation
	if !w.begin(s, in, intent) {
		return true
	}
	version := s.stored.ak.ResourceVersion
	if !w.meanwhile() {
		return false
	}
	key, err := call(s.operation)
	switch {
	case errors.Is(err, errRefused):
		failed := w.fail(s, version, func(ak *v1alpha1.AccessKey) { ak.Status.Intent = open })
		if open != nil && w.reopened(s, before) {
			s.operation = before
		}
		return failed
	case err != nil:
		return w.fail(s, version, nothingMore)
	}
	w.log("  a pair of %s is made", key.ID)
	if !w.meanwhile() {
		return false
	}
	pair := storedSecret{keyID: key.ID, accessKeyID: key.AccessKeyID, pair: key.pair}
	if w.listing(key).State == keyservice.Pending {
		return w.stage(s, in, intent, pair, version)
	}
	return w.publishPair(s, in, intent, pair, version)
}

// begin writes the intent of an operation.
func (w *world) begin(s *subject, in Input, intent *v1alpha1.Intent) bool {
	before := s.operation
	if !w.write(s, in.AccessKey.ResourceVersion, func(ak *v1alpha1.AccessKey) { ak.Status.Intent = intent }) {
		return false
	}
	s.operation = &operation{
		subject: s, revision: intent.Revision, startedAt: w.now, keyID: intent.KeyID, uid: string(in.AccessKey.UID),
		replaces: intent.Operation == v1alpha1.OperationRegenerate && (in.Replaces() || before != nil && before.replaces && in.AccessKey.Status.Intent != nil),
	}
	if in.AccessKey.Spec.TTL != nil {
		s.operation.ttl = in.AccessKey.Spec.TTL.Duration
	}
	return true
}

// reopened: the intent of the operation before is there again.
func (w *world) reopened(s *subject, before *operation) bool {
	last := s.operation
	s.operation = before
	open := before != nil && w.open(before)
	s.operation = last
	return open
}

// stage keeps a pair that does not work yet in the next Secret.
func (w *world) stage(s *subject, in Input, intent *v1alpha1.Intent, pair storedSecret, version string) bool {
	pair.name, pair.record = NextSecretName(in.AccessKey), w.planner.record(in, intent, keyservice.Key{ID: pair.keyID, AccessKeyID: pair.accessKeyID})
	if written, _ := w.publish(s, pair); !written {
		return w.fail(s, version, nothingMore)
	}
	return true
}

func (w *world) publishWaiting(s *subject, in Input) bool {
	waiting, ok := s.stored.secret(NextSecretName(in.AccessKey))
	if !ok {
		return true
	}
	return w.publishPair(s, in, in.AccessKey.Status.Intent, storedSecret{keyID: waiting.keyID, accessKeyID: waiting.accessKeyID, pair: waiting.pair}, in.AccessKey.ResourceVersion)
}

func (w *world) publishPair(s *subject, in Input, intent *v1alpha1.Intent, pair storedSecret, version string) bool {
	pair.name, pair.record = in.AccessKey.SecretName(), w.planner.record(in, intent, keyservice.Key{ID: pair.keyID, AccessKeyID: pair.accessKeyID})
	if published, refused := w.publish(s, pair); !published {
		return w.fail(s, version, w.takeBack(s, in, intent, pair.keyID, refused))
	}
	if w.meanwhile() {
		w.record(s, version, true, pair.record.Apply)
		return true
	}
	return false
}

// takeBack: a key that can't be published is deleted at once, unless it was renewed, or the write may have been carried out.
func (w *world) takeBack(s *subject, in Input, intent *v1alpha1.Intent, id string, refused bool) func(*v1alpha1.AccessKey) {
	if !refused || intent.Operation == v1alpha1.OperationRegenerate || !w.deleteKey(s, in, id, false) {
		return nothingMore
	}
	return clearIntent
}

// publish writes the Secret, but never over a foreign one. refused: it is certain that nothing was written.
func (w *world) publish(s *subject, secret storedSecret) (published, refused bool) {
	if found, ok := s.stored.secret(secret.name); ok && found.foreign {
		w.log("  the Secret is foreign by now")
		return false, true
	}
	failed := w.chance(w.odds.failedWrite)
	if failed {
		w.log("  the answer to the Secret's write is lost")
	}
	if !failed || w.chance(50) {
		w.writes++
		secret.upToDate = true
		w.keepServing(s, false, func() { s.putSecret(secret) })
		w.checkPublished(s, secret)
		s.written = append(s.written, secret)
	}
	return !failed, false
}
