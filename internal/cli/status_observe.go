// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// The parts of a report that take rights of their own.
const (
	partService    = "service"
	partContainers = "containers"
	partEvents     = "events"
)

// lastEvents is how many events a report has.
const lastEvents = 8

// report reads what status knows about an AccessKey, as far as the user may.
func (s *session) report(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey) *accessKeyReport {
	status, health, now := &ak.Status, healthOf(ak), s.now()
	r := &accessKeyReport{
		Ready: health.ready, Reason: health.reason, Stalled: health.stalled, Suspended: ak.Suspended(), Outdated: ak.Generation != status.ObservedGeneration,
		SecretName: cmp.Or(status.SecretName, ak.SecretName()), User: ak.Spec.User, NotShown: map[string]string{},
	}
	for _, condition := range troubles(ak) {
		problem := reportedProblem{Type: condition.Type, Status: string(condition.Status), Reason: condition.Reason, Message: condition.Message}
		if advice, ok := adviceOn(condition.Type, problem.Status, condition.Reason); ok {
			problem.Advice = strings.TrimSuffix(advice.todo, ".")
		}
		r.Problems = append(r.Problems, problem)
	}
	if status.KeyID != "" {
		r.Key = &reportedKey{status.AccessKeyID, status.KeyID, status.Revision, status.IssuedAt, string(status.IssueReason), status.ExpiresAt}
	}
	if restart := status.Restart; restart != nil && len(restart.Pending) > 0 {
		r.Restart = &reportedRestart{Message: restart.Message}
		for _, workload := range restart.Pending {
			r.Restart.Pending = append(r.Restart.Pending, workload.String())
		}
	}
	limits := r.readService(ctx, c, ak)
	for _, each := range timeline(ak, limits, now) {
		next := reportedStep{Action: each.what, Detail: each.detail}
		if !each.held {
			next.At = metav1.NewTime(each.at)
		}
		r.Next = append(r.Next, next)
	}
	for i := range status.PreviousKeys {
		r.PreviousKeys = append(r.PreviousKeys, reportPrevious(ak, &status.PreviousKeys[i], now))
	}
	r.readContainers(ctx, c, ak)
	r.readEvents(ctx, c, ak)
	return r
}

func reportPrevious(ak *v1alpha1.AccessKey, previous *v1alpha1.PreviousKey, now time.Time) reportedPreviousKey {
	ends := plan.EndOfPrevious(ak, previous)
	if ak.Compromised(previous.KeyID, previous.AccessKeyID) {
		ends = now
	}
	return reportedPreviousKey{
		previous.AccessKeyID, previous.KeyID, string(cmp.Or(previous.State, v1alpha1.KeyActive)), previous.IssuedAt, string(previous.ReplaceReason),
		previous.LastUsedAt, metav1.NewTime(ends),
	}
}

// leftOut notes why a part is missing, if it is.
func (r *accessKeyReport) leftOut(part, right string, err error) bool {
	switch {
	case err == nil:
		return false
	case apierrors.IsForbidden(err):
		r.NotShown[part] = "not shown, because you have no right to " + right
	default:
		r.NotShown[part] = "not shown: " + err.Error()
	}
	return true
}

// readService reads the KeyService of an AccessKey, and returns the limits of the service; nil if they are not known.
func (r *accessKeyReport) readService(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey) *v1alpha1.ServiceLimits {
	of, right := serviceOf(ak), "get clusterkeyservices.accesskey.dev"
	var service v1alpha1.GenericKeyService = &v1alpha1.ClusterKeyService{}
	if of.kind == v1alpha1.KindKeyService {
		service, right = &v1alpha1.KeyService{}, "get keyservices.accesskey.dev in namespace "+ak.Namespace
	}
	r.Service = reportedService{Kind: of.kind, Name: of.Name}
	if r.leftOut(partService, right, c.Get(ctx, of.NamespacedName, service)) {
		return nil
	}
	status := service.GetStatus()
	r.Service.Version = status.Version
	if ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); ready != nil {
		r.Service.Ready, r.Service.Reason, r.Service.Message, r.Service.Since = string(ready.Status), ready.Reason, ready.Message, ready.LastTransitionTime
	}
	if limits := status.Limits; limits != nil {
		r.Service.KeysPerUser, r.Service.Overlap = limits.KeysPerUser, new(limits.Overlap == nil || *limits.Overlap)
	}
	return status.Limits
}

// readContainers reads which running containers use the Secret.
func (r *accessKeyReport) readContainers(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey) {
	if ak.Status.SecretName == "" {
		return
	}
	pods := &corev1.PodList{}
	if r.leftOut(partContainers, "list pods in namespace "+ak.Namespace, c.List(ctx, pods, client.InNamespace(ak.Namespace))) {
		return
	}
	for _, each := range consumersOf(pods.Items, ak.Status.SecretName, ak.Status.IssuedAt.Time) {
		r.Containers = append(r.Containers, reportedContainer{each.pod, each.container, each.uses, metav1.NewTime(each.started), each.outdated})
	}
}

// readEvents reads the last events of the AccessKey.
func (r *accessKeyReport) readEvents(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey) {
	list := &corev1.EventList{}
	of := client.MatchingFields{"involvedObject.uid": string(ak.UID)}
	if r.leftOut(partEvents, "list events in namespace "+ak.Namespace, c.List(ctx, list, client.InNamespace(ak.Namespace), of)) {
		return
	}
	slices.SortFunc(list.Items, func(a, b corev1.Event) int {
		return cmp.Or(eventTime(&b).Compare(eventTime(&a)), cmp.Compare(a.Name, b.Name))
	})
	for i := range list.Items[:min(len(list.Items), lastEvents)] {
		event := &list.Items[i]
		r.Events = append(r.Events, reportedEvent{metav1.NewTime(eventTime(event)), event.Type, event.Reason, event.Message})
	}
}

// eventTime returns when an event was last seen, in each of the places where recorders put that.
func eventTime(event *corev1.Event) time.Time {
	switch {
	case event.Series != nil:
		return event.Series.LastObservedTime.Time
	case !event.LastTimestamp.IsZero():
		return event.LastTimestamp.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	default:
		return event.CreationTimestamp.Time
	}
}
