// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scene is the namespace of a case, with one Secret.
type scene struct {
	*testing.T
	client    client.Client
	namespace string
}

type step struct {
	do func(*scene) error
	// want is the reason of the error, or empty if the step succeeds.
	want metav1.StatusReason
	// idle: the Secret keeps its version.
	idle bool
}

type (
	wanted = *corev1apply.SecretApplyConfiguration
	stored = *corev1.Secret
)

// apply applies a configuration as manager.
func apply(manager string, configure func(wanted), opts ...client.ApplyOption) func(*scene) error {
	return func(s *scene) error {
		secret := corev1apply.Secret("a", s.namespace)
		configure(secret)
		return s.client.Apply(s.Context(), secret, append(opts, client.FieldOwner(manager))...)
	}
}

// data configures only data.
func data(pairs ...string) func(wanted) {
	return func(secret wanted) {
		for i := 0; i < len(pairs); i += 2 {
			secret.WithData(map[string][]byte{pairs[i]: []byte(pairs[i+1])})
		}
	}
}

// create creates the Secret as manager.
func create(manager string, fillIn func(stored), opts ...client.CreateOption) func(*scene) error {
	return func(s *scene) error {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "a"}, Data: map[string][]byte{}}
		fillIn(secret)
		return s.client.Create(s.Context(), secret, append(opts, client.FieldOwner(manager))...)
	}
}

// update and patch change the Secret as manager.
func update(manager string, change func(stored)) func(*scene) error {
	return func(s *scene) error {
		secret := s.stored()
		change(secret)
		return s.client.Update(s.Context(), secret, client.FieldOwner(manager))
	}
}

func patch(manager string, change func(stored)) func(*scene) error {
	return func(s *scene) error {
		secret := s.stored()
		before := secret.DeepCopy()
		change(secret)
		return s.client.Patch(s.Context(), secret, client.MergeFrom(before), client.FieldOwner(manager))
	}
}

func set(key, value string) func(stored) {
	return func(secret stored) { secret.Data[key] = []byte(value) }
}

// remove the Secret.
func remove(s *scene) error { return s.client.Delete(s.Context(), s.stored()) }

func (s *scene) stored() stored {
	secret := &corev1.Secret{}
	if err := s.client.Get(s.Context(), client.ObjectKey{Namespace: s.namespace, Name: "a"}, secret); err != nil {
		if !apierrors.IsNotFound(err) {
			s.Error(err)
		}
		return nil
	}
	return secret
}

// describe lists the fields of a Secret, and the fields of each manager.
func describe(secret stored) string {
	if secret == nil {
		return "nothing"
	}
	var holds []string
	for _, key := range slices.Sorted(maps.Keys(secret.Data)) {
		holds = append(holds, key+"="+string(secret.Data[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(secret.Labels)) {
		holds = append(holds, key+":"+secret.Labels[key])
	}
	for _, owner := range secret.OwnerReferences {
		holds = append(holds, "owner "+owner.Name)
	}
	holds = append(holds, secret.Finalizers...)
	var owns []string
	for _, entry := range secret.ManagedFields {
		var fields map[string]any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			return err.Error()
		}
		owns = append(owns, fmt.Sprintf("%s/%s%s", entry.Manager, entry.Operation, leaves(fields)))
	}
	slices.Sort(owns)
	return strings.Join(holds, " ") + "; " + strings.Join(owns, "; ")
}

// leaves returns the names in a set of fields, without the names of the maps that contain them.
func leaves(fields map[string]any) (names string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		inner, _ := fields[name].(map[string]any)
		switch {
		case name == ".":
		case strings.HasPrefix(name, "k:"):
			names += " owner"
		case len(inner) == 0:
			names += " " + strings.TrimPrefix(name, "f:")
		default:
			names += leaves(inner)
		}
	}
	return names
}
