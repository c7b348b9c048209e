// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
)

// operatorLease is the lease of the operator's leader, in the operator's namespace.
const operatorLease = "accesskey-operator"

// errStillHeld says that the operator did not remove all finalizers in time.
var errStillHeld = errors.New("still waiting for the operator")

// deleteAccessKeys deletes the AccessKeys, and lets them keep their keys first if that is wanted. It rehearses this first, so that nothing
// is changed if the API server would refuse a part of it.
func (s *session) deleteAccessKeys(ctx context.Context, c client.Client, found *held, retain bool) error {
	for i := range found.accessKeys {
		if err := deleteAccessKey(ctx, client.NewDryRunClient(c), found.accessKeys[i].DeepCopy(), retain); err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
		}
	}
	for i := range found.accessKeys {
		if err := deleteAccessKey(ctx, c, &found.accessKeys[i], retain); err != nil {
			return err
		}
	}
	return nil
}

func deleteAccessKey(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey, retain bool) error {
	if retain && ak.Spec.DeletionPolicy != v1alpha1.DeletionPolicyRetain {
		before := ak.DeepCopy()
		ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain
		if err := c.Patch(ctx, ak, client.MergeFrom(before), fieldOwner); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("setting deletionPolicy of AccessKey %s to Retain: %w", ref(ak), err)
		}
	}
	if !ak.DeletionTimestamp.IsZero() {
		return nil
	}
	only := client.Preconditions{UID: &ak.UID} // and not one of the same name that somebody creates meanwhile
	if err := c.Delete(ctx, ak, only); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting AccessKey %s: %w", ref(ak), err)
	}
	return nil
}

// waitReleased waits until nothing waits for the operator, and reports each object that is free. The error is errStillHeld if something
// is left after the timeout.
func (s *session) waitReleased(ctx context.Context, c client.Client, namespace string, timeout time.Duration) (left *held, err error) {
	reported := map[string]string{}
	err = wait.PollUntilContextTimeout(ctx, time.Second, timeout, true, func(context.Context) (bool, error) { // a request is not cut off by the timeout
		if left, err = s.readHeld(ctx, c, namespace); err != nil {
			return false, err
		}
		s.reportProgress(left, reported)
		return len(left.plan(false)) == 0, nil
	})
	if !wait.Interrupted(err) || ctx.Err() != nil || left == nil {
		return left, err
	}
	steps := left.plan(false)
	return left, fmt.Errorf("%w after %s: %s", errStillHeld, timeout, nameSteps(steps))
}

// reportProgress prints what changed since the last time: what is gone, and why what is left stays.
func (s *session) reportProgress(left *held, reported map[string]string) {
	now := map[string]string{}
	for _, step := range left.plan(false) {
		now[step.kind+" "+strings.TrimPrefix(step.namespace+"/"+step.name, "/")] = ""
	}
	for i := range left.accessKeys {
		now["AccessKey "+ref(&left.accessKeys[i])] = whyStays(&left.accessKeys[i])
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if why := now[name]; why != "" && reported[name] != why {
			s.notef("%s: %s\n", name, why)
		}
		reported[name] = now[name]
	}
	for _, name := range slices.Sorted(maps.Keys(reported)) {
		if _, there := now[name]; !there {
			s.notef("%s: free\n", name)
			delete(reported, name)
		}
	}
}

// whyStays says why an AccessKey is not gone yet, in the words of the operator.
func whyStays(ak *v1alpha1.AccessKey) string {
	for _, of := range []string{v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling} {
		if condition := meta.FindStatusCondition(ak.Status.Conditions, of); condition != nil {
			return fmt.Sprintf("%s: %s", condition.Reason, condition.Message)
		}
	}
	return ""
}

// nameSteps names a few objects.
func nameSteps(steps []releaseStep) string {
	const shown = 5
	names := make([]string, 0, shown+1)
	for _, step := range steps[:min(len(steps), shown)] {
		names = append(names, step.kind+" "+strings.TrimPrefix(step.namespace+"/"+step.name, "/"))
	}
	if more := len(steps) - shown; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// adviseWaiting says what to do if the operator did not remove all finalizers in time.
func (s *session) adviseWaiting(ctx context.Context, c client.Client, o *releaseOptions) string {
	if s.operatorGone(ctx, c, o.operatorNamespace) == nil {
		return fmt.Sprintf("no operator holds the lease %s in namespace %s: start it, or remove the finalizers with --force", operatorLease, o.operatorNamespace)
	}
	return "kubectl accesskey status says what is in the way, and --retain gives the keys up"
}

// letGo removes the finalizers of what is left, if the operator does not run.
func (s *session) letGo(ctx context.Context, c client.Client, left *held, o *releaseOptions) error {
	if err := s.operatorGone(ctx, c, o.operatorNamespace); err != nil {
		return err
	}
	for i := range left.accessKeys {
		if ak := &left.accessKeys[i]; ak.DeletionTimestamp.IsZero() {
			return fmt.Errorf("nothing was forced: AccessKey %s was created meanwhile; stop whatever creates it, and run the command again", ref(ak))
		}
	}
	if staying := left.staying(); len(staying) > 0 {
		s.printf("These keys go on working at their services, and nobody rotates or revokes them:\n")
		for _, line := range staying {
			s.printf("  %s\n", line)
		}
	}
	steps := left.plan(false)
	for _, object := range left.objects() {
		if err := removeFinalizers(ctx, c, object); err != nil {
			return err
		}
	}
	s.printf("Removed the finalizers of %s.\n", count(len(steps), "object", "objects"))
	return nil
}

// objects returns everything that is held, AccessKeys first.
func (h *held) objects() []client.Object {
	var objects []client.Object
	for i := range h.accessKeys {
		objects = append(objects, &h.accessKeys[i])
	}
	for _, service := range h.services {
		objects = append(objects, service)
	}
	for i := range h.others {
		objects = append(objects, &h.others[i])
	}
	return objects
}

// removeFinalizers removes the operator's finalizers from an object. An AccessKey must still be as it was read: if it changed, the
// operator runs.
func removeFinalizers(ctx context.Context, c client.Client, object client.Object) error {
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("%T is not an object", object)
	}
	revoke, inUse := controllerutil.RemoveFinalizer(object, v1alpha1.RevokeFinalizer), controllerutil.RemoveFinalizer(object, v1alpha1.InUseFinalizer)
	if !revoke && !inUse {
		return nil
	}
	lock := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	err := c.Patch(ctx, object, lock, fieldOwner)
	if apierrors.IsConflict(err) && !revoke {
		if err = c.Get(ctx, client.ObjectKeyFromObject(object), object); err == nil {
			return removeFinalizers(ctx, c, object)
		}
	}
	if apierrors.IsConflict(err) {
		return fmt.Errorf("AccessKey %s changed meanwhile, so the operator runs: stop it, or use --retain", client.ObjectKeyFromObject(object))
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer of %s: %w", client.ObjectKeyFromObject(object), err)
	}
	return nil
}

// operatorGone returns an error if the operator runs, or if that cannot be seen. A leader renews its lease every few seconds.
func (s *session) operatorGone(ctx context.Context, c client.Client, namespace string) error {
	lease := &coordinationv1.Lease{}
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: operatorLease}, lease)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		return fmt.Errorf("nothing was forced: your rights do not show whether the operator runs (get on leases in namespace %s is missing)", namespace)
	case err != nil:
		return err
	case leaseHeld(lease, s.now()):
		return fmt.Errorf("nothing was forced: the operator runs (%s renewed its lease at %s); --retain lets it give up the keys in order", *lease.Spec.HolderIdentity, stamp(lease.Spec.RenewTime.Time))
	default:
		return nil
	}
}

// leaseHeld reports whether somebody holds a lease that has not run out.
func leaseHeld(lease *coordinationv1.Lease, now time.Time) bool {
	spec := lease.Spec
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
		return false
	}
	return now.Before(spec.RenewTime.Add(time.Duration(*spec.LeaseDurationSeconds) * time.Second))
}
