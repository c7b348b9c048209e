// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// descs are all metrics of the Collector.
var descs []*prometheus.Desc

func describe(name, help string, labels ...string) *prometheus.Desc {
	description := prometheus.NewDesc(name, help, labels, nil)
	descs = append(descs, description)
	return description
}

var (
	info = describe("accesskey_info",
		"1 for each AccessKey, with the key service that it refers to.", "namespace", "name", "service_kind", "service_name")
	issued = describe("accesskey_issued_timestamp_seconds",
		"When the current pair was issued, in seconds since 1970.", "namespace", "name")
	expiration = describe("accesskey_expiration_timestamp_seconds",
		"When the current pair ends, in seconds since 1970. No series if it does not end.", "namespace", "name")
	renewal = describe("accesskey_renewal_timestamp_seconds",
		"When the current pair will be rotated, in seconds since 1970. No series if no rotation is scheduled.", "namespace", "name")
	ready = describe("accesskey_ready_status",
		"1 for the status that the condition Ready of the AccessKey has (True, False or Unknown), and 0 for the two others.", "namespace", "name", "condition")
	stalled = describe("accesskey_stalled",
		"1 while the AccessKey is Stalled, so that a person must act. Otherwise no series.", "namespace", "name", "reason")
	previousKeys = describe("accesskey_previous_keys",
		"Previous keys that are not deleted yet: Active in the overlap, Disabled in quarantine. No series if there are none.", "namespace", "name", "state")
	lastUsed = describe("accesskey_previous_key_last_used_timestamp_seconds",
		"When a previous key that still works was last used, in seconds since 1970. No series if the service does not tell, or if none was used.", "namespace", "name")
	inUse = describe("accesskey_previous_key_in_use",
		"1 if a previous key is still used shortly before it is revoked, so that a consumer has not loaded the current pair. Otherwise no series.", "namespace", "name")
	intentStarted = describe("accesskey_intent_started_timestamp_seconds",
		"When an operation at the key service was started whose outcome is not recorded yet, in seconds since 1970. No series if there is none.", "namespace", "name", "operation")
	failures = describe("accesskey_consecutive_failures",
		"Failed attempts of the AccessKey's current operation in a row. No series if the last attempt succeeded.", "namespace", "name")
)

// States of previous keys, as labels.
var (
	active   = label("state", string(v1alpha1.KeyActive))
	disabled = label("state", string(v1alpha1.KeyDisabled))
)

func (out output) accessKey(ak *v1alpha1.AccessKey) {
	status, ref := &ak.Status, ak.Spec.ServiceRef
	of := object{label("name", ak.Name), label("namespace", ak.Namespace)}
	out.gauge(info, of, 1, label("service_kind", ref.Kind), label("service_name", ref.Name))
	out.time(issued, of, status.IssuedAt)
	out.time(expiration, of, status.ExpiresAt)
	out.time(renewal, of, status.RenewalTime)
	out.condition(ready, of, meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady))
	if found := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled); found != nil { // it is present only while it is true
		out.gauge(stalled, of, 1, label("reason", found.Reason))
	}
	out.previousKeys(of, ak)
	if intent := status.Intent; intent != nil {
		out.time(intentStarted, of, intent.StartedAt, label("operation", string(intent.Operation)))
	}
	if status.Failures != nil {
		out.count(failures, of, int(status.Failures.Count))
	}
}

func (out output) previousKeys(of object, ak *v1alpha1.AccessKey) {
	working, quarantined := 0, 0
	var used metav1.Time
	for i := range ak.Status.PreviousKeys {
		previous := &ak.Status.PreviousKeys[i]
		if previous.State == v1alpha1.KeyDisabled {
			quarantined++
			continue
		}
		working++
		if previous.LastUsedAt.After(used.Time) {
			used = previous.LastUsedAt
		}
	}
	out.count(previousKeys, of, working, active)
	out.count(previousKeys, of, quarantined, disabled)
	out.time(lastUsed, of, used)
	if (plan.Input{AccessKey: ak}).UsedLate() {
		out.gauge(inUse, of, 1)
	}
}
