// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	intent := newIntent(s, action, v1alpha1.OperationCreate)
	intent.KeyID = s.chooseID()
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
	intent := newIntent(s, action, v1alpha1.OperationRegenerate)
	intent.KeyID = action.KeyID
	if open := s.ak.Status.Intent; open != nil {
		intent.KnownKeyIDs, intent.LateUntil = open.KnownKeyIDs, seconds(s.in.LateUntil())
		intent.Reason, intent.SecretName = open.Reason, open.SecretName
		if !s.in.Answered() {
			intent.Revision, intent.Renewal = open.Revision, open.Renewal
		}
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
	if err := r.dryRun(ctx, s, intent); err != nil {
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
	r.issued.note(s.name, credential.Key, r.Clock.Now())
	credential.ExpiresAt = s.connection.Clock.Ends(credential.ExpiresAt)
	return r.deliver(ctx, s, action, credential)
}

// deliver publishes a new pair, or keeps it in the next Secret while it does not work yet. The intent then stays open.
func (r *Reconciler) deliver(ctx context.Context, s *scope, action plan.Action, credential keyservice.Credential) error {
	if credential.State != keyservice.Pending && !r.keepsBack(ctx, s, credential) {
		if err := r.publishAndRecord(ctx, s, action, credential); err != nil {
			return err
		}
		if s.in.Service.DataPlane != "" && s.ak.Status.Verification == nil {
			s.ak.Status.Verification = r.probe(ctx, s, pairOf(credential)).Note(nil)
		}
		return nil
	}
	if _, _, err := r.publish(ctx, s, plan.NextSecretName(s.ak), credential); err != nil {
		return r.rollBack(ctx, s, credential, err)
	}
	r.held.Delete(s.name)
	s.ak.Status.Intent.KeyID, s.ak.Status.Intent.SecretName = credential.ID, plan.NextSecretName(s.ak)
	s.noteInLog(v1alpha1.ReasonWaiting, "Access key %s of user %q waits in Secret %s until it works", plan.ShortID(credential.AccessKeyID), s.ak.Spec.User, s.ak.Status.Intent.SecretName)
	return nil
}

// publishAndRecord writes a pair to the Secret, and to the status that is patched at the end.
func (r *Reconciler) publishAndRecord(ctx context.Context, s *scope, action plan.Action, credential keyservice.Credential) error {
	published, content, err := r.publish(ctx, s, s.ak.SecretName(), credential)
	if err != nil {
		return r.rollBack(ctx, s, credential, err)
	}
	r.held.Delete(s.name)
	before, cause := s.ak.Status.AccessKeyID, s.cause(action)
	s.noteUser(credential)
	s.noteRecord(published, credential.AccessKeyID)
	if err := r.record(ctx, s, content, published.Version); err != nil {
		return err
	}
	// A regenerated key is still listed as it was before, perhaps as expired.
	s.in.Keys = slices.DeleteFunc(slices.Clone(s.in.Keys), func(key plan.Key) bool { return key.ID == credential.ID })
	s.in.Keys = append(s.in.Keys, plan.Key{Key: credential.Key})
	s.in.Secret = plan.Secret{State: plan.SecretIntact, Record: content.Record, UpToDate: true, Rendered: true}
	s.noteIssued(cause, before)
	return nil
}

// record writes what was published into the status. A Secret with a former name whose pair was regenerated is deleted: nothing
// else would lead to it.
func (r *Reconciler) record(ctx context.Context, s *scope, content secret.Content, version string) error {
	if err := r.deleteFormerSecret(ctx, s, content.Record.KeyID); err != nil {
		return err
	}
	content.Record.Apply(s.ak)
	plan.RequestRestart(s.ak, r.Clock.Now())
	s.recordSecret(content, version)
	return nil
}

// recordSecret writes into the status what the Secret holds.
func (s *scope) recordSecret(content secret.Content, version string) {
	status := &s.ak.Status
	status.SecretResourceVersion, status.SecretDigest, status.SecretTemplateDigest = version, content.Record.Digest, content.TemplateDigest
	s.secret = nil // it is as it was before the write
}

// promote publishes the pair that waited until it works.
func (r *Reconciler) promote(ctx context.Context, s *scope, action plan.Action) error {
	if err := r.takeOver(ctx, s); err != nil {
		return err
	}
	credential := keyservice.Credential{Key: s.in.Produced(s.in.Next), SecretAccessKey: secret.PairOf(s.next).SecretAccessKey}
	return r.publishAndRecord(ctx, s, action, credential)
}

// write returns what a pair is written as, to the wanted Secret or to the next one.
func (s *scope) write(name string, credential keyservice.Credential, intent *v1alpha1.Intent) (secret.Write, error) {
	pair := pairOf(credential)
	template := s.template()
	template.Ends = credential.ExpiresAt
	content, err := template.Render(pair, plan.NextRecord(s.in, intent, credential.Key))
	write := secret.Write{AccessKey: s.ak, Name: name, Current: s.secret, Content: content}
	if name != s.ak.SecretName() {
		write.Current = s.next
	}
	return write, err
}

// publish writes the pair of the open intent to the wanted Secret or to the next one.
func (r *Reconciler) publish(ctx context.Context, s *scope, name string, credential keyservice.Credential) (published secret.Published, content secret.Content, err error) {
	write, err := s.write(name, credential, s.ak.Status.Intent)
	if err != nil {
		return published, write.Content, err
	}
	published, err = r.store.Publish(ctx, write)
	return published, write.Content, err
}

// dryRun finds out whether the API server would accept the Secrets of a new pair, before a key is created or revoked for it.
func (r *Reconciler) dryRun(ctx context.Context, s *scope, intent *v1alpha1.Intent) error {
	pair := keyservice.Credential{
		Key: keyservice.Key{ID: "dry-run", AccessKeyID: secret.DryRunPair.AccessKeyID}, SecretAccessKey: secret.DryRunPair.SecretAccessKey,
	}
	names := []string{s.ak.SecretName()}
	if s.in.Service.ActivatesLater || s.in.MayWait(intent) {
		names = append(names, plan.NextSecretName(s.ak))
	}
	for _, name := range names {
		write, err := s.write(name, pair, intent)
		if err != nil {
			return &publishError{err}
		}
		err = r.store.DryRun(ctx, write)
		if apierrors.IsConflict(err) {
			return err // the cache or the read was stale
		}
		if err != nil {
			return &publishError{fmt.Errorf("no key was created or revoked, because the API server does not take the Secret: %w", err)}
		}
	}
	return nil
}

// rollBack deletes a key at once whose Secret the API server refuses. A pair that could not be written for another reason is kept
// for the next reconciliation: the Secret may even have been written, or the template is corrected. A regenerated key cannot be
// rolled back; it is regenerated again.
func (r *Reconciler) rollBack(ctx context.Context, s *scope, credential keyservice.Credential, cause error) error {
	if !secret.Refused(cause) {
		r.held.Store(s.name, &heldPair{*s.ak.Status.Intent, credential})
		return &publishError{cause}
	}
	r.held.Delete(s.name)
	if s.ak.Status.Intent.Operation == v1alpha1.OperationRegenerate {
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

func newIntent(s *scope, action plan.Action, operation v1alpha1.Operation) *v1alpha1.Intent {
	intent := &v1alpha1.Intent{
		Operation: operation,
		Reason:    s.in.IssueReason(action),
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

// chooseID returns the ID of the next key; empty if the service chooses it.
func (s *scope) chooseID() string {
	chooser, ok := s.connection.Service.(keyservice.HandleChooser)
	if !ok {
		return ""
	}
	return chooser.ChooseID(s.user(), ownerOf(s.ak), plan.NextRevision(s.in), plainKeys(s.in.Keys))
}
