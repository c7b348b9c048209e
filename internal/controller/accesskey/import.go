// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// readImport reads the Secret that spec.importFrom names, as long as the status records nothing.
func (r *Reconciler) readImport(ctx context.Context, s *scope) (err error) {
	if !s.in.Imports() {
		return nil
	}
	if s.source, err = r.store.Read(ctx, s.name.Namespace, s.ak.Spec.ImportFrom.SecretName); err != nil {
		return err
	}
	s.in.Import = s.template().InspectImport(s.source)
	return nil
}

// importPair publishes an existing pair, and records it. It sends nothing to the service. If the status is lost before it is written,
// the record on the Secret leads to the key.
func (r *Reconciler) importPair(ctx context.Context, s *scope, action plan.Action) error {
	// The cache may not yet show that another AccessKey has just recorded the key.
	if !r.imports.acquire(s.importedKey(action.KeyID), s.name, r.Clock.Now()) {
		return errUserBusy
	}
	published, content, err := r.publishImport(ctx, s, action)
	if err != nil {
		r.imports.release(s.name)
		return &publishError{err}
	}
	content.Record.Apply(s.ak)
	s.noteProbe()
	s.recordSecret(content, published.Version)
	s.in.Secret = plan.Secret{State: plan.SecretIntact, Record: content.Record, UpToDate: true, Rendered: true}
	s.note(corev1.EventTypeNormal, v1alpha1.EventImported, "Import", "Imported access key %s of user %q from Secret %s into Secret %s; the next rotation replaces it",
		plan.ShortID(s.ak.Status.AccessKeyID), s.ak.Spec.User, s.ak.Spec.ImportFrom.SecretName, s.ak.SecretName())
	s.noteReplacement()
	s.noteCrowded()
	return nil
}

// verifyImport asks the data plane about the pair that is to be imported.
func (r *Reconciler) verifyImport(ctx context.Context, s *scope) error {
	r.probe(ctx, s, s.template().ImportedPair(s.source))
	return nil
}

// publishImport writes the imported pair to the wanted Secret. If that is the Secret that holds the pair, it takes it over, and releases
// it again if the API server refuses the write.
func (r *Reconciler) publishImport(ctx context.Context, s *scope, action plan.Action) (secret.Published, secret.Content, error) {
	if err := r.takeOver(ctx, s); err != nil {
		return secret.Published{}, secret.Content{}, err
	}
	intent := newIntent(s, action, v1alpha1.OperationCreate)
	intent.Renewal = "" // a requested rotation follows
	pair := keyservice.Credential{Key: s.in.ImportedKey(), SecretAccessKey: s.template().ImportedPair(s.source).SecretAccessKey}
	write, err := s.write(s.ak.SecretName(), pair, intent)
	if err != nil {
		return secret.Published{}, write.Content, err
	}
	if s.in.Import.TakesOver {
		if err := r.store.SetOwner(ctx, s.source, s.ak); err != nil {
			return secret.Published{}, write.Content, err
		}
		write.Current = s.source
	}
	published, err := r.store.Publish(ctx, write)
	if secret.Refused(err) && s.in.Import.TakesOver {
		_ = r.store.SetOwner(ctx, s.source, nil) // the refusal is what is reported
	}
	return published, write.Content, err
}

// importedKey returns the names by which a key at the service is locked, as those of a user are.
func (s *scope) importedKey(keyID string) []user {
	names := s.lockedUser()
	for i := range names {
		names[i].id = keyID
	}
	return names
}
