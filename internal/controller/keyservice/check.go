// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

const (
	// probePeriod is how often a service is asked for its version, unless something is wrong.
	probePeriod = time.Hour
	// recheckPeriod is when a service that does not work is checked again.
	recheckPeriod = time.Minute
	// staleDelay is when to come again for the result of a listing that is under way.
	staleDelay = 5 * time.Second
	// finalizerRetry is when to try again to set a finalizer that the API server did not accept.
	finalizerRetry = 10 * time.Second
)

// checked is what a check of a service found.
type checked struct {
	ready           metav1.ConditionStatus
	reason, message string
	version         string
	limits          *v1alpha1.ServiceLimits
	// due is when to check again. Until then the result is valid for this connection.
	due        time.Time
	connection *connect.Connection
	// probed is when the service was last asked for its version.
	probed time.Time
}

// add reports a problem: as the reason if the service works, and otherwise beside what the check found. due is when to look
// again.
func (c *checked) add(reason, message string, due time.Time) {
	if c.ready == metav1.ConditionTrue {
		c.ready, c.reason, c.message = metav1.ConditionFalse, reason, message
	} else {
		c.message += "; " + message
	}
	if due.Before(c.due) {
		c.due = due
	}
}

// check asks the service for its version and whether it accepts the credentials, unless it did so recently, or the shared
// listing shows it. The error is the API server's.
func (r *Reconciler) check(ctx context.Context, service v1alpha1.GenericKeyService) (checked, error) {
	now, name := r.Clock.Now(), client.ObjectKeyFromObject(service)
	connection, err := r.Pool.Get(ctx, service)
	switch {
	case accesskey.IsKubeError(err): // it says nothing about the service
		return checked{}, err
	case err != nil:
		return failed(err, now), nil
	}
	stored, _ := r.last.Load(name)
	last, _ := stored.(checked)
	if last.connection == connection && now.Before(last.due) {
		return last, nil
	}
	if last.connection == connection && !connect.SameService(service.GetStatus().Identity, connection.Identity) {
		if connection, err = r.reconnect(ctx, service, connection); err != nil {
			return failed(err, now), nil
		}
	}
	found, listed := checked{}, false
	if last.connection == connection && last.ready == metav1.ConditionTrue && now.Before(last.probed.Add(probePeriod)) {
		found, listed = r.checkByListing(ctx, last, now)
	}
	if !listed {
		found = r.probe(ctx, connection, now)
		found.connection, found.probed = connection, now
		r.noteUpgrade(name, &found)
	}
	r.last.Store(name, found)
	return found, nil
}

// noteUpgrade lets a service be connected anew that can do more, or less, since it was upgraded.
func (r *Reconciler) noteUpgrade(name client.ObjectKey, found *checked) {
	if keyservice.CapabilitiesOf(found.connection.Service) != found.connection.Capabilities {
		r.Pool.Forget(name)
		found.due = r.Clock.Now()
	}
}

// reconnect connects anew if another service answers at the address than before. It is asked while the KeyService leads to a
// service that does not have its keys, which can change without a change of the KeyService.
func (r *Reconciler) reconnect(ctx context.Context, service v1alpha1.GenericKeyService, connection *connect.Connection) (*connect.Connection, error) {
	err := connection.Verify(ctx)
	if _, another := errors.AsType[*connect.Error](err); !another {
		return connection, err
	}
	r.Pool.Forget(client.ObjectKeyFromObject(service))
	return r.Pool.Get(ctx, service)
}

// checkByListing lets the shared listing take the place of a probe, because listing requires valid credentials. It returns
// false if there is no shared listing, or if it failed.
func (r *Reconciler) checkByListing(ctx context.Context, last checked, now time.Time) (checked, bool) {
	listed, err := last.connection.Resync(ctx, now)
	switch {
	case err == nil && listed.Stale:
		last.due = now.Add(staleDelay)
	case err != nil || !now.Before(listed.At.Add(r.ResyncPeriod)):
		return checked{}, false
	default:
		last.due = now.Add(r.ResyncPeriod)
	}
	return last, true
}

func (r *Reconciler) probe(ctx context.Context, connection *connect.Connection, now time.Time) checked {
	found := checked{
		ready:   metav1.ConditionTrue,
		reason:  v1alpha1.ReasonServiceReachable,
		message: "The service answered and accepts the credentials",
		limits:  limitsOf(connection.Capabilities),
		due:     now.Add(r.ResyncPeriod),
	}
	if prober, ok := connection.Service.(keyservice.Prober); ok {
		version, err := prober.Probe(ctx)
		if err != nil {
			return failed(err, now)
		}
		found.version = version
	}
	return found
}

func limitsOf(c keyservice.Capabilities) *v1alpha1.ServiceLimits {
	limits := &v1alpha1.ServiceLimits{
		KeysPerUser: int32(c.KeysPerUser), //nolint:gosec // a handful
		Overlap:     ptr.To(c.Overlap),
		Regenerate:  ptr.To(c.Regenerates),
		Disable:     ptr.To(c.Disables && c.Enables),
		LastUse:     ptr.To(c.TellsLastUse),
	}
	if c.MaxTTL > 0 {
		limits.MaxTTL = &metav1.Duration{Duration: c.MaxTTL}
	}
	return limits
}

func failed(err error, now time.Time) checked {
	due := now.Add(max(recheckPeriod, keyservice.RetryAfterOf(err)))
	found := checked{ready: metav1.ConditionFalse, reason: v1alpha1.ReasonUnavailable, message: err.Error(), due: due}
	class := accesskey.Classify(err)
	switch e, ok := errors.AsType[*connect.Error](err); {
	case ok:
		found.reason = e.Reason
	case class.Synced != "":
		found.reason = class.Synced
	case keyservice.KindOf(err) == keyservice.Invalid: // such as credentials of another account
		found.reason = v1alpha1.ReasonKeyServiceInvalid
	}
	return found
}

// deleting reports which AccessKeys keep a service from being deleted.
func deleting(accessKeys []v1alpha1.AccessKey, now time.Time) checked {
	message := "The service is being deleted"
	if len(accessKeys) > 0 {
		message += fmt.Sprintf(", but it is still needed to revoke the keys of %d AccessKeys: %s; delete those first", len(accessKeys), namesOf(accessKeys))
	}
	return checked{ready: metav1.ConditionFalse, reason: v1alpha1.ReasonDeleting, message: message, due: now.Add(recheckPeriod)}
}
