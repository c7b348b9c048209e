// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"os"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// deployment returns the operator's Deployment as the API server has it after config/default was applied.
func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	found := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "accesskey-operator"}}
	read(t, found)
	return found
}

// admit creates the operator's Pod with a change, as a dry run on the API server.
func admit(t *testing.T, change func(*corev1.PodSpec)) error {
	t.Helper()
	template := deployment(t).Spec.Template
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
	pod.Namespace, pod.Name = operatorNamespace, "dry-run"
	change(&pod.Spec)
	return kube.Create(t.Context(), pod, client.DryRunAll)
}

func TestThePodPassesTheRestrictedLevel(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace}}
	read(t, namespace)
	if level := namespace.Labels["pod-security.kubernetes.io/enforce"]; level != "restricted" {
		t.Fatalf("the operator's namespace enforces the level %q", level)
	}
	if err := admit(t, func(*corev1.PodSpec) {}); err != nil {
		t.Error(err)
	}
}

func TestALooserPodIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		loosen func(*corev1.PodSpec)
		reason string
	}{
		"that may run as root": {
			func(pod *corev1.PodSpec) { pod.SecurityContext.RunAsNonRoot = nil }, "runAsNonRoot != true",
		},
		"that runs as root": {
			func(pod *corev1.PodSpec) { pod.SecurityContext.RunAsUser = ptr.To(int64(0)) }, "runAsUser=0",
		},
		"without seccomp": {
			func(pod *corev1.PodSpec) { pod.SecurityContext.SeccompProfile = nil }, "seccompProfile",
		},
		"with capabilities": {
			func(pod *corev1.PodSpec) { pod.Containers[0].SecurityContext.Capabilities = nil }, "unrestricted capabilities",
		},
		"that can gain privileges": {
			func(pod *corev1.PodSpec) { pod.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil }, "allowPrivilegeEscalation != false",
		},
		"on the network of its node": {
			func(pod *corev1.PodSpec) { pod.HostNetwork = true }, "host namespaces",
		},
		"that sees files of its node": {
			func(pod *corev1.PodSpec) {
				pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}})
			}, "hostPath",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := admit(t, test.loosen); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestThePodHasNothingToSpare covers what the Pod Security level restricted does not require.
func TestThePodHasNothingToSpare(t *testing.T) {
	pod := deployment(t).Spec.Template.Spec
	if len(pod.Containers) != 1 || len(pod.InitContainers) > 0 || len(pod.EphemeralContainers) > 0 {
		t.Fatalf("it has more than one container")
	}
	if !ptr.Deref(pod.Containers[0].SecurityContext.ReadOnlyRootFilesystem, false) {
		t.Error("its root file system can be written")
	}
	if len(pod.Volumes) > 0 || len(pod.Containers[0].VolumeMounts) > 0 {
		t.Error("it mounts more than its ServiceAccount's token")
	}
	if seesNode := pod.HostPID || pod.HostIPC; seesNode || pod.ServiceAccountName != "accesskey-operator" {
		t.Errorf("it runs as %s, and sees the processes of its node: %t", pod.ServiceAccountName, seesNode)
	}
	for _, port := range pod.Containers[0].Ports {
		if port.HostPort != 0 {
			t.Errorf("it uses port %d of its node", port.HostPort)
		}
	}
}

// TestTheImageHasAUser covers the user of the image. The Pod sets none, and the kubelet accepts only a numeric user as one that
// is not root.
func TestTheImageHasAUser(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	users := regexp.MustCompile(`(?m)^USER .*$`).FindAllString(string(text), -1)
	if len(users) == 0 || !regexp.MustCompile(`^USER [1-9][0-9]*(:[1-9][0-9]*)?$`).MatchString(users[len(users)-1]) {
		t.Errorf("the image runs as %q", users)
	}
}
