// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

// observe reads everything that a decision needs from the caches. It sends nothing to the service, except for the shared
// listing when that is due.
func (r *Reconciler) observe(ctx context.Context, s *scope, accessKey *v1alpha1.AccessKey) error {
	s.rebase(accessKey)
	s.in.Now = r.Clock.Now()
	s.in.UserID = s.ak.Status.UserID
	s.in.Uses = r.uses.of(s.name)
	if err := r.observeService(ctx, s); err != nil {
		return err
	}
	var err error
	if s.in.Keys, err = r.listedKeys(ctx, s); err != nil {
		return err
	}
	if s.in.Secret, err = r.cachedSecret(ctx, s, s.ak.SecretName()); err != nil {
		return err
	}
	s.in.Next, err = r.cachedSecret(ctx, s, plan.NextSecretName(s.ak))
	return err
}

func (r *Reconciler) cachedSecret(ctx context.Context, s *scope, name string) (plan.Secret, error) {
	cached := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: s.name.Namespace, Name: name}, cached, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return s.template().FromMetadata(nil), nil
	}
	if err != nil {
		return plan.Secret{}, fmt.Errorf("reading the metadata of Secret %s: %w", name, err)
	}
	return s.template().FromMetadata(cached), nil
}

// observeService finds the KeyService, its grants, and the connection to it.
func (r *Reconciler) observeService(ctx context.Context, s *scope) error {
	service, err := r.serviceOf(ctx, s.ak)
	if missing, ok := errors.AsType[*connect.Error](err); ok {
		// The missing service is the news, not what it would have granted.
		s.in.Granted, s.in.Service.InUse = true, true
		s.unconnected(missing)
		return nil
	}
	if err != nil {
		return err
	}
	s.service, s.s3 = service.GetUID(), service.GetSpec().S3
	s.serviceNamespace, s.address = service.GetNamespace(), service.GetSpec().Address()
	s.in.Service = serviceFacts(service)
	if err := r.observePermission(ctx, s, service); err != nil {
		return err
	}
	if s.isNew() && !s.acquire() { // earlier than necessary, because everything that follows would be in vain
		return errNoSlot
	}
	if err := r.connect(ctx, s, service); err != nil || s.connectErr != nil {
		return err
	}
	return r.observeUser(ctx, s)
}

// unconnected records why there is no connection to the service.
func (s *scope) unconnected(err error) {
	s.connectErr = err
	local, ok := errors.AsType[*connect.Error](err)
	if ok && (local.Reason == v1alpha1.ReasonKeyServiceNotFound || local.Reason == v1alpha1.ReasonCredentialsNotFound) {
		s.in.Service.Missing = local.Error()
	}
}

// connect takes the connection to the service from the pool. A service that cannot be connected is reported, not an error.
func (r *Reconciler) connect(ctx context.Context, s *scope, service v1alpha1.GenericKeyService) error {
	connection, connected, err := r.Pool.Connected(ctx, service)
	if err == nil && !connected { // connecting waits for the service
		if !s.acquire() {
			return errNoSlot
		}
		connection, err = r.Pool.Get(ctx, service)
	}
	s.connection = connection
	if IsKubeError(err) {
		return err
	}
	if err != nil {
		s.in.Service.InUse = true
		s.unconnected(err)
		if _, remote := errors.AsType[*keyservice.Error](err); remote {
			s.syncErr = err
		}
		return nil
	}
	if changed := identityChanged(service, connection); changed != nil {
		s.in.Service.IdentityChanged, s.in.Service.InUse = changed.Error(), true
		s.connection, s.connectErr = nil, changed
		return nil
	}
	s.in.Service.Identity = s.connection.Identity // the status may not have it yet
	s.in.Service.KeysPerUser, s.in.Service.Overlap = s.connection.KeysPerUser, s.connection.Overlap
	s.in.Service.TellsLastUse = s.connection.TellsLastUse
	s.in.Service.EndsPairs, s.in.Service.Quarantines = s.connection.MaxTTL > 0, s.connection.Disables && s.connection.Enables
	s.in.Service.Regenerates, s.in.Service.ActivatesLater = s.connection.Regenerates, s.connection.ActivatesLater
	s.in.Service.ReusesIDs, s.in.Service.DeletesUsers = s.connection.ReusesIDs, s.connection.DeletesUsers
	s.in.Service.OperationTime, s.in.Service.ListLag = operationTime(s.connection), s.connection.ListLag
	if ready := s.in.Service.ReadySince; !ready.IsZero() && s.connection.ReplacedAt.After(ready) {
		s.in.Service.ReadySince = s.connection.ReplacedAt // other credentials, for example
	}
	s.in.Service.KeepsAccessKeyID = s.connection.KeepsAccessKeyID
	return nil
}

// listedKeys returns the recorded keys that the last shared listing does not contradict.
func (r *Reconciler) listedKeys(ctx context.Context, s *scope) ([]plan.Key, error) {
	recorded := s.recordedKeys()
	if len(recorded) == 0 || s.connection == nil {
		return recorded, nil
	}
	inventory := s.connection.Inventory(s.user())
	if refusal := s.in.Service.Refusal; refusal != "" || s.ak.Suspended() {
		for i := range recorded {
			s.updateFrom(inventory.Last(), &recorded[i].Key)
		}
		if !s.ak.Suspended() {
			s.syncErr, s.contacted = &keyservice.Error{Kind: keyservice.Unauthorized, Op: "list keys", Err: errors.New(refusal)}, false
		}
		return recorded, nil
	}
	if inventory.Due(s.in.Now) && !s.acquire() {
		return nil, errNoSlot
	}
	snapshot, err := inventory.Snapshot(ctx, s.in.Now)
	s.outdated, s.snapshot = snapshot.Stale, snapshot
	s.syncErr, s.contacted = err, err == nil && !snapshot.At.IsZero()
	s.in.UserGone = keyservice.KindOf(err) == keyservice.NotFound
	kept := recorded[:0]
	for _, key := range recorded {
		if r.denies(s, snapshot, key.Key) {
			continue
		}
		s.updateFrom(snapshot, &key.Key)
		kept = append(kept, key)
	}
	return kept, nil
}
