// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RestartAnnotationPrefix is the prefix of the annotations that the operator sets on the pod templates of restart targets, one
// for each AccessKey. The rest of the key is the name of the AccessKey, and the value is the pair.
const RestartAnnotationPrefix = "restart.accesskey.dev/"

// MaxRestarts is how many workloads one AccessKey can restart.
const MaxRestarts = 256

// WorkloadKind is a kind of workload that can be restarted.
// +kubebuilder:validation:Enum=Deployment;StatefulSet;DaemonSet;Rollout
type WorkloadKind string

const (
	// WorkloadDeployment is a Deployment of Kubernetes.
	WorkloadDeployment WorkloadKind = "Deployment"
	// WorkloadStatefulSet is a StatefulSet of Kubernetes.
	WorkloadStatefulSet WorkloadKind = "StatefulSet"
	// WorkloadDaemonSet is a DaemonSet of Kubernetes.
	WorkloadDaemonSet WorkloadKind = "DaemonSet"
	// WorkloadRollout is a Rollout of Argo Rollouts (argoproj.io).
	WorkloadRollout WorkloadKind = "Rollout"
)

// RolloutRestartTarget names workloads of the AccessKey's namespace: one by its name, or several by their labels.
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.selector)",message="set either name or selector"
type RolloutRestartTarget struct {
	// kind of the workloads: Deployment, StatefulSet, DaemonSet, or Rollout (Argo Rollouts).
	// +required
	Kind WorkloadKind `json:"kind,omitempty"`

	// name of one workload.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// selector selects all workloads with these labels. The labels are those of the workload itself, not those of its pods.
	// +optional
	Selector *WorkloadSelector `json:"selector,omitempty"`
}

// WorkloadSelector selects workloads by their labels.
type WorkloadSelector struct {
	// matchLabels are labels that a workload must have, all of them.
	// +required
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && k.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="the key of a label is a name of at most 63 characters, such as app or example.com/app: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit; the prefix is a DNS name in lower case"
	MatchLabels map[string]LabelValue `json:"matchLabels,omitempty"`
}

// Workload names a workload of the AccessKey's namespace.
type Workload struct {
	// kind of the workload.
	// +required
	Kind WorkloadKind `json:"kind,omitempty"`

	// name of the workload.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

func (w Workload) String() string { return string(w.Kind) + " " + w.Name }

// Restart is the restart of the workloads in spec.rolloutRestartTargets after a rotation. It is requested in the same write that
// records the new pair, and each workload is restarted once for it.
type Restart struct {
	// revision of the pair that the workloads are restarted for.
	// +required
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// requestedAt is when the pair was published.
	// +required
	RequestedAt metav1.Time `json:"requestedAt,omitempty,omitzero"`

	// completedAt is when the last workload was restarted; absent while some remain.
	// +optional
	CompletedAt metav1.Time `json:"completedAt,omitempty,omitzero"`

	// pending are the workloads that could not be restarted yet; absent before the first attempt.
	// +optional
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Pending []Workload `json:"pending,omitempty"`

	// message says why workloads could not be restarted, if that needs a person or has lasted for a minute.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Message string `json:"message,omitempty"`
}
