// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// maxPause is how long this process may have been suspended between the intent and the request. After a longer pause, another
// replica may have become the leader.
const maxPause = 5 * time.Second

// create creates a key, publishes it and records it.
func (r *Reconciler) create(ctx context.Context, s *scope, action plan.Action) error {
	intent := newIntent(s, v1alpha1.OperationCreate)
	if chooser, ok := s.connection.Service.(keyservice.HandleChooser); ok {
		intent.KeyID = chooser.ChooseID(s.user(), ownerOf(s.ak), intent.Revision, plainKeys(s.in.Keys))
	}
	return r.obtain(ctx, s, action, intent, func() (keyservice.Credential, error) {
		return s.connection.Create(ctx, s.user(), keyservice.CreateRequest{ID: intent.KeyID, Owner: ownerOf(s.ak), TTL: ttlOf(s.ak)})
	})
}

// regenerate generates a new pair in a key, publishes it and records it. It rotates in place, and it settles an operation whose
// response was lost.
func (r *Reconciler) regenerate(ctx context.Context, s *scope, action plan.Action) error {
	regenerator, ok := s.connection.Service.(keyservice.Regenerator)
	if !ok {
		return &keyservice.Error{Kind: keyservice.Invalid, Op: "regenerate key " + action.KeyID, Err: errors.New("the service cannot regenerate keys")}
	}
	intent := newIntent(s, v1alpha1.OperationRegenerate)
	intent.KeyID = action.KeyID
	if open := s.ak.Status.Intent; open != nil {
		intent.Revision, intent.Renewal, intent.KnownKeyIDs = open.Revision, open.Renewal, open.KnownKeyIDs
	}
	return r.obtain(ctx, s, action, intent, func() (keyservice.Credential, error) {
		return regenerator.Regenerate(ctx, s.user(), action.KeyID, ttlOf(s.ak))
	})
}

// begin starts an operation: it writes the intent, so that a crash at any later point leaves a trace. report sets what else the
// status says meanwhile.
func (r *Reconciler) begin(ctx context.Context, s *scope, intent *v1alpha1.Intent, report func()) error {
	if !r.users.acquire(s.lockedUser(), s.name, r.Clock.Now()) {
		return errUserBusy
	}
	s.ak.Status.Intent, s.ak.Status.UserID = intent, s.in.UserID
	report()
	return r.patchStatus(ctx, s)
}

// obtain sends the one request that cannot be replayed.
func (r *Reconciler) obtain(ctx context.Context, s *scope, action plan.Action, intent *v1alpha1.Intent, call func() (keyservice.Credential, error)) error {
	if err := r.takeOver(ctx, s); err != nil {
		return err
	}
	open, before := s.ak.Status.Intent, wallClock()
	if err := r.begin(ctx, s, intent, func() { recordIntent(s, action) }); err != nil {
		return err
	}
	if wallClock().Sub(before) > maxPause {
		s.ak.Status.Intent = open
		return &keyservice.Error{Kind: keyservice.Unavailable, Op: "start operation", Err: errors.New("writing the intent took so long that another replica may be active")}
	}
	credential, err := call()
	if err != nil {
		if keyservice.KindOf(err) != keyservice.Ambiguous {
			s.ak.Status.Intent = open
		}
		if keyservice.KindOf(err) == keyservice.NotFound { // the user may have been created again with another ID
			s.in.UserID = ""
		}
		return err
	}
	credential.ExpiresAt = s.connection.Clock.Ends(credential.ExpiresAt)
	if credential.State == keyservice.Pending {
		return r.stage(ctx, s, credential, intent)
	}
	return r.publishAndRecord(ctx, s, action, credential, intent)
}

// publishAndRecord writes a pair to the Secret, and to the status that is patched at the end.
func (r *Reconciler) publishAndRecord(ctx context.Context, s *scope, action plan.Action, credential keyservice.Credential, intent *v1alpha1.Intent) error {
	version, content, err := r.publish(ctx, s, s.ak.SecretName(), credential, intent)
	if err != nil {
		return r.rollBack(ctx, s, credential, err)
	}
	previous := s.ak.Status.AccessKeyID
	if err := r.record(ctx, s, content, version); err != nil {
		return err
	}
	// A regenerated key is still listed as it was before, perhaps as expired.
	s.in.Keys = slices.DeleteFunc(slices.Clone(s.in.Keys), func(key plan.Key) bool { return key.ID == credential.ID })
	s.in.Keys = append(s.in.Keys, plan.Key{Key: credential.Key})
	s.in.Secret = plan.Secret{State: plan.SecretIntact, Record: content.Record, UpToDate: true}
	s.noteIssued(action, previous)
	return nil
}

// record writes what was published into the status. A Secret with a former name whose pair was regenerated is deleted: nothing
// else would lead to it.
func (r *Reconciler) record(ctx context.Context, s *scope, content secret.Content, version string) error {
	if former := plan.FormerSecret(s.ak, content.Record.KeyID); former != "" {
		if err := r.deleteSecret(ctx, s, former); err != nil {
			return err
		}
	}
	content.Record.Apply(s.ak)
	s.recordSecret(content, version)
	return nil
}

// recordSecret writes into the status what the Secret holds.
func (s *scope) recordSecret(content secret.Content, version string) {
	status := &s.ak.Status
	status.SecretResourceVersion, status.SecretDigest, status.SecretTemplateDigest = version, content.Record.Digest, content.TemplateDigest
	s.secret = nil // it is as it was before the write
}

// stage keeps a pair that does not work yet in the next Secret. The intent stays open until the pair is published.
func (r *Reconciler) stage(ctx context.Context, s *scope, credential keyservice.Credential, intent *v1alpha1.Intent) error {
	if _, _, err := r.publish(ctx, s, plan.NextSecretName(s.ak), credential, intent); err != nil {
		return r.rollBack(ctx, s, credential, err)
	}
	return nil
}

// promote publishes the pair that waited until it works.
func (r *Reconciler) promote(ctx context.Context, s *scope, action plan.Action) error {
	if err := r.takeOver(ctx, s); err != nil {
		return err
	}
	credential := keyservice.Credential{Key: s.in.Produced(s.in.Next), SecretAccessKey: secret.PairOf(s.next).SecretAccessKey}
	return r.publishAndRecord(ctx, s, action, credential, s.ak.Status.Intent)
}

// publish writes a pair to the wanted Secret or to the next one.
func (r *Reconciler) publish(ctx context.Context, s *scope, name string, credential keyservice.Credential, intent *v1alpha1.Intent) (version string, content secret.Content, err error) {
	pair := secret.Pair{AccessKeyID: credential.AccessKeyID, SecretAccessKey: credential.SecretAccessKey}
	template := s.template()
	template.Ends = credential.ExpiresAt
	content, err = template.Render(pair, plan.NextRecord(s.in, intent, credential.Key))
	if err != nil {
		return "", content, err
	}
	current := s.secret
	if name != s.ak.SecretName() {
		current = s.next
	}
	version, err = r.store.Publish(ctx, s.ak, name, current, content)
	return version, content, err
}

// rollBack deletes a key at once that cannot be published. If the Secret may have been written after all, the key must stay:
// the open intent is settled later. A regenerated key cannot be rolled back; it is regenerated again.
func (r *Reconciler) rollBack(ctx context.Context, s *scope, credential keyservice.Credential, cause error) error {
	if !secret.Refused(cause) || s.ak.Status.Intent.Operation == v1alpha1.OperationRegenerate {
		return &publishError{cause}
	}
	if err := r.deleteKey(ctx, s, credential.ID); err != nil {
		return &publishError{fmt.Errorf("%w (and the new key %s could not be rolled back yet: %w)", cause, credential.ID, err)}
	}
	s.ak.Status.Intent = nil
	return &publishError{cause}
}

// publishError says that a Secret could not be written. The operation failed, and is retried after its back-off.
type publishError struct{ error }

// Unwrap implements errors.Unwrap.
func (e *publishError) Unwrap() error { return e.error }

func newIntent(s *scope, operation v1alpha1.Operation) *v1alpha1.Intent {
	intent := &v1alpha1.Intent{
		Operation: operation,
		Revision:  plan.NextRevision(s.in),
		StartedAt: seconds(s.in.Now),
		Renewal:   s.in.RenewalToken(),
	}
	for _, key := range s.in.Keys {
		intent.KnownKeyIDs = append(intent.KnownKeyIDs, key.ID)
	}
	return intent
}

func ttlOf(ak *v1alpha1.AccessKey) time.Duration {
	if ak.Spec.TTL == nil {
		return 0
	}
	return ak.Spec.TTL.Duration
}

func ownerOf(ak *v1alpha1.AccessKey) keyservice.Owner {
	return keyservice.Owner{UID: string(ak.UID), Namespace: ak.Namespace, Name: ak.Name}
}

// seconds returns a time as the API stores it. A fraction would be a change in every status.
func seconds(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }

// wallClock returns the real time, also where a test moves the reconciler's clock. It has no monotonic reading, because that
// stops while a machine is suspended.
func wallClock() time.Time { return clock.RealClock{}.Now().Round(0) }
