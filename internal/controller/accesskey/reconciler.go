// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package accesskey reconciles AccessKeys: it observes, asks the planner, carries out one action, and reports the outcome.
package accesskey

import (
	"context"
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
	"accesskey.dev/operator/internal/telemetry"
)

// ScopeTimeout bounds what a reconciliation does after it has read its input. It continues when the manager is stopped, so that
// a key that was just created is still published.
const ScopeTimeout = 2 * time.Minute

// requestsPerScope is how many requests to a service one reconciliation can wait for, each as long as the KeyService's timeout.
const requestsPerScope = 4

// operationTime returns how long a reconciliation can take at a service, and so how long after its start a request of an
// operation can be carried out.
func operationTime(connection *connect.Connection) time.Duration {
	if connection == nil {
		return ScopeTimeout
	}
	return max(ScopeTimeout, requestsPerScope*connection.Timeout)
}

// Reconciler reconciles AccessKeys. Its exported fields are set by its owner; SetupWithManager defaults the rest.
type Reconciler struct {
	// Client reads from the cache, which has only the metadata of Secrets, and writes.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Pool connects to the key services.
	Pool     *connect.Pool
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// Tracer of the reconciliations; nil for none.
	Tracer *telemetry.Tracer
	// ResyncPeriod is how often each AccessKey is reconciled without a cause.
	ResyncPeriod time.Duration
	// Options of the controller.
	Options controller.Options

	store   secret.Store
	users   userLocks
	limiter limiter
	// deletions are under way at services that carry them out later.
	deletions deletions
	issued    issuedPairs
	uses      uses
	// imports are the keys that this process has imported, which the cache may not show yet.
	imports userLocks
	// started returns when this process began to reconcile.
	started func() time.Time
	// written has the ownWrite of each AccessKey that the cache does not have yet.
	written sync.Map
	// held has the heldPair of each AccessKey whose Secret could not be written.
	held sync.Map
	// probes has the last plan.Probe of each AccessKey with a pair that the data plane has not accepted.
	probes sync.Map
	// verified has the verification of each AccessKey whose Secret was touched by others since the status was written.
	verified sync.Map
}

// verification says which version of a Secret was found to be as published.
type verification struct{ digest, version string }

// ownWrite is what this process last wrote of an AccessKey.
type ownWrite struct {
	version string
	at      time.Time
}

// cacheDelay is how long a reconciliation waits for the cache to have an own write. After that the cache is not late: the API
// server was restored from a backup, and has lost the write.
const cacheDelay = time.Minute

// +kubebuilder:rbac:groups=accesskey.dev,resources=accesskeys,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=accesskey.dev,resources=accesskeys/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=list;watch,roleName=accesskey-operator-cluster
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager registers the controller with its watches.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if r.Clock == nil {
		r.Clock = clock.RealClock{}
	}
	if r.Recorder == nil {
		r.Recorder = mgr.GetEventRecorder("accesskey-operator")
	}
	r.store = secret.Store{Client: r.Client, Live: r.Live}
	r.limiter.slots = slotsPerService(r.Options.MaxConcurrentReconciles)
	r.started = sync.OnceValue(r.Clock.Now)
	wake := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		r.limiter.wake = func(name types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: name}) }
		return nil
	})
	control := ctrl.NewControllerManagedBy(mgr)
	if r.Pool.ServesCluster() {
		control.
			Watches(&v1alpha1.ClusterKeyService{}, handler.EnqueueRequestsFromMapFunc(r.accessKeysOfService), builder.WithPredicates(serviceChanged)).
			WatchesMetadata(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.accessKeysIn), builder.WithPredicates(labelsChanged))
	}
	return control.
		Named("accesskey").
		For(&v1alpha1.AccessKey{}).
		Owns(&corev1.Secret{}, builder.OnlyMetadata).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.accessKeysWanting), builder.WithPredicates(onDelete)).
		Watches(&v1alpha1.KeyService{}, handler.EnqueueRequestsFromMapFunc(r.accessKeysOfService), builder.WithPredicates(serviceChanged)).
		WatchesRawSource(wake).
		WithOptions(r.Options).
		Complete(r)
}

// Reconcile takes one AccessKey one step further.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	accessKey := &v1alpha1.AccessKey{}
	if err := r.Client.Get(ctx, request.NamespacedName, accessKey, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			r.users.release(request.NamespacedName)
			r.imports.release(request.NamespacedName)
			r.limiter.forget(request.NamespacedName)
			r.deletions.forget(request.NamespacedName)
			r.written.Delete(request.NamespacedName)
			r.held.Delete(request.NamespacedName)
			r.verified.Delete(request.NamespacedName)
			r.issued.forget(request.NamespacedName)
			r.probes.Delete(request.NamespacedName)
			r.uses.forget(request.NamespacedName)
			r.Tracer.Forget(request.NamespacedName)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, err
	}
	if r.awaitsOwnWrite(accessKey) {
		return reconcile.Result{RequeueAfter: cacheDelay}, nil // the event of the write usually comes first
	}
	s := &scope{name: request.NamespacedName, limiter: &r.limiter}
	defer s.release()
	s.in.Started = r.started()
	ctx, pass := r.Tracer.Pass(ctx, "AccessKey", s.name)
	result, err := r.reconcile(ctx, s, accessKey)
	s.end(pass, err)
	if errors.Is(err, errNoSlot) {
		return reconcile.Result{RequeueAfter: r.limiter.wait(s.service, s.name)}, nil
	}
	r.limiter.forget(s.name)
	switch {
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: time.Second}, nil // the cache was stale; the event of the newer version usually comes first
	case IsKubeError(err) && apierrors.IsNotFound(err):
		return reconcile.Result{}, nil // the event of the deletion follows
	}
	return result, err
}

// awaitsOwnWrite reports whether the cache has an AccessKey as it was before this process wrote it.
func (r *Reconciler) awaitsOwnWrite(cached *v1alpha1.AccessKey) bool {
	name := client.ObjectKeyFromObject(cached)
	value, _ := r.written.Load(name)
	written, ok := value.(ownWrite)
	if !ok {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(cached.ResourceVersion, written.version)
	if err == nil && order < 0 && r.Clock.Since(written.at) < cacheDelay {
		return true
	}
	r.written.Delete(name)
	return false
}

func (r *Reconciler) reconcile(ctx context.Context, s *scope, accessKey *v1alpha1.AccessKey) (reconcile.Result, error) {
	s.verified = r.verifiedVersion(accessKey)
	if err := r.observe(ctx, s, accessKey); err != nil {
		return reconcile.Result{}, err
	}
	_, s.in.Held = r.holds(s)
	r.checkTemplate(s)
	s.in.Probe = r.lastProbe(s.name)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime(s.connection))
	defer cancel()
	action, err := r.act(ctx, s)
	if errors.Is(err, errNoSlot) {
		return reconcile.Result{}, err
	}
	s.action, s.err = action, err
	log.FromContext(ctx).V(1).Info("Executed action", "verb", action.Verb, "reason", action.Reason, "keyID", action.KeyID, "error", err)
	return r.finish(ctx, s, action, err)
}

// verifiedVersion returns the version of the Secret that this process found to be as published, empty if there is none.
func (r *Reconciler) verifiedVersion(accessKey *v1alpha1.AccessKey) string {
	value, _ := r.verified.Load(client.ObjectKeyFromObject(accessKey))
	if found, ok := value.(verification); ok && found.digest == accessKey.Status.SecretDigest {
		return found.version
	}
	return ""
}

// recordVerified records the version of a Secret that was found intact by a live read. Others may touch the Secret often, so this
// is no reason to write the status.
func (r *Reconciler) recordVerified(s *scope) {
	if s.secret == nil || s.in.Secret.State != plan.SecretIntact || !s.in.Secret.UpToDate {
		return
	}
	status := &s.ak.Status
	r.verified.Store(s.name, verification{status.SecretDigest, s.secret.ResourceVersion})
	if recorded := s.base.Status.SecretResourceVersion; recorded == "" || !equality.Semantic.DeepEqual(s.base.Status, *status) {
		status.SecretResourceVersion = s.secret.ResourceVersion
	}
}

// act decides and acts. An irreversible action is decided again on a live input.
func (r *Reconciler) act(ctx context.Context, s *scope) (plan.Action, error) {
	action := plan.Next(s.in)
	// Before anything is read live or written.
	if preparations[action.Verb] != nil && s.connection != nil && !s.acquire() {
		return action, errNoSlot
	}
	for range preparations { // in any order
		prepare, ok := preparations[action.Verb]
		if !ok {
			break
		}
		if err := prepare(r, ctx, s); err != nil {
			return action, err
		}
		action = plan.Next(s.in)
	}
	return action, r.execute(ctx, s, action)
}

// preparations come before the action is decided for good.
var preparations = map[plan.Verb]func(*Reconciler, context.Context, *scope) error{
	plan.AddFinalizer: (*Reconciler).addFinalizer,
	plan.ReadLive:     (*Reconciler).readLive,
	plan.Verify:       (*Reconciler).verify,
	plan.VerifyImport: (*Reconciler).verifyImport,
	plan.AskLastUse:   (*Reconciler).askLastUse,
}

// finish reports the outcome in one patch of the status, sends the events, and decides when to reconcile again.
func (r *Reconciler) finish(ctx context.Context, s *scope, action plan.Action, err error) (reconcile.Result, error) {
	if IsKubeError(err) {
		return reconcile.Result{}, err
	}
	if (action.Verb == plan.RemoveFinalizer || action.Verb == plan.Retain) && err == nil {
		r.users.release(s.name)
		s.noteInLog(v1alpha1.ReasonDeleting, "Removed the finalizer; the AccessKey can go")
		s.emit(ctx, r.Recorder)
		return reconcile.Result{}, nil
	}
	if err := r.dropFormerNext(ctx, s); err != nil {
		return reconcile.Result{}, err
	}
	recordOutcome(s, action, err)
	r.recordUses(s)
	r.recordVerified(s)
	recorded := s.base.Status.Revision
	if err := r.patchStatus(ctx, s); err != nil {
		return reconcile.Result{}, err
	}
	s.countRotation(recorded, action, err)
	if s.ak.Status.Intent == nil || s.ak.Status.Intent.Waits() {
		r.users.release(s.name)
	}
	s.emit(ctx, r.Recorder)
	return reconcile.Result{RequeueAfter: r.next(s, action, err)}, nil
}
