// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/secret"
)

// attempt is what one reconciliation achieved.
type attempt struct {
	restarted []v1alpha1.Workload
	absent    []missing
	failed    []failure
	// unread is why the targets could not be read, so that nothing was restarted.
	unread error
}

// failure is a workload that could not be restarted.
type failure struct {
	workload v1alpha1.Workload
	err      error
}

// err returns the first error, nil if nothing failed.
func (a attempt) err() error {
	if a.unread != nil || len(a.failed) == 0 {
		return a.unread
	}
	return a.failed[0].err
}

// restart restarts the workloads one after the other.
func (r *Reconciler) restart(ctx context.Context, ak *v1alpha1.AccessKey) (done attempt) {
	var found []workload
	if found, done.absent, done.unread = r.targets(ctx, ak); done.unread != nil {
		return done
	}
	for _, each := range found {
		if err := r.stamp(ctx, ak, each); err != nil {
			done.failed = append(done.failed, failure{each.Workload, fmt.Errorf("restarting %s: %w", each, err)})
			continue
		}
		done.restarted = append(done.restarted, each.Workload)
	}
	return done
}

// stamp changes the workload so that its controller replaces the pods. The same pair changes it only once. Each AccessKey has a field
// manager of its own, so that two of them can restart the same workload.
func (r *Reconciler) stamp(ctx context.Context, ak *v1alpha1.AccessKey, target workload) error {
	manager := secret.FieldManager + "/" + stampName(ak.Name)
	return r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(stamped(ak, target)), client.FieldOwner(manager), client.ForceOwnership)
}

// stamped returns the fields of a workload that restart it for the current pair. Argo Rollouts restarts the pods that are older than
// restartAt, without the steps of a canary, which could wait for a person while the old pair ends.
func stamped(ak *v1alpha1.AccessKey, target workload) *unstructured.Unstructured {
	spec := map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{
		v1alpha1.RestartAnnotationPrefix + stampName(ak.Name): stampOf(ak),
	}}}}
	if target.Kind == v1alpha1.WorkloadRollout {
		// The time of the request has no fraction, and a pod can have been created earlier in the same second.
		spec = map[string]any{"restartAt": ak.Status.Restart.RequestedAt.Add(time.Second).UTC().Format(time.RFC3339)}
	}
	object := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	object.SetGroupVersionKind(kinds[target.Kind])
	object.SetNamespace(ak.Namespace)
	object.SetName(target.Name)
	object.SetUID(target.uid) // an apply would create a workload that was deleted meanwhile
	return object
}

// stampOf identifies the current pair. Where a key is regenerated in place, the access key ID can stay the same.
func stampOf(ak *v1alpha1.AccessKey) string {
	return fmt.Sprintf("%s (revision %d)", ak.Status.AccessKeyID, ak.Status.Revision)
}

// stampName is the name of an AccessKey, shortened to what the key of an annotation can hold.
func stampName(name string) string {
	const most, kept = 63, 52
	if len(name) <= most {
		return name
	}
	hash := sha256.Sum256([]byte(name))
	return name[:kept] + "-" + hex.EncodeToString(hash[:5])
}

// lasts reports whether an error will not go away by itself.
func lasts(err error) bool {
	_, tooMany := errors.AsType[*tooManyError](err)
	return tooMany || secret.Refused(err)
}
