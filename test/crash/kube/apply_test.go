// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	metav1apply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	operator = "operator"
	someone  = "someone"
)

var owner = metav1apply.OwnerReference().WithAPIVersion("v1").WithKind("ConfigMap").WithName("c").WithUID("1b2c")

var applyCases = []struct {
	name  string
	steps []step
	want  string
}{
	{"it creates a Secret that does not exist", []step{{do: apply(operator, data("a", "1"))}}, "a=1; operator/Apply a"},
	{"an apply that changes nothing makes no version", []step{
		{do: apply(operator, func(secret wanted) {
			secret.WithData(map[string][]byte{"a": []byte("1")}).WithLabels(map[string]string{"l": "x"}).WithOwnerReferences(owner)
		})},
		{do: apply(operator, func(secret wanted) {
			secret.WithData(map[string][]byte{"a": []byte("1")}).WithLabels(map[string]string{"l": "x"}).WithOwnerReferences(owner)
		}), idle: true},
	}, "a=1 l:x owner c; operator/Apply a l owner"},
	{"fields that are no longer applied are removed", []step{
		{do: apply(operator, func(secret wanted) {
			secret.WithData(map[string][]byte{"a": []byte("1"), "b": []byte("2")}).WithLabels(map[string]string{"l": "x"}).WithOwnerReferences(owner)
		})},
		{do: apply(operator, data("a", "1"))},
	}, "a=1; operator/Apply a"},
	{"fields of other managers are kept", []step{
		{do: apply(operator, data("a", "1", "b", "2"))},
		{do: update(someone, func(secret stored) {
			secret.Data["c"], secret.Labels = []byte("3"), map[string]string{"l": "x"}
			secret.Finalizers = []string{"example.com/stay"}
		})},
		{do: apply(operator, data("a", "9"))},
		{do: patch(someone, func(secret stored) { secret.Finalizers = nil })},
	}, "a=9 c=3 l:x; operator/Apply a; someone/Update c l"},
	{"an update takes ownership, and force takes it back", []step{
		{do: apply(operator, data("a", "1", "b", "2"))},
		{do: update(someone, set("a", "9"))},
		{do: apply(operator, data("a", "1", "b", "2")), want: metav1.StatusReasonConflict, idle: true},
		{do: apply(operator, data("a", "1", "b", "2"), client.ForceOwnership)},
	}, "a=1 b=2; operator/Apply a b"},
	{"a patch takes ownership", []step{
		{do: apply(operator, data("a", "1", "b", "2"))},
		{do: patch(someone, set("a", "9"))},
		{do: apply(operator, data("a", "1", "b", "2")), want: metav1.StatusReasonConflict, idle: true},
	}, "a=9 b=2; operator/Apply b; someone/Update a"},
	{"a field that another manager took over is kept when it is no longer applied", []step{
		{do: apply(operator, data("a", "1", "b", "2"))},
		{do: update(someone, set("a", "9"))},
		{do: apply(operator, data("b", "2"))},
	}, "a=9 b=2; operator/Apply b; someone/Update a"},
	{"a deleted field is restored", []step{
		{do: apply(operator, data("a", "1", "b", "2"))},
		{do: update(someone, func(secret stored) { delete(secret.Data, "a") })},
		{do: apply(operator, data("a", "1", "b", "2"))},
	}, "a=1 b=2; operator/Apply a b"},
	{"two that apply the same value share it", []step{
		{do: apply(operator, data("a", "1", "b", "2"))},
		{do: apply(someone, data("a", "1"))},
		{do: apply(operator, data("b", "2"))},
	}, "a=1 b=2; operator/Apply b; someone/Apply a"},
	{"two that apply different values conflict", []step{
		{do: apply(operator, data("a", "1"))},
		{do: apply(someone, data("a", "2")), want: metav1.StatusReasonConflict, idle: true},
		{do: apply(someone, data("a", "2"), client.ForceOwnership)},
	}, "a=2; someone/Apply a"},
	{"a manager that created a field has to force its apply", []step{
		{do: create(operator, func(secret stored) { secret.Data["a"], secret.Data["b"] = []byte("1"), []byte("2") })},
		{do: apply(operator, data("a", "9")), want: metav1.StatusReasonConflict, idle: true},
		{do: apply(operator, data("a", "9"), client.ForceOwnership)},
	}, "a=9 b=2; operator/Apply a; operator/Update b type"},
	{"stringData becomes data", []step{
		{do: create(someone, func(secret stored) { secret.StringData = map[string]string{"a": "1"} })},
	}, "a=1; someone/Update a type"},
	{"a UID without an object is a conflict", []step{
		{do: apply(operator, func(secret wanted) { data("a", "1")(secret); secret.WithUID("1b2c") }), want: metav1.StatusReasonConflict},
	}, "nothing"},
	{"the UID of another object is invalid", []step{
		{do: apply(operator, data("a", "1"))},
		{do: apply(operator, func(secret wanted) { data("a", "2")(secret); secret.WithUID("1b2c") }), want: metav1.StatusReasonInvalid, idle: true},
	}, "a=1; operator/Apply a"},
	{"the UID and version of a Secret that was created anew are a conflict", []step{
		{do: apply(operator, data("a", "1"))},
		{do: func(s *scene) error {
			before := s.stored()
			if err := remove(s); err != nil {
				return err
			}
			if err := create(someone, set("a", "9"))(s); err != nil {
				return err
			}
			return apply(operator, func(secret wanted) {
				data("a", "2")(secret)
				secret.WithUID(before.UID).WithResourceVersion(before.ResourceVersion)
			}, client.ForceOwnership)(s)
		}, want: metav1.StatusReasonConflict},
	}, "a=9; someone/Update a type"},
	{"the right UID and version are no conflict", []step{
		{do: apply(operator, data("a", "1"))},
		{do: func(s *scene) error {
			now := s.stored()
			return apply(operator, func(secret wanted) {
				data("a", "2")(secret)
				secret.WithUID(now.UID).WithResourceVersion(now.ResourceVersion)
			})(s)
		}},
	}, "a=2; operator/Apply a"},
	{"an old version is a conflict, even with force", []step{
		{do: apply(operator, data("a", "1"))},
		{do: func(s *scene) error {
			before := s.stored().ResourceVersion
			if err := update(someone, set("b", "2"))(s); err != nil {
				return err
			}
			return apply(operator, func(secret wanted) { data("a", "2")(secret); secret.WithResourceVersion(before) }, client.ForceOwnership)(s)
		}, want: metav1.StatusReasonConflict},
	}, "a=1 b=2; operator/Apply a; someone/Update b"},
	{"a version without an object is ignored", []step{
		{do: apply(operator, data("a", "1"))},
		{do: func(s *scene) error {
			before := s.stored().ResourceVersion
			if err := remove(s); err != nil {
				return err
			}
			return apply(operator, func(secret wanted) { data("a", "2")(secret); secret.WithResourceVersion(before) })(s)
		}},
	}, "a=2; operator/Apply a"},
	{"an apply in a dry run changes nothing", []step{
		{do: apply(operator, data("a", "1"), client.DryRunAll)},
		{do: create(someone, set("a", "1"), client.DryRunAll)},
		{do: apply(operator, data("b", "1"))},
		{do: apply(operator, data("a", "2"), client.DryRunAll), idle: true},
		{do: create(someone, set("a", "1"), client.DryRunAll), want: metav1.StatusReasonAlreadyExists, idle: true},
	}, "b=1; operator/Apply b"},
	{"a dry run is rejected like the write", []step{
		{do: apply(operator, func(secret wanted) { secret.WithLabels(map[string]string{"l": "not valid!"}) }, client.DryRunAll), want: metav1.StatusReasonInvalid},
		{do: create(someone, set("no/key", "1"), client.DryRunAll), want: metav1.StatusReasonInvalid},
		{do: apply(operator, data("a", strings.Repeat("x", corev1.MaxSecretSize+1)), client.DryRunAll), want: metav1.StatusReasonInvalid},
	}, "nothing"},
	{"an immutable Secret cannot change", []step{
		{do: apply(operator, func(secret wanted) { data("a", "1")(secret); secret.WithImmutable(true) })},
		{do: apply(operator, func(secret wanted) { data("a", "2")(secret); secret.WithImmutable(true) }), want: metav1.StatusReasonInvalid, idle: true},
		{do: apply(operator, data("a", "1")), want: metav1.StatusReasonInvalid, idle: true},
		{do: update(someone, func(secret stored) { secret.Immutable = ptr.To(false) }), want: metav1.StatusReasonInvalid, idle: true},
		{do: update(someone, func(secret stored) { secret.Labels = map[string]string{"l": "x"} })},
	}, "a=1 l:x; operator/Apply a immutable; someone/Update l"},
	{"the type cannot change", []step{
		{do: apply(operator, data("a", "1"))},
		{do: apply(operator, func(secret wanted) { data("a", "1")(secret); secret.WithType("example.com/pair") }, client.ForceOwnership), want: metav1.StatusReasonInvalid, idle: true},
	}, "a=1; operator/Apply a"},
	{"an apply needs a manager", []step{{do: apply("", data("a", "1")), want: metav1.StatusReasonInvalid}}, "nothing"},
	{"client.Apply as a patch", []step{
		{do: apply(operator, data("a", "1", "b", "2"))},
		{do: func(s *scene) error {
			secret := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: Secret}, ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "a"},
				Data: map[string][]byte{"a": []byte("3")}}
			return s.client.Patch(s.Context(), secret, client.Apply, client.FieldOwner(operator), client.ForceOwnership) //nolint:staticcheck // deprecated, and still in use
		}},
	}, "a=3; operator/Apply a"},
	{"a patch of metadata keeps the data", []step{
		{do: apply(operator, data("a", "1"))},
		{do: func(s *scene) error {
			only := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: Secret}, ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "a"}}
			return s.client.Patch(s.Context(), only, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":["example.com/stay"]}}`)), client.FieldOwner(someone))
		}},
		{do: apply(operator, data("a", "2"))},
		{do: patch(someone, func(secret stored) { secret.Finalizers, secret.Labels = nil, map[string]string{"l": "x"} })},
	}, "a=2 l:x; operator/Apply a; someone/Update l"},
}

// TestApply checks server-side apply of Secrets.
func TestApply(t *testing.T) {
	testApply(t, newBench(t).client)
}

// TestApplyIsAsReal checks that a real API server does the same.
func TestApplyIsAsReal(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: make test sets it")
	}
	environment := &envtest.Environment{}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	actual, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	testApply(t, actual)
}

func testApply(t *testing.T, c client.Client) {
	for i, each := range applyCases {
		t.Run(each.name, func(t *testing.T) {
			s := &scene{T: t, client: c, namespace: fmt.Sprintf("case-%d", i)}
			if err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}); err != nil {
				t.Fatal(err)
			}
			for n, step := range each.steps {
				before := s.stored()
				if err := step.do(s); (err == nil) != (step.want == "") || apierrors.ReasonForError(err) != step.want {
					t.Errorf("step %d: got %v, want %q", n+1, err, step.want)
				}
				if step.idle && s.stored().ResourceVersion != before.ResourceVersion {
					t.Errorf("step %d makes a new version of %s", n+1, describe(s.stored()))
				}
			}
			if got := describe(s.stored()); got != each.want {
				t.Errorf("got  %s\nwant %s", got, each.want)
			}
		})
	}
}
