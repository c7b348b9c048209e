// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"slices"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

// heldBy is an AccessKey with two keys, one that keeps its key, one without a key, their KeyService, and its Secret.
func heldBy() *held {
	ak := func(name string, change func(*v1alpha1.AccessKey)) v1alpha1.AccessKey {
		made := v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name, Finalizers: []string{v1alpha1.RevokeFinalizer}}}
		made.Spec.ServiceRef, made.Spec.User = v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"}, "local:"+name
		made.Status.KeyID, made.Status.AccessKeyID = name, "AK-"+name
		change(&made)
		return made
	}
	found := &held{
		accessKeys: []v1alpha1.AccessKey{
			ak("two", func(made *v1alpha1.AccessKey) {
				made.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "old", AccessKeyID: "AK-old"}}
			}),
			ak("kept", func(made *v1alpha1.AccessKey) { made.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain }),
			ak("none", func(made *v1alpha1.AccessKey) { made.Status, made.Finalizers = v1alpha1.AccessKeyStatus{}, nil }),
			ak("open", func(made *v1alpha1.AccessKey) {
				made.Status = v1alpha1.AccessKeyStatus{Intent: &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, StartedAt: metav1.NewTime(today)}}
			}),
		},
		services: []v1alpha1.GenericKeyService{
			&v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: "shared", Finalizers: []string{v1alpha1.InUseFinalizer}}},
			&v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "unused"}},
			&v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "qumulo", Finalizers: []string{v1alpha1.InUseFinalizer}}},
		},
		others: []metav1.PartialObjectMetadata{{TypeMeta: metav1.TypeMeta{Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "admin", Finalizers: []string{v1alpha1.InUseFinalizer}}}},
	}
	return found
}

func TestReleasePlan(t *testing.T) {
	var got []string
	for _, step := range heldBy().plan(false) {
		got = append(got, fmt.Sprintf("%s %s: %s", step.kind, step.name, step.then))
	}
	want := []string{
		"AccessKey kept: keeps AK-kept (current) at the service",
		"AccessKey none: has no key",
		"AccessKey open: settles an operation whose outcome is not recorded yet",
		"AccessKey two: revokes AK-two (current), AK-old (previous)",
		"KeyService qumulo: free when 4 AccessKeys are gone",
		"ClusterKeyService shared: free when the operator sees that no AccessKey refers to it",
		"Secret admin: free when no key service needs it",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if steps := heldBy().plan(true); steps[3].then != "keeps AK-two (current), AK-old (previous) at the service" {
		t.Errorf("with --retain, got %q", steps[3].then)
	}
	if revoked, kept := heldBy().keyCount(false); revoked != 2 || kept != 1 {
		t.Errorf("got %d revoked and %d kept keys", revoked, kept)
	}
}

func TestWhatIsForcedIsListed(t *testing.T) {
	want := []string{
		"user local:two of team-a/two at KeyService qumulo: AK-two (current)",
		"user local:two of team-a/two at KeyService qumulo: AK-old (previous)",
		"user local:kept of team-a/kept at KeyService qumulo: AK-kept (current)",
		"user local:open of team-a/open at KeyService qumulo: perhaps one more key, because the operation Create of 2026-03-01T12:00:00Z was not settled",
	}
	if got := heldBy().staying(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnOperatorRunsWhileItsLeaseIsHeld(t *testing.T) {
	lease := func(holder string, renewed time.Duration) *coordinationv1.Lease {
		return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{
			HolderIdentity: ptr.To(holder), LeaseDurationSeconds: ptr.To(int32(15)), RenewTime: ptr.To(metav1.NewMicroTime(today.Add(-renewed))),
		}}
	}
	for _, test := range []struct {
		name  string
		lease *coordinationv1.Lease
		want  bool
	}{
		{"renewed just now", lease("pod-1", time.Second), true},
		{"run out", lease("pod-1", 16*time.Second), false},
		{"released", lease("", time.Second), false},
		{"never held", &coordinationv1.Lease{}, false},
	} {
		if got := leaseHeld(test.lease, today); got != test.want {
			t.Errorf("%s: got %t, want %t", test.name, got, test.want)
		}
	}
}
