// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// look reads the AccessKey, its Secret and the user's keys live.
func (r *AccessKeyReconciler) look(ctx context.Context, p *pass) error {
	if p.connectErr != nil {
		return p.connectErr
	}
	if !p.protected {
		accessKey := &v1alpha1.AccessKey{}
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(p.ak), accessKey); err != nil {
			return err
		}
		p.rebase(accessKey)
		p.in.Begun = r.moments.begun(p.ak, r.Clock.Now())
		p.in.Keys = r.resyncedKeys(ctx, p)
		if plan.Next(p.in).Verb != plan.Look {
			return nil // the cache was behind, and by what status says now there is nothing to look for
		}
	}
	if err := r.lookAtSecrets(ctx, p); err != nil {
		return err
	}
	keys, err := r.liveKeys(ctx, p)
	if err != nil {
		return err
	}
	p.contacted, p.syncErr = true, nil
	// The look may have taken long, and an operation that follows starts only now.
	now := r.Clock.Now()
	for i := range keys {
		keys[i].ExpiresAt = p.connection.Clock.Ends(keys[i].ExpiresAt)
	}
	if p.in.Keys, err = r.claims(ctx, p, withYoung(keys, plainKeys(r.moments.dated(p.ak, now)), now)); err != nil {
		return err
	}
	p.in.Live, p.in.Now = true, r.Clock.Now()
	p.in.Service.ClockBehind, p.in.Service.ClockKnown = p.connection.Clock.Behind()
	return nil
}

func (r *AccessKeyReconciler) lookAtSecrets(ctx context.Context, p *pass) error {
	mayBe, err := r.mayBeThere(ctx, p)
	if err != nil {
		return err
	}
	if mayBe {
		if p.secret, err = r.getSecret(ctx, r.Live, p.ak, p.ak.SecretName()); err != nil {
			return err
		}
		p.in.Secret, p.trustedUntil = p.signer.secretOf(p.ak, digested(p.secret), p.s3), time.Time{}
	}
	// A pair waits only while an intent is open, or was left behind by one; or one is about to.
	if p.ak.Status.Intent != nil || p.in.Next.State != plan.SecretAbsent || p.in.Service.ActivatesLater {
		if p.next, err = r.getSecret(ctx, r.Live, p.ak, plan.NextSecretName(p.ak)); err != nil {
			return err
		}
		p.in.Next = p.signer.secretOf(p.ak, digested(p.next), p.s3)
	}
	return nil
}

// mayBeThere: a Secret of the wanted name. Nobody has published anything for an AccessKey that is protected only now, so the
// caches are believed when they have none: one that they have not seen yet is foreign, and is not overwritten either.
func (r *AccessKeyReconciler) mayBeThere(ctx context.Context, p *pass) (bool, error) {
	if !p.protected || p.ak.Status.KeyID != "" || p.in.Secret.State != plan.SecretAbsent {
		return true, nil
	}
	name := types.NamespacedName{Namespace: p.ak.Namespace, Name: p.ak.SecretName()}
	err := r.SecretVersions.Get(ctx, name, secretMetadata(), client.UnsafeDisableDeepCopy)
	return err == nil, client.IgnoreNotFound(err)
}

// liveKeys lists the user's keys. When a deleted AccessKey's user is gone from the service, its keys can live on, so the
// recorded ones are then looked for in the whole service; where that can't be listed, deleting them finds out.
func (r *AccessKeyReconciler) liveKeys(ctx context.Context, p *pass) ([]keyservice.Key, error) {
	keys, err := p.connection.List(ctx, p.ak.Spec.User)
	if p.ak.DeletionTimestamp.IsZero() || err == nil || keyservice.KindOf(err) != keyservice.NotFound {
		return keys, err
	}
	recorded := plainKeys(recordedKeys(p.ak))
	lister, listsAll := p.connection.Service.(keyservice.AllLister)
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
