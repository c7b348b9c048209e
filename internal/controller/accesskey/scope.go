// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
	"accesskey.dev/operator/internal/telemetry"
)

// scope is what one Reconcile reads and does.
type scope struct {
	name types.NamespacedName
	// base is the AccessKey as the API server last returned it. It can be the cache's object, so it is never changed. ak is what
	// the AccessKey becomes.
	base, ak *v1alpha1.AccessKey
	in       plan.Input
	// baseIsLive reports whether base is not from the cache.
	baseIsLive bool
	// s3 of the KeyService; nil if it has none or does not exist.
	s3 *v1alpha1.S3
	// connection to the service; nil with connectErr.
	connection *connect.Connection
	connectErr error
	// service is the UID of the KeyService, whose slots limit how many scopes wait for its answers. serviceNamespace is empty
	// for a ClusterKeyService.
	service                   types.UID
	serviceNamespace, address string
	limiter                   *limiter
	acquired                  bool
	// syncErr is the error of the shared listing. contacted reports whether the service answered in this scope, or in the
	// listing that it relies on. outdated reports that a newer listing is under way.
	syncErr             error
	contacted, outdated bool
	// unlisted are the recorded keys that the service did not list when it was read live, and may have.
	unlisted []string
	// snapshot is the shared listing.
	snapshot keyservice.Snapshot
	// secret, next and former as read live; nil if they do not exist or were not read.
	secret, next, former *corev1.Secret
	// source is the Secret that spec.importFrom names, as read live; nil if it does not exist or was not read.
	source *corev1.Secret
	// verified is the version of the Secret that this process last found to be as published.
	verified string
	notes    []note
	// action is what was done, and err how that failed.
	action plan.Action
	err    error
}

// end ends the span of the scope. An operation whose outcome is open, and a restart that is due, continue its trace.
func (s *scope) end(pass *telemetry.Pass, err error) {
	if pass == nil {
		return
	}
	open := s.ak != nil && (s.ak.Status.Intent != nil || plan.RestartDue(s.ak))
	failed := cmp.Or(s.err, err)
	if failed != nil {
		failed = errors.New(Clean(failed.Error(), MaxMessage))
	}
	pass.End(open, failed, telemetry.Text("accesskey.verb", string(s.action.Verb)), telemetry.Text("accesskey.reason", s.action.Reason),
		telemetry.Text("accesskey.key_id", s.action.KeyID), telemetry.Text("accesskey.detail", Clean(s.action.Detail, MaxMessage)))
}

// rebase continues from what the API server has.
func (s *scope) rebase(read *v1alpha1.AccessKey) {
	if read.ManagedFields != nil { // the cache does not have them, and every copy would copy them
		read.ManagedFields = nil
	}
	s.base = read
	s.ak = read.DeepCopy()
	s.in.AccessKey = s.ak
}

// template of the AccessKey's Secrets.
func (s *scope) template() secret.Template {
	return secret.Template{AccessKey: s.ak, Service: s.in.Service.Identity, S3: s.s3, Ends: s.in.Ends(), Verified: s.verified}
}

// checkTemplate finds out whether the Secret can be rendered, before a key is created or changed for it. A Secret that is up to
// date was rendered from the template as it is.
func (r *Reconciler) checkTemplate(s *scope) {
	s.in.TemplateProblem = ""
	if s.in.Secret.UpToDate && s.ak.Status.Intent == nil {
		return
	}
	pair := secret.DryRunPair
	if held, ok := r.holds(s); ok {
		pair = pairOf(held)
	}
	if err := s.template().Problem(pair); err != nil {
		s.in.TemplateProblem = Clean(err.Error(), MaxMessage)
	}
}

// user returns the user as the service's methods take it.
func (s *scope) user() string {
	if s.in.UserID != "" {
		return s.in.UserID
	}
	return s.ak.Spec.User
}

// acquire takes a slot of the KeyService. A scope needs one before it sends anything to the service, and keeps it to its end.
func (s *scope) acquire() bool {
	s.acquired = s.acquired || s.limiter.acquire(s.service, s.name)
	return s.acquired
}

func (s *scope) release() {
	if s.acquired {
		s.limiter.release(s.service)
	}
}

// isNew reports whether the first key of a new AccessKey is about to be created, as far as its KeyService allows.
func (s *scope) isNew() bool {
	service := s.in.Service
	return s.ak.Status.Revision == 0 && s.ak.Status.Intent == nil && s.ak.DeletionTimestamp.IsZero() && !s.ak.Suspended() &&
		s.in.Permitted() && service.InUse && !service.Deleting && service.Refusal == ""
}

// patchable returns the parts of an AccessKey that the operator changes. The JSON of a merge patch is computed from two whole
// objects, which takes time for everything that stays the same.
func patchable(ak *v1alpha1.AccessKey) *v1alpha1.AccessKey {
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: ak.Namespace, Name: ak.Name, ResourceVersion: ak.ResourceVersion, Finalizers: ak.Finalizers},
		Status:     ak.Status,
	}
}

// patchFrom returns a patch with an optimistic lock, so that a decision from a stale read fails.
func patchFrom(base *v1alpha1.AccessKey) client.Patch {
	return client.MergeFromWithOptions(patchable(base), client.MergeFromWithOptimisticLock{})
}

// patchStatus writes the status if it changed.
func (r *Reconciler) patchStatus(ctx context.Context, s *scope) error {
	if equality.Semantic.DeepEqual(s.base.Status, s.ak.Status) {
		return nil
	}
	changed := patchable(s.ak).DeepCopy()
	if err := r.Client.Status().Patch(ctx, changed, patchFrom(s.base)); err != nil {
		return fmt.Errorf("writing the status of AccessKey %s: %w", s.name, err)
	}
	r.wrote(s, changed)
	return nil
}

// wrote continues from what the API server returned for a write.
func (r *Reconciler) wrote(s *scope, changed *v1alpha1.AccessKey) {
	r.written.Store(s.name, ownWrite{changed.ResourceVersion, r.Clock.Now()})
	s.rebase(changed)
	s.baseIsLive = true
}

func (r *Reconciler) addFinalizer(ctx context.Context, s *scope) error {
	changed := patchable(s.base).DeepCopy()
	controllerutil.AddFinalizer(changed, v1alpha1.RevokeFinalizer)
	if err := r.Client.Patch(ctx, changed, patchFrom(s.base)); err != nil {
		return fmt.Errorf("adding the finalizer: %w", err)
	}
	r.wrote(s, changed)
	return nil
}

// removeFinalizer removes the finalizer. After that, nothing leads to the keys any more.
func (r *Reconciler) removeFinalizer(ctx context.Context, s *scope, _ plan.Action) error {
	if !controllerutil.ContainsFinalizer(s.base, v1alpha1.RevokeFinalizer) {
		return nil
	}
	changed := patchable(s.base).DeepCopy()
	controllerutil.RemoveFinalizer(changed, v1alpha1.RevokeFinalizer)
	if err := r.Client.Patch(ctx, changed, patchFrom(s.base)); err != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	return nil
}

// recordedKeys returns the keys that the status records. Where the service ends pairs, the current one ends when that was
// announced, until a listing says when.
func (s *scope) recordedKeys() []plan.Key {
	keys := recordedKeys(s.ak)
	for i := range keys {
		if s.in.Service.EndsPairs && keys[i].ID == s.ak.Status.KeyID {
			keys[i].ExpiresAt = s.ak.Status.ExpiresAt.Time
		}
	}
	return keys
}

// recordedKeys returns the keys that the status records, with the time of their issue in place of the service's.
func recordedKeys(ak *v1alpha1.AccessKey) []plan.Key {
	status := &ak.Status
	keys := make([]plan.Key, 0, 1+len(status.PreviousKeys))
	add := func(id, accessKeyID string, issuedAt metav1.Time, state keyservice.State) {
		keys = append(keys, plan.Key{Key: keyservice.Key{ID: id, AccessKeyID: accessKeyID, CreatedAt: issuedAt.Time, State: state}})
	}
	if status.KeyID != "" {
		add(status.KeyID, status.AccessKeyID, status.IssuedAt, "")
	}
	for i := range status.PreviousKeys {
		previous, state := &status.PreviousKeys[i], keyservice.State("")
		if previous.State == v1alpha1.KeyDisabled {
			state = keyservice.Disabled
		}
		add(previous.KeyID, previous.AccessKeyID, previous.IssuedAt, state)
	}
	return keys
}

// updateFrom adds to a recorded key what a listing knows of it. A listing from before the key was disabled knows less of its state
// than the status.
func (s *scope) updateFrom(snapshot keyservice.Snapshot, key *keyservice.Key) {
	recorded := key.State
	snapshot.Update(key)
	if recorded == keyservice.Disabled && !snapshot.At.After(plan.DisabledAt(&s.ak.Status, key.ID)) {
		key.State = recorded
	}
}
