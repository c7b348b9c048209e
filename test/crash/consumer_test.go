// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
)

// consumer is the name of the Deployment that every AccessKey restarts in a world that has one.
const consumer = "consumer"

// deployConsumer creates a Deployment, which AccessKeys that are applied later restart.
func (w *world) deployConsumer() {
	w.log("person", "applies Deployment %s", consumer)
	w.create(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: consumer}})
	w.targets = []v1alpha1.RolloutRestartTarget{{Kind: v1alpha1.WorkloadDeployment, Name: consumer}}
}

func (w *world) consumer() *appsv1.Deployment {
	deployment, _ := w.kube.Peek(kube.Deployment, namespace, consumer).(*appsv1.Deployment)
	return deployment
}

// stampOf returns what restarted the consumer last.
func stampOf(deployment *appsv1.Deployment) string {
	return deployment.Spec.Template.Annotations[v1alpha1.RestartAnnotationPrefix+"a"]
}

// checkConsumer expects that the consumer is never restarted before the pair is recorded, nor more than once for a pair.
func (w *world) checkConsumer() {
	deployment, ak := w.consumer(), w.accessKey("a")
	if deployment == nil || ak == nil {
		return
	}
	var revision int64
	if stamp := stampOf(deployment); stamp != "" {
		_, pair, _ := strings.Cut(stamp, " ")
		if _, err := fmt.Sscanf(pair, "(revision %d)", &revision); err != nil {
			w.violate("the consumer is stamped with %q", stamp)
		}
	}
	switch restarts := deployment.Generation - 1; {
	case revision > ak.Status.Revision:
		w.violate("the consumer was restarted for revision %d, but revision %d is published", revision, ak.Status.Revision)
	case restarts > max(ak.Status.Revision-1, 0):
		w.violate("the consumer was restarted %d times for %d pairs", restarts, ak.Status.Revision)
	}
}

// checkRestarted expects that the consumer was restarted for the current pair.
func (w *world) checkRestarted() {
	deployment, ak := w.consumer(), w.accessKey("a")
	if deployment == nil || ak == nil || ak.Status.Revision < 2 {
		return
	}
	if want := fmt.Sprintf("%s (revision %d)", ak.Status.AccessKeyID, ak.Status.Revision); stampOf(deployment) != want {
		w.violate("the consumer was restarted for %q, not for %q", stampOf(deployment), want)
	}
}
