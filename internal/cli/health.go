// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// health is what a person wants to know about an AccessKey first.
type health struct {
	// ready is the status of the condition Ready.
	ready string
	// reason is the one word that says most: of Stalled, of what is not as it should be, or else of Ready.
	reason string
	// stalled reports whether a person must act.
	stalled bool
	tone    tone
}

// healthOf sums up the conditions of an AccessKey.
func healthOf(ak *v1alpha1.AccessKey) health {
	condition := func(name string) *metav1.Condition { return meta.FindStatusCondition(ak.Status.Conditions, name) }
	ready, synced, stalled := condition(v1alpha1.ConditionReady), condition(v1alpha1.ConditionSynced), condition(v1alpha1.ConditionStalled)
	switch reconciling := condition(v1alpha1.ConditionReconciling); {
	case ready == nil:
		return health{ready: string(metav1.ConditionUnknown), reason: "Unseen", tone: warn}
	case stalled != nil:
		return health{string(ready.Status), stalled.Reason, true, bad}
	case ready.Status == metav1.ConditionFalse:
		return health{string(ready.Status), ready.Reason, false, bad}
	case ready.Status == metav1.ConditionUnknown:
		return health{string(ready.Status), ready.Reason, false, warn}
	case synced != nil && synced.Status == metav1.ConditionFalse:
		return health{string(ready.Status), synced.Reason, false, warn}
	case ak.Suspended():
		return health{string(ready.Status), "Suspended", false, faint}
	case reconciling != nil:
		return health{string(ready.Status), reconciling.Reason, false, warn}
	default:
		return health{string(ready.Status), ready.Reason, false, plain}
	}
}

// troubles returns the conditions that say what is wrong, the most important first. It leaves out a condition that repeats another one.
func troubles(ak *v1alpha1.AccessKey) (conditions []metav1.Condition) {
	for _, name := range []string{v1alpha1.ConditionStalled, v1alpha1.ConditionReady, v1alpha1.ConditionSynced, v1alpha1.ConditionVerified, v1alpha1.ConditionReconciling} {
		condition := meta.FindStatusCondition(ak.Status.Conditions, name)
		bad := name == v1alpha1.ConditionStalled || name == v1alpha1.ConditionReconciling
		if condition == nil || (condition.Status == metav1.ConditionTrue) != bad || condition.Reason == v1alpha1.ReasonSuspended {
			continue
		}
		repeats := func(said metav1.Condition) bool { return strings.Contains(condition.Message, said.Message) }
		if !slices.ContainsFunc(conditions, repeats) {
			conditions = append(conditions, *condition)
		}
	}
	return conditions
}
