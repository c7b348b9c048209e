// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller/accesskey"
	"accesskey.dev/operator/internal/plan"
)

// reportAfter is how long after the request an error is reported that may go away by itself.
const reportAfter = time.Minute

// record writes into the status what was achieved, and then sends the events. The optimistic lock keeps the request of a newer
// restart.
func (r *Reconciler) record(ctx context.Context, ak *v1alpha1.AccessKey, done attempt) error {
	changed := ak.DeepCopy()
	changed.Status.Restart = outcome(ak, done, r.Clock.Now())
	if !equality.Semantic.DeepEqual(ak.Status.Restart, changed.Status.Restart) {
		patch := client.MergeFromWithOptions(ak, client.MergeFromWithOptimisticLock{})
		if err := r.Client.Status().Patch(ctx, changed, patch); err != nil {
			return fmt.Errorf("writing the status of AccessKey %s: %w", ak.Name, err)
		}
	}
	r.tell(ctx, ak, done)
	return nil
}

// outcome returns the restart as it is after an attempt.
func outcome(ak *v1alpha1.AccessKey, done attempt, now time.Time) *v1alpha1.Restart {
	restart := ak.Status.Restart.DeepCopy()
	restart.Message = message(ak, done, now)
	if done.unread != nil {
		return restart
	}
	restart.Pending = nil
	for _, failed := range done.failed {
		restart.Pending = append(restart.Pending, failed.workload)
	}
	if len(restart.Pending) == 0 {
		restart.CompletedAt = metav1.NewTime(now.Truncate(time.Second))
	}
	return restart
}

// message says why workloads could not be restarted, if that needs a person or has lasted for a while.
func message(ak *v1alpha1.AccessKey, done attempt, now time.Time) string {
	err := done.err()
	if err == nil || !lasts(err) && now.Sub(ak.Status.Restart.RequestedAt.Time) < reportAfter {
		return ""
	}
	text := err.Error()
	if others := len(done.failed) - 1; others > 0 {
		text += fmt.Sprintf(" (and %d more workloads)", others)
	}
	if apierrors.IsForbidden(err) {
		text += fmt.Sprintf("; if the operator lacks the permission, bind the ClusterRole accesskey-operator-restarts to its ServiceAccount in namespace %s", ak.Namespace)
	}
	return accesskey.Clean(text, accesskey.MaxMessage)
}

// tell sends the events and counts the outcomes. The names are in one event, because the recorder merges events that differ only in
// their text.
func (r *Reconciler) tell(ctx context.Context, ak *v1alpha1.AccessKey, done attempt) {
	var restarted, absent []string
	for _, each := range done.restarted {
		restarted = append(restarted, each.String())
		restarts.WithLabelValues(string(each.Kind), "restarted").Inc()
	}
	for _, each := range done.absent {
		absent = append(absent, each.text)
		restarts.WithLabelValues(string(each.kind), "missing").Inc()
	}
	for _, each := range done.failed {
		restarts.WithLabelValues(string(each.workload.Kind), "failed").Inc()
	}
	if len(restarted) > 0 {
		r.event(ctx, ak, note{corev1.EventTypeNormal, v1alpha1.EventRestarted, "Restarted %s, so that access key %s is used"}, restarted)
	}
	if len(absent) > 0 {
		r.event(ctx, ak, note{corev1.EventTypeWarning, v1alpha1.EventRestartTargetNotFound,
			"Found no %s to restart for access key %s: correct rolloutRestartTargets, and restart what was meant yourself"}, absent)
	}
}

// note is an event about workloads and the current access key.
type note struct{ eventType, reason, format string }

// event logs a note and sends it as an event.
func (r *Reconciler) event(ctx context.Context, ak *v1alpha1.AccessKey, n note, workloads []string) {
	const maxNote, maxNames = 1024, 700 // a note of events.k8s.io/v1
	text := fmt.Sprintf(n.format, accesskey.Clean(strings.Join(workloads, ", "), maxNames), plan.ShortID(ak.Status.AccessKeyID))
	log.FromContext(ctx).Info(text, "reason", n.reason, "type", n.eventType, "accessKeyID", ak.Status.AccessKeyID, "revision", ak.Status.Revision)
	r.Recorder.Eventf(ak, nil, n.eventType, n.reason, "Restart", "%s", accesskey.Clean(text, maxNote))
}
