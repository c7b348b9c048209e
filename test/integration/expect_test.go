// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/secret"
)

// pair is what a Secret publishes.
type pair struct{ id, secret string }

// published reads the pair of a Secret.
func (w *world) published(ctx SpecContext, name string) pair {
	GinkgoHelper()
	return w.pairOf(w.secret(ctx, name))
}

func (w *world) pairOf(holder *corev1.Secret) pair {
	held := secret.PairOf(holder)
	p := pair{held.AccessKeyID, held.SecretAccessKey.Reveal()}
	w.seen = append(w.seen, p.secret)
	return p
}

// works reports whether a request that is signed with the pair would be let in.
func (w *world) works(p pair) bool {
	return slices.ContainsFunc(w.services, func(service keyServer) bool { return service.Valid(p.id, p.secret) })
}

// issued waits until an AccessKey is at rest with this revision, and returns what it published.
func (w *world) issued(ctx SpecContext, name string, revision int64) pair {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		ak := &v1alpha1.AccessKey{}
		g.Expect(kube.Get(ctx, w.named(name), ak)).To(Succeed())
		g.Expect(ak).To(BeAtRest())
		g.Expect(ak.Status.Revision).To(Equal(revision))
	})
	p := w.published(ctx, w.accessKey(ctx, name).Status.SecretName)
	Expect(w.works(p)).To(BeTrue(), "the published pair is to work")
	return p
}

// BeAtRest matches an AccessKey or a KeyService that is Ready and at which nothing is under way.
func BeAtRest() gomegatypes.GomegaMatcher {
	return And(
		WithTransform(observed, BeTrue()),
		HaveCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, Not(BeEmpty())),
		Not(HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, Not(BeEmpty()))),
		Not(HaveCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, Not(BeEmpty()))),
		Not(HaveCondition(v1alpha1.ConditionSynced, metav1.ConditionFalse, Not(BeEmpty()))),
	)
}

// observed: the status, and every condition in it, is about the present spec.
func observed(object client.Object) bool {
	generation := object.GetGeneration()
	for _, condition := range conditionsOf(object) {
		if condition.ObservedGeneration != generation {
			return false
		}
	}
	switch object := object.(type) {
	case *v1alpha1.AccessKey:
		return object.Status.ObservedGeneration == generation
	case v1alpha1.GenericKeyService:
		return object.GetStatus().ObservedGeneration == generation
	}
	return false
}

func conditionsOf(object client.Object) []metav1.Condition {
	switch object := object.(type) {
	case *v1alpha1.AccessKey:
		return object.Status.Conditions
	case v1alpha1.GenericKeyService:
		return object.GetStatus().Conditions
	}
	return nil
}

// HaveCondition matches an object with a condition of this type, status, and reason (a string or a matcher), and with all of
// these parts in its message.
func HaveCondition(conditionType string, status metav1.ConditionStatus, reason any, message ...string) gomegatypes.GomegaMatcher {
	matchers := []gomegatypes.GomegaMatcher{
		HaveField("Status", status),
		HaveField("Reason", reason),
	}
	for _, part := range message {
		matchers = append(matchers, HaveField("Message", ContainSubstring(part)))
	}
	return WithTransform(func(object client.Object) *metav1.Condition {
		if found := meta.FindStatusCondition(conditionsOf(object), conditionType); found != nil {
			return found
		}
		return &metav1.Condition{Type: conditionType, Status: "absent", Message: fmt.Sprint(conditionsOf(object))}
	}, And(matchers...))
}

// expect waits until an AccessKey matches.
func (w *world) expect(ctx SpecContext, name string, matchers ...gomegatypes.GomegaMatcher) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		ak := &v1alpha1.AccessKey{}
		g.Expect(kube.Get(ctx, w.named(name), ak)).To(Succeed())
		g.Expect(ak).To(And(matchers...), "%v", conditionsOf(ak))
	})
}

// expectStalled waits until an AccessKey says that a person is needed.
func (w *world) expectStalled(ctx SpecContext, name, reason string, message ...string) {
	GinkgoHelper()
	w.expect(ctx, name, HaveCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, reason, message...))
}

// expectService waits until the KeyService matches.
func (w *world) expectService(ctx SpecContext, matchers ...gomegatypes.GomegaMatcher) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		service := &v1alpha1.KeyService{}
		g.Expect(kube.Get(ctx, w.named(serviceName), service)).To(Succeed())
		g.Expect(service).To(And(matchers...))
	})
}

// gone waits until objects of the world's namespace are gone.
func (w *world) gone(ctx SpecContext, objects ...client.Object) {
	GinkgoHelper()
	for _, object := range objects {
		w.eventually(ctx, func(g Gomega) {
			err := kube.Get(ctx, w.named(object.GetName()), object)
			g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "still there (%v): %+v", err, object)
		})
	}
}

// events are the events about an AccessKey: how often for each reason.
func events(ctx SpecContext, g Gomega, ak *v1alpha1.AccessKey) map[string]int {
	counts := map[string]int{}
	for _, event := range eventsOf(ctx, g, ak) {
		counts[event.Reason]++
		if event.Series != nil {
			counts[event.Reason] += int(event.Series.Count) - 1
		}
	}
	return counts
}

func eventsOf(ctx SpecContext, g Gomega, ak *v1alpha1.AccessKey) []eventsv1.Event {
	var all eventsv1.EventList
	g.Expect(kube.List(ctx, &all, client.InNamespace(ak.Namespace))).To(Succeed())
	var about []eventsv1.Event
	for i := range all.Items {
		if all.Items[i].Regarding.UID == ak.UID {
			about = append(about, all.Items[i])
		}
	}
	return about
}
