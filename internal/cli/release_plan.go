// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
)

// held is what waits for the operator before it can go.
type held struct {
	accessKeys []v1alpha1.AccessKey
	// services are the KeyServices and ClusterKeyServices.
	services []v1alpha1.GenericKeyService
	// others are Secrets and RoleBindings, of which only the metadata is known.
	others []metav1.PartialObjectMetadata
}

// releaseStep is one object that is held, and what ends that.
type releaseStep struct {
	kind, namespace, name string
	finalizer             string
	then                  string
}

// plan returns the steps in the order in which they happen: AccessKeys first, because all others wait for them. retain keeps every key.
func (h *held) plan(retain bool) []releaseStep {
	var steps []releaseStep
	for i := range h.accessKeys {
		ak := &h.accessKeys[i]
		steps = append(steps, releaseStep{"AccessKey", ak.Namespace, ak.Name, finalizerOf(ak, v1alpha1.RevokeFinalizer), endOfKeys(ak, retain)})
	}
	for _, service := range h.services {
		if !controllerutil.ContainsFinalizer(service, v1alpha1.InUseFinalizer) {
			continue
		}
		kind := referenceTo(service).Kind
		steps = append(steps, releaseStep{kind, service.GetNamespace(), service.GetName(), v1alpha1.InUseFinalizer, "free when " + h.usersOf(service)})
	}
	for i := range h.others {
		other := &h.others[i]
		steps = append(steps, releaseStep{other.Kind, other.Namespace, other.Name, v1alpha1.InUseFinalizer, "free when no key service needs it"})
	}
	order := []string{"AccessKey", v1alpha1.KindKeyService, v1alpha1.KindClusterKeyService, "Secret", "RoleBinding"}
	slices.SortStableFunc(steps, func(a, b releaseStep) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.kind), slices.Index(order, b.kind)), cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	return steps
}

func finalizerOf(object client.Object, finalizer string) string {
	if controllerutil.ContainsFinalizer(object, finalizer) {
		return finalizer
	}
	return ""
}

// usersOf says which AccessKeys a service waits for.
func (h *held) usersOf(service v1alpha1.GenericKeyService) string {
	of := serviceKey{referenceTo(service).Kind, client.ObjectKeyFromObject(service)}
	using := 0
	for i := range h.accessKeys {
		if serviceOf(&h.accessKeys[i]) == of {
			using++
		}
	}
	if using == 0 {
		return "the operator sees that no AccessKey refers to it"
	}
	return count(using, "AccessKey is", "AccessKeys are") + " gone"
}

// endOfKeys says what becomes of the keys of an AccessKey that is deleted.
func endOfKeys(ak *v1alpha1.AccessKey, retain bool) string {
	keys := keysOf(ak)
	switch {
	case len(keys) == 0 && ak.Status.Intent != nil:
		return "settles an operation whose outcome is not recorded yet"
	case len(keys) == 0:
		return "has no key"
	case retain || ak.Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain:
		return "keeps " + strings.Join(keys, ", ") + " at the service"
	default:
		return "revokes " + strings.Join(keys, ", ")
	}
}

// keysOf returns the keys that an AccessKey records, in words.
func keysOf(ak *v1alpha1.AccessKey) (keys []string) {
	if ak.Status.KeyID != "" {
		keys = append(keys, ak.Status.AccessKeyID+" (current)")
	}
	for _, previous := range ak.Status.PreviousKeys {
		keys = append(keys, previous.AccessKeyID+" (previous)")
	}
	return keys
}

// staying lists the keys that go on working when the finalizers are removed without the operator.
func (h *held) staying() (lines []string) {
	for i := range h.accessKeys {
		ak := &h.accessKeys[i]
		for _, key := range keysOf(ak) {
			lines = append(lines, fmt.Sprintf("%s of %s at %s %s: %s", describeUser(ak.Spec.User), ref(ak), ak.Spec.ServiceRef.Kind, ak.Spec.ServiceRef.Name, key))
		}
		if intent := ak.Status.Intent; intent != nil {
			lines = append(lines, fmt.Sprintf("%s of %s at %s %s: perhaps one more key, because the operation %s of %s was not settled",
				describeUser(ak.Spec.User), ref(ak), ak.Spec.ServiceRef.Kind, ak.Spec.ServiceRef.Name, intent.Operation, stamp(intent.StartedAt.Time)))
		}
	}
	return lines
}

// keyCount returns how many keys are revoked and how many stay.
func (h *held) keyCount(retain bool) (revoked, kept int) {
	for i := range h.accessKeys {
		n := len(keysOf(&h.accessKeys[i]))
		if retain || h.accessKeys[i].Spec.DeletionPolicy == v1alpha1.DeletionPolicyRetain {
			kept += n
		} else {
			revoked += n
		}
	}
	return revoked, kept
}
