// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// readLive reads the AccessKey, its Secrets and the user's keys live, as far as the decision needs them. It stops as soon as what it
// has read shows that the rest is not needed.
func (r *Reconciler) readLive(ctx context.Context, s *scope) error {
	for _, step := range r.liveSteps(s) {
		if err := step(ctx, s); err != nil {
			return err
		}
		if plan.Next(s.in).Verb != plan.ReadLive {
			return nil // the cache was stale, or the user is busy
		}
	}
	if err := r.readKeys(ctx, s); err != nil {
		return err
	}
	if verb := plan.Next(s.in).Verb; verb == plan.Create || verb == plan.Regenerate {
		return nil // it begins with the intent, which is not written if the AccessKey has changed
	}
	return r.confirmAccessKey(ctx, s)
}

// liveSteps returns what is read before the keys. The revocation of a previous key needs no Secret that the cache shows as it was
// published, because the pair of that key is in no Secret. An operation that has not begun needs no AccessKey.
func (r *Reconciler) liveSteps(s *scope) []func(context.Context, *scope) error {
	begun := s.ak.Status.Intent != nil || !s.ak.DeletionTimestamp.IsZero()
	switch revokes := plan.Next(s.in).Reason == v1alpha1.ReasonRevoking; {
	case !begun && revokes && s.in.Secret.State == plan.SecretIntact:
		return []func(context.Context, *scope) error{r.readAccessKey, connected, r.resolveUser}
	case !begun && !revokes:
		return []func(context.Context, *scope) error{r.readSecrets, r.readImport, connected, r.resolveUser}
	default:
		return []func(context.Context, *scope) error{r.readAccessKey, r.readSecrets, r.readImport, connected, r.resolveUser}
	}
}

// readKeys reads the keys of the user, and makes the input live.
func (r *Reconciler) readKeys(ctx context.Context, s *scope) error {
	keys, err := r.liveKeys(ctx, s)
	if err == nil {
		err = r.verifyService(ctx, s, keys)
	}
	if err != nil {
		return err
	}
	s.contacted, s.syncErr = true, nil
	s.connection.Answered(s.user())
	for i := range keys {
		keys[i].ExpiresAt = s.connection.Clock.Ends(keys[i].ExpiresAt)
	}
	// Reading may have taken long, and an operation that follows starts only now.
	s.in.Now = r.Clock.Now()
	if s.in.Keys, err = r.claims(ctx, s, r.withUnlisted(s, keys)); err != nil {
		return err
	}
	s.in.Live, s.in.UserGone = true, false
	s.in.Service.ClockOffset, s.in.Service.ClockKnown = s.connection.Clock.Offset()
	return nil
}

// connected returns why the service cannot be asked.
func connected(_ context.Context, s *scope) error { return s.connectErr }

// confirmAccessKey makes sure that a decision is not from an AccessKey that has changed, unless it was read live or written.
func (r *Reconciler) confirmAccessKey(ctx context.Context, s *scope) error {
	if s.baseIsLive {
		return nil
	}
	accessKey := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "AccessKey"}}
	err := r.Live.Get(ctx, s.name, accessKey)
	if err == nil && accessKey.ResourceVersion != s.base.ResourceVersion {
		err = apierrors.NewConflict(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "accesskeys"}, s.name.Name, errors.New("the cache was stale"))
	}
	return err
}

func (r *Reconciler) readAccessKey(ctx context.Context, s *scope) error {
	if s.baseIsLive {
		return nil
	}
	accessKey := &v1alpha1.AccessKey{}
	if err := r.Live.Get(ctx, s.name, accessKey); err != nil {
		return err
	}
	cached := s.base.ResourceVersion
	s.rebase(accessKey)
	s.baseIsLive = true
	s.noteProbe()
	s.in.UserID = s.ak.Status.UserID
	if accessKey.ResourceVersion == cached {
		return nil
	}
	var err error
	s.in.Keys, err = r.listedKeys(ctx, s)
	return err
}

// readSecrets reads the wanted Secret, the one with a former name that holds the current pair, and the next one where a pair waits
// or may have to wait. A new AccessKey has published nothing, so the cache is enough to know that there is no Secret; writing it
// fails if there is one after all.
func (r *Reconciler) readSecrets(ctx context.Context, s *scope) error {
	none := s.in.Secret.State == plan.SecretAbsent && s.in.Next.State == plan.SecretAbsent
	if none && s.ak.Status.Revision == 0 && s.ak.Status.Intent == nil && !s.in.Service.ActivatesLater {
		return nil
	}
	var err error
	if s.secret, err = r.store.Read(ctx, s.name.Namespace, s.ak.SecretName()); err != nil {
		return err
	}
	s.in.Secret = s.template().Inspect(s.secret)
	r.checkTemplate(s)
	if err = r.readFormerSecret(ctx, s); err != nil {
		return err
	}
	if s.ak.Status.Intent != nil || s.in.Next.State != plan.SecretAbsent || s.in.Service.ActivatesLater {
		if s.next, err = r.store.Read(ctx, s.name.Namespace, plan.NextSecretName(s.ak)); err != nil {
			return err
		}
		s.in.Next = s.template().InspectNext(s.next)
	}
	return nil
}

// readFormerSecret reads the Secret with a former name that holds the current pair.
func (r *Reconciler) readFormerSecret(ctx context.Context, s *scope) (err error) {
	former := s.ak.Status.SecretName
	if former == "" || former == s.ak.SecretName() {
		return nil
	}
	if s.former, err = r.store.Read(ctx, s.name.Namespace, former); err != nil {
		return err
	}
	s.in.Former = s.template().Inspect(s.former)
	return nil
}

// resolveUser finds the canonical ID of the user, and whether another AccessKey of that user is busy.
func (r *Reconciler) resolveUser(ctx context.Context, s *scope) (err error) {
	if s.in.UserID == "" {
		s.in.UserID = s.ak.Spec.User
		if resolver, ok := s.connection.Service.(keyservice.UserResolver); ok {
			s.in.UserID, err = resolver.ResolveUser(ctx, s.ak.Spec.User)
		}
		deletedWithoutUser := !s.ak.DeletionTimestamp.IsZero() && keyservice.KindOf(err) == keyservice.NotFound
		if err != nil && !deletedWithoutUser {
			return err
		}
	}
	return r.observeUser(ctx, s)
}

// liveKeys lists the user's keys. A user that was deleted and created again has another ID. The keys of a user that is gone
// can live on, so a deleted AccessKey looks for its recorded keys in the whole service; if that cannot be listed, deleting
// them finds out.
func (r *Reconciler) liveKeys(ctx context.Context, s *scope) ([]keyservice.Key, error) {
	keys, err := s.connection.List(ctx, s.user())
	if err == nil || keyservice.KindOf(err) != keyservice.NotFound {
		return keys, err
	}
	if s.ak.DeletionTimestamp.IsZero() {
		return r.keysOfNewUser(ctx, s, err)
	}
	if err := confirmUserGone(ctx, s, err); err != nil {
		return nil, err
	}
	recorded := plainKeys(recordedKeys(s.ak))
	lister, listsAll := s.connection.Service.(keyservice.AllLister)
	if !listsAll {
		return recorded, nil
	}
	all, err := lister.ListAll(ctx)
	if err != nil {
		return nil, err
	}
	keys = nil
	for _, owned := range all {
		for _, key := range owned {
			if slices.ContainsFunc(recorded, func(known keyservice.Key) bool { return known.ID == key.ID }) {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// confirmUserGone asks again for a user by its name before its keys count as gone with it: a single wrong response must not
// leave a key behind. notFound is the first response.
func confirmUserGone(ctx context.Context, s *scope, notFound error) error {
	resolver, ok := s.connection.Service.(keyservice.UserResolver)
	if !ok {
		return nil
	}
	id, err := resolver.ResolveUser(ctx, s.ak.Spec.User)
	switch {
	case keyservice.KindOf(err) == keyservice.NotFound:
		return nil
	case err == nil && id == s.in.UserID && id != s.ak.Spec.User: // an ID is not asked for
		return notFound
	default:
		return err
	}
}

// keysOfNewUser lists the keys of the user that has the name now. notFound is the error of the recorded one.
func (r *Reconciler) keysOfNewUser(ctx context.Context, s *scope, notFound error) ([]keyservice.Key, error) {
	resolver, ok := s.connection.Service.(keyservice.UserResolver)
	if !ok {
		return nil, notFound
	}
	id, err := resolver.ResolveUser(ctx, s.ak.Spec.User)
	if err != nil {
		return nil, err
	}
	if id == s.in.UserID {
		return nil, notFound
	}
	s.in.UserID = id
	return s.connection.List(ctx, id)
}

// withUnlisted adds the recorded keys that the service does not list for the user although it has them: those that are so new
// that it may not list them yet, and those of a former user of that name, whose keys can live on.
func (r *Reconciler) withUnlisted(s *scope, keys []keyservice.Key) []keyservice.Key {
	s.unlisted = nil
	r.deletions.prune(s.name, s.ak.RecordedKeyIDs())
	for _, key := range s.recordedKeys() {
		at := slices.IndexFunc(keys, func(listed keyservice.Key) bool { return listed.ID == key.ID })
		made, known := r.issued.answered(s.name, key.Key)
		if !known {
			made = key.CreatedAt
		}
		isNew := s.in.Now.Sub(made).Abs() < s.connection.ListLag && !r.deletions.isAccepted(s.name, key.ID)
		switch {
		case at >= 0 && keys[at].State == keyservice.Deleting:
			r.deletions.accept(s.name, key.ID)
		case at < 0 && (isNew || s.snapshot.OfAnother(s.user(), key.Key)):
			keys = append(keys, key.Key)
			s.unlisted = append(s.unlisted, key.ID)
		}
	}
	return keys
}

func plainKeys(keys []plan.Key) []keyservice.Key {
	plain := make([]keyservice.Key, 0, len(keys))
	for _, key := range keys {
		plain = append(plain, key.Key)
	}
	return plain
}
