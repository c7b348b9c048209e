// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// lastEvents is how many events status shows.
const lastEvents = 8

// leftOut says why an optional part of the output is missing.
func leftOut(err error, right string) string {
	if apierrors.IsForbidden(err) {
		return "not shown, because you have no right to " + right
	}
	return "not shown: " + err.Error()
}

// serviceView is what the KeyService tells about the service.
type serviceView struct {
	text string
	// limits of the service; nil if they are not known.
	limits *v1alpha1.ServiceLimits
}

// readService reads the KeyService of an AccessKey, as far as the user may.
func readService(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey) serviceView {
	name := ak.Spec.ServiceRef.Name
	if ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService {
		object := &v1alpha1.ClusterKeyService{}
		if err := c.Get(ctx, client.ObjectKey{Name: name}, object); err != nil {
			return serviceView{text: fmt.Sprintf("ClusterKeyService %s, %s", name, leftOut(err, "get clusterkeyservices.accesskey.dev"))}
		}
		return viewOf("ClusterKeyService "+name, &object.Status)
	}
	object := &v1alpha1.KeyService{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: ak.Namespace, Name: name}, object); err != nil {
		return serviceView{text: fmt.Sprintf("KeyService %s, %s", name, leftOut(err, "get keyservices.accesskey.dev in namespace "+ak.Namespace))}
	}
	return viewOf("KeyService "+name, &object.Status)
}

// viewOf sums up the status of a KeyService.
func viewOf(name string, status *v1alpha1.KeyServiceStatus) serviceView {
	parts := []string{name}
	switch ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); {
	case ready == nil:
		parts = append(parts, "not checked yet")
	case ready.Status == metav1.ConditionTrue:
		parts = append(parts, "ready")
	default:
		parts = append(parts, fmt.Sprintf("not ready since %s (%s: %s)", stamp(ready.LastTransitionTime.Time), ready.Reason, ready.Message))
	}
	if status.Version != "" {
		parts = append(parts, status.Version)
	}
	if limits := status.Limits; limits != nil {
		parts = append(parts, count(int(limits.KeysPerUser), "key per user", "keys per user"), rotates(limits))
	}
	return serviceView{strings.Join(parts, ", "), status.Limits}
}

func rotates(limits *v1alpha1.ServiceLimits) string {
	if limits.Overlap != nil && !*limits.Overlap {
		return "a rotation replaces the pair in place"
	}
	return "an old and a new pair can work side by side"
}

// consumers prints which running containers use the Secret, and which of them need a restart.
func (s *session) consumers(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey, now time.Time) error {
	secret := ak.Status.SecretName
	if secret == "" {
		return nil
	}
	s.printf("\n%s\n", s.paint(bold, "Containers that use Secret "+secret))
	pods := &corev1.PodList{}
	if err := c.List(ctx, pods, client.InNamespace(ak.Namespace)); err != nil {
		s.printf("  %s\n", sentence(leftOut(err, "list pods in namespace "+ak.Namespace)))
		return nil
	}
	consumers := consumersOf(pods.Items, secret, ak.Status.IssuedAt.Time)
	if len(consumers) == 0 {
		s.printf("  None in this namespace.\n")
		return nil
	}
	rows := make([]row, 0, len(consumers))
	outdated := 0
	for _, each := range consumers {
		entry := row{cells: []any{each.pod, each.container, each.uses, ago(each.started, now), "the current pair"}}
		switch {
		case each.outdated:
			outdated++
			entry.cells[4], entry.tone = "an earlier pair, until it is restarted", warn
		case each.uses == usesFiles:
			entry.cells[4] = "the current pair, if it reads the files again"
		}
		rows = append(rows, entry)
	}
	columns := []metav1.TableColumnDefinition{column("Pod"), column("Container"), column("Uses"), column("Started"), column("Has")}
	if err := s.printTable(columns, rows, false, "  "); err != nil {
		return err
	}
	if outdated > 0 {
		s.printf("  %s\n", earlierPairs(ak))
	}
	return nil
}

// earlierPairs says until when containers that were not restarted can work.
func earlierPairs(ak *v1alpha1.AccessKey) string {
	var last time.Time
	for i := range ak.Status.PreviousKeys {
		if previous := &ak.Status.PreviousKeys[i]; previous.DeleteAt.IsZero() && !ak.Compromised(previous.KeyID, previous.AccessKeyID) {
			if end := plan.EndOfPrevious(ak, previous); end.After(last) {
				last = end
			}
		}
	}
	if last.IsZero() {
		return "No earlier pair works any more. Restart these Pods, for example with kubectl rollout restart."
	}
	return "The last earlier pair works until " + stamp(last) + ". Restart these Pods before, for example with kubectl rollout restart."
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// events prints the last events of the AccessKey.
func (s *session) events(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey, now time.Time) error {
	s.printf("\n%s\n", s.paint(bold, "Events"))
	list := &corev1.EventList{}
	if err := c.List(ctx, list, client.InNamespace(ak.Namespace), client.MatchingFields{"involvedObject.uid": string(ak.UID)}); err != nil {
		s.printf("  %s\n", sentence(leftOut(err, "list events in namespace "+ak.Namespace)))
		return nil
	}
	if len(list.Items) == 0 {
		s.printf("  None.\n")
		return nil
	}
	slices.SortFunc(list.Items, func(a, b corev1.Event) int {
		return cmp.Or(eventTime(&b).Compare(eventTime(&a)), cmp.Compare(a.Name, b.Name))
	})
	var rows []row
	for i := range list.Items[:min(len(list.Items), lastEvents)] {
		event := &list.Items[i]
		t := plain
		if event.Type == corev1.EventTypeWarning {
			t = warn
		}
		rows = append(rows, row{[]any{duration.HumanDuration(max(now.Sub(eventTime(event)), 0)), event.Type, event.Reason, event.Message}, t})
	}
	return s.printTable([]metav1.TableColumnDefinition{column("Age"), column("Type"), column("Reason"), column("Message")}, rows, false, "  ")
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
