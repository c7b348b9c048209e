// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

const day = 24 * time.Hour

// noon is now in these tests: a Sunday.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) metav1.Time { return metav1.NewTime(noon.Add(d)) }

func lasting(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

// issued is an AccessKey with the pair K2, which was issued ten days ago, is rotated in ten days and expires in twenty.
func issued(changes ...func(*v1alpha1.AccessKey)) *v1alpha1.AccessKey {
	ak := &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "backup", UID: "1", CreationTimestamp: at(-40 * day)},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"}, User: "local:backup",
			TTL: lasting(30 * day), RenewBefore: lasting(10 * day),
		},
		Status: v1alpha1.AccessKeyStatus{
			KeyID: "K2", AccessKeyID: "K2", Revision: 2, IssuedAt: at(-10 * day), RenewalTime: at(10 * day), ExpiresAt: at(20 * day),
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonIssued}},
		},
	}
	for _, change := range changes {
		change(ak)
	}
	return ak
}

// overlapping adds the previous key K1, which is revoked in a day.
func overlapping(ak *v1alpha1.AccessKey) {
	ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{
		KeyID: "K1", AccessKeyID: "K1", IssuedAt: at(-29 * day), ReplacedAt: at(-10 * day), RevokeAt: at(day), State: v1alpha1.KeyActive,
	}}
}

// quarantined is the same with K1 disabled, to be deleted in two days.
func quarantined(ak *v1alpha1.AccessKey) {
	overlapping(ak)
	ak.Status.PreviousKeys[0].State, ak.Status.PreviousKeys[0].RevokeAt, ak.Status.PreviousKeys[0].DeleteAt = v1alpha1.KeyDisabled, at(-day), at(2*day)
}

func suspended(ak *v1alpha1.AccessKey) { ak.Spec.Suspend = ptr.To(true) }

func requested(ak *v1alpha1.AccessKey) {
	ak.Annotations = map[string]string{v1alpha1.RenewAnnotation: "now"}
}

func compromisedIDs(ids ...string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.CompromisedKeyIDs = ids }
}

func failing(ak *v1alpha1.AccessKey) {
	ak.Status.RenewalTime = at(-time.Hour)
	ak.Status.Failures = &v1alpha1.Failures{Count: 3, LastTime: at(-time.Minute), NextAttempt: at(time.Minute)}
}

func stalled(ak *v1alpha1.AccessKey) {
	ak.Status.Conditions = append(ak.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonQuotaExceeded, Message: "no room",
	})
}

func rotation(r v1alpha1.Rotation) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation = &r }
}

func deleting(ak *v1alpha1.AccessKey) { ak.DeletionTimestamp = ptr.To(at(0)) }

// unissued is an AccessKey without a pair.
func unissued(ak *v1alpha1.AccessKey) { ak.Status = v1alpha1.AccessKeyStatus{} }

// TestTimeline: each line is when a step happens, its word, and a part of its detail.
func TestTimeline(t *testing.T) {
	onceAWeek := v1alpha1.Rotation{Windows: []v1alpha1.RotationWindow{{Cron: "0 11 * * 3", Duration: lasting(4 * time.Hour)}}}
	never := v1alpha1.Rotation{Windows: []v1alpha1.RotationWindow{{Cron: "0 11 1 1 *", Duration: lasting(time.Hour)}}}
	idle := v1alpha1.Rotation{RevokePrevious: v1alpha1.RevokeWhenIdle}
	tests := map[string]struct {
		ak     *v1alpha1.AccessKey
		limits *v1alpha1.ServiceLimits
		want   []string
	}{
		"a pair is rotated, and then revoked": {issued(), nil,
			[]string{"in 10d rotate: rotate: create a new key beside access key K2", "in 20d revoke: revoke access key K2, which has been replaced by then"}},
		"a previous key is revoked first": {issued(overlapping), nil,
			[]string{"in 24h revoke: revoke access key K1, which works until then", "in 10d rotate", "in 20d revoke"}},
		"a previous key can be revoked earlier if it is idle": {issued(overlapping, rotation(idle)), nil,
			[]string{"in 24h revoke: revoke access key K1, which works until then, or earlier once it is idle", "in 10d rotate", "in 20d revoke"}},
		"a key in quarantine is deleted": {issued(quarantined), nil, []string{"in 2d delete: delete access key K1, which is disabled", "in 10d rotate", "in 20d revoke"}},
		"a service that can disable keys keeps them in quarantine": {
			issued(rotation(v1alpha1.Rotation{Quarantine: lasting(3 * day)})), &v1alpha1.ServiceLimits{Disable: ptr.To(true)},
			[]string{"in 10d rotate", "in 20d disable: disable access key K2", "in 23d delete: delete access key K2 at the end of its quarantine"}},
		"a service that cannot disable keys does not": {
			issued(rotation(v1alpha1.Rotation{Quarantine: lasting(3 * day)})), &v1alpha1.ServiceLimits{Disable: ptr.To(false)},
			[]string{"in 10d rotate", "in 20d revoke"}},
		"a service without an overlap replaces the pair in place": {
			issued(), &v1alpha1.ServiceLimits{Overlap: ptr.To(false)}, []string{"in 10d rotate: rotate: replace access key K2, without an overlap"}},
		"a rotation in a window names it": {
			issued(rotation(onceAWeek)), nil, []string{"in 10d rotate: rotate: create a new key beside access key K2, in the window that opens at 2026-03-11T11:00:00Z and closes at 2026-03-11T15:00:00Z", "in 20d revoke"}},
		"a rotation outside of the windows says so": {
			issued(rotation(never)), nil, []string{"in 10d rotate: rotate: create a new key beside access key K2, outside of rotation.windows", "in 20d revoke"}},
		"a suspended pair expires":             {issued(suspended), nil, []string{"in 20d expire: access key K2 expires and is not rotated before"}},
		"a suspended request waits":            {issued(suspended, requested), nil, []string{"in 20d expire"}},
		"a requested rotation comes first":     {issued(requested), nil, []string{"now rotate: rotate, as requested", "in 10d rotate", "in 20d revoke"}},
		"a compromised key is rotated at once": {issued(compromisedIDs("K2")), nil, []string{"now rotate: rotate, and revoke access key K2 as soon as its replacement is published", "in 10d rotate", "in 20d revoke"}},
		"a compromised previous key is revoked at once": {
			issued(overlapping, compromisedIDs("K1")), nil, []string{"now revoke: revoke access key K1, which is compromised", "in 10d rotate", "in 20d revoke"}},
		"a failed rotation is tried again":      {issued(failing), nil, []string{"in 60s retry: try again after 3 failed attempts in a row", "in 20d revoke"}},
		"an overdue rotation":                   {issued(func(ak *v1alpha1.AccessKey) { ak.Status.RenewalTime = at(-time.Hour) }), nil, []string{"overdue 60m rotate", "in 20d revoke"}},
		"a stalled rotation waits for a person": {issued(stalled, requested), nil, []string{"once fixed rotate", "in 10d rotate", "in 20d revoke"}},
		"the first pair":                        {issued(unissued), nil, []string{"now issue: issue a pair, and write it to Secret backup"}},
		"no first pair while it is suspended":   {issued(unissued, suspended), nil, nil},
		"a pair without a ttl": {issued(func(ak *v1alpha1.AccessKey) {
			ak.Status.RenewalTime, ak.Status.ExpiresAt = metav1.Time{}, metav1.Time{}
		}), nil, nil},
		"an AccessKey that is being deleted":       {issued(overlapping, deleting), nil, []string{"now revoke: revoke all keys"}},
		"one that is deleted and retains its keys": {issued(deleting, func(ak *v1alpha1.AccessKey) { ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain }), nil, []string{"now retain: leave the keys"}},
		"an open operation is finished first": {
			issued(requested, func(ak *v1alpha1.AccessKey) {
				ak.Status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, StartedAt: at(0)}
			}), nil,
			[]string{"now finish: finish the operation Create", "in 10d rotate", "in 20d revoke"}},
		"workloads that remain to be restarted": {
			issued(func(ak *v1alpha1.AccessKey) { ak.Status.Restart = &v1alpha1.Restart{Revision: 2, RequestedAt: at(0)} }), nil,
			[]string{"now restart: restart the workloads", "in 10d rotate", "in 20d revoke"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, each := range timeline(test.ak, test.limits, noon) {
				got = append(got, fmt.Sprintf("%s %s: %s", each.when(noon), each.what, each.detail))
			}
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// TestTimelineIsSorted: whatever an AccessKey looks like, the soonest step is the first.
func TestTimelineIsSorted(t *testing.T) {
	ak := issued(quarantined, requested, rotation(v1alpha1.Rotation{Quarantine: lasting(day)}))
	ak.Status.PreviousKeys = append(ak.Status.PreviousKeys, v1alpha1.PreviousKey{KeyID: "K0", AccessKeyID: "K0", IssuedAt: at(-20 * day), RevokeAt: at(5 * day)})
	steps := timeline(ak, &v1alpha1.ServiceLimits{Disable: ptr.To(true)}, noon)
	if len(steps) != 7 || !slices.IsSortedFunc(steps, func(a, b step) int { return a.at.Compare(b.at) }) {
		t.Errorf("not the seven steps in their order: %v", steps)
	}
}

// TestByUrgency: stalled AccessKeys come first, then the soonest step, then those for which nothing is planned.
func TestByUrgency(t *testing.T) {
	named := func(name string, ak *v1alpha1.AccessKey) v1alpha1.AccessKey { ak.Name = name; return *ak }
	aks := []v1alpha1.AccessKey{
		named("idle", issued(unissued, suspended)),
		named("rotates-in-10d", issued()),
		named("b-also-in-10d", issued()),
		named("revokes-in-a-day", issued(overlapping)),
		named("retries-in-a-minute", issued(failing)),
		named("stalled-and-rotates-in-10d", issued(stalled)),
		named("rotates-now", issued(requested)),
	}
	var got []string
	for _, each := range byUrgency(aks, noon) {
		got = append(got, each.ak.Name)
	}
	want := []string{"stalled-and-rotates-in-10d", "rotates-now", "retries-in-a-minute", "revokes-in-a-day", "b-also-in-10d", "rotates-in-10d", "idle"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
