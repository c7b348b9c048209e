// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// pass is what one Reconcile knows and does.
type pass struct {
	// base is the AccessKey as the API server last gave it, which may be the cache's own and is not changed; ak is what it is
	// to become.
	base, ak *v1alpha1.AccessKey
	in       plan.Input
	signer   Signer
	// protected: this pass has put the finalizer on, so base is live, and no other has worked on the AccessKey.
	protected bool
	// distrusted: the status that was read is somebody else's.
	distrusted bool
	// s3 of the KeyService; nil if it has none or is not there.
	s3 *v1alpha1.S3
	// connection to the service; nil with connectErr.
	connection *connect.Connection
	connectErr error
	// service that p.connection is to, and this pass as its bulkhead sees it.
	service types.UID
	visit   *visit
	// syncErr: the shared resync failed. contacted: the service answered in this pass, or in the resync it rests on.
	syncErr   error
	contacted bool
	// trustedUntil is when a Secret that is not in the cache yet is looked for; zero if it is there.
	trustedUntil time.Time
	// secret and next as read live; nil if there is none, or if it was not read.
	secret, next *corev1.Secret
	notes        []note
}

// rebase takes over what the API server has. Of a status that somebody else wrote nothing is taken over that leads to a
// key: it is as good as lost, and found again in the Secret.
func (p *pass) rebase(read *v1alpha1.AccessKey) {
	if read.ManagedFields != nil { // which the cache does not keep
		read.ManagedFields = nil // they are of no use, and each step would copy them
	}
	p.base = read
	p.ak = read.DeepCopy()
	p.in.AccessKey = p.ak
	if p.in.Proof = p.signer.proofOf(p.ak); p.in.Proof != plan.Forged {
		return
	}
	distrust(&p.ak.Status)
	if !p.distrusted {
		p.distrusted = true
		p.note(corev1.EventTypeWarning, v1alpha1.EventStatusRejected, "Reconcile", "The status was not written by the operator, so no key that it names is touched; what the operator published is found again in Secret %s", p.ak.SecretName())
	}
}

// enter takes a place at the service, which every pass needs that has to wait for an answer of it.
func (p *pass) enter() bool { return p.visit.enter(p.service) }

// isFresh: a new AccessKey whose first key is going to be made, as far as its KeyService goes.
func (p *pass) isFresh() bool {
	service := p.in.Service
	return !controllerutil.ContainsFinalizer(p.ak, v1alpha1.RevokeFinalizer) && p.ak.DeletionTimestamp.IsZero() && !p.ak.Suspended() &&
		p.in.Granted && service.Held && !service.Deleting && service.Refusal == ""
}

// userKey names the user at the service, over all AccessKeys.
func (p *pass) userKey() string {
	if p.connection == nil {
		return ""
	}
	return p.connection.Endpoint + " " + holderOf(p.ak)
}

// observe reads all that a decision needs from the caches. The service is not asked, but for the shared resync.
func (r *AccessKeyReconciler) observe(ctx context.Context, accessKey *v1alpha1.AccessKey, visit *visit) (*pass, error) {
	p := &pass{signer: r.Signer, visit: visit}
	p.rebase(accessKey)
	p.in.Now = r.Clock.Now()
	p.in.Begun = r.moments.begun(p.ak, p.in.Now)
	if err := r.observeService(ctx, p); err != nil {
		return nil, err
	}
	cached, err := r.getSecret(ctx, r.Cache, p.ak, p.ak.SecretName())
	if err != nil {
		return nil, err
	}
	p.in.Secret = p.signer.secretOf(p.ak, cached, p.s3)
	p.trustYoungSecret()
	if cached, err = r.getSecret(ctx, r.Cache, p.ak, plan.NextSecretName(p.ak)); err != nil {
		return nil, err
	}
	p.in.Next = p.signer.secretOf(p.ak, cached, p.s3)
	if p.in.FormerSecrets, err = r.formerSecrets(ctx, p.ak); err != nil {
		return nil, err
	}
	p.in.Keys = r.resyncedKeys(ctx, p)
	return p, nil
}

// getSecret returns nil if there is no such Secret. One from a cache is the cache's own, and not to be changed.
func (r *AccessKeyReconciler) getSecret(ctx context.Context, reader client.Reader, ak *v1alpha1.AccessKey, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := reader.Get(ctx, types.NamespacedName{Namespace: ak.Namespace, Name: name}, secret, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return secret, nil
}

// observeService finds the KeyService, what it grants, and the connection to it.
func (r *AccessKeyReconciler) observeService(ctx context.Context, p *pass) error {
	service, err := r.serviceOf(ctx, p.ak)
	if missing, ok := errors.AsType[*connect.Error](err); ok {
		// The missing service is the news, not what it would have granted.
		p.in.Granted, p.in.Service.Held = true, true
		p.connectErr = missing
		return nil
	}
	if err != nil {
		return err
	}
	p.service, p.s3 = service.GetUID(), service.GetSpec().S3
	p.in.Service = serviceFacts(service)
	if p.in.Granted, err = r.granted(ctx, p.ak, service); err != nil {
		return err
	}
	if p.isFresh() && !p.enter() { // sooner than it has to, since all that follows would be for nothing
		return errNoPlace
	}
	p.connection, err = r.Pool.GetIf(ctx, service, p.enter)
	if errors.Is(err, connect.ErrNotNow) {
		return errNoPlace
	}
	if err != nil && !isKubeError(err) {
		p.connectErr, p.in.Service.Held = err, true
		if _, remote := errors.AsType[*keyservice.Error](err); remote {
			p.syncErr = err
		}
		return nil
	}
	if err != nil {
		return err
	}
	p.in.Service.KeysPerUser, p.in.Service.Overlap = p.connection.KeysPerUser, p.connection.Overlap
	p.in.Service.Regenerates, p.in.Service.ActivatesLater = p.connection.Regenerates, p.connection.ActivatesLater
	p.in.Service.ReusesIDs = p.connection.ReusesIDs
	p.in.UserBusy, p.in.UserBusyUntil, err = r.userBusy(ctx, p)
	return err
}

// resyncedKeys are the recorded keys that the last shared listing does not deny.
func (r *AccessKeyReconciler) resyncedKeys(ctx context.Context, p *pass) []plan.Key {
	recorded := r.moments.dated(p.ak, p.in.Now)
	p.in.Issued = issuedBy(p.in.Now, recorded)
	if len(recorded) == 0 || p.connection == nil || p.ak.Suspended() {
		return recorded
	}
	if refusal := p.in.Service.Refusal; refusal != "" {
		p.syncErr, p.contacted = &keyservice.Error{Kind: keyservice.Unauthorized, Op: "list keys", Err: errors.New(refusal)}, false
		return recorded
	}
	snapshot, err := p.connection.Inventory(p.ak.Spec.User).SnapshotIf(ctx, p.in.Now, p.enter, p.visit.again)
	p.syncErr, p.contacted = err, err == nil && !snapshot.At.IsZero()
	kept := recorded[:0]
	for _, key := range recorded {
		// What is recorded is when the key was asked for; it was made within the same pass.
		if !snapshot.Denies(key.Key, key.CreatedAt.Add(contestTime)) {
			snapshot.Update(&key.Key)
			kept = append(kept, key)
		}
	}
	return kept
}

// recordedKeys of status, with the time at which they were issued in the place of the service's.
func recordedKeys(ak *v1alpha1.AccessKey) []plan.Key {
	status := &ak.Status
	keys := make([]plan.Key, 0, 1+len(status.PreviousKeys))
	add := func(id, accessKeyID string, issuedAt time.Time) {
		keys = append(keys, plan.Key{Key: keyservice.Key{ID: id, AccessKeyID: accessKeyID, CreatedAt: issuedAt}})
	}
	if status.KeyID != "" {
		add(status.KeyID, status.AccessKeyID, status.IssuedAt.Time)
	}
	for i := range status.PreviousKeys {
		previous := &status.PreviousKeys[i]
		add(previous.KeyID, previous.AccessKeyID, previous.IssuedAt.Time)
	}
	return keys
}
