// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// consumer is a running container that uses a Secret.
type consumer struct {
	pod, container string
	// uses says how: environment, subPath or files.
	uses    string
	started time.Time
	// outdated reports whether the container started before the pair was issued, and cannot see the new one until it is restarted.
	outdated bool
}

// How a container uses a Secret.
const (
	usesEnvironment = "environment"
	usesSubPath     = "subPath"
	usesFiles       = "files"
)

// consumersOf returns the running containers that use a Secret, the outdated ones first. issued is when the pair in the Secret was
// issued.
func consumersOf(pods []corev1.Pod, secret string, issued time.Time) (consumers []consumer) {
	for i := range pods {
		pod := &pods[i]
		volumes := volumesOf(pod, secret)
		for _, container := range containers(&pod.Spec) {
			uses, started := usage(&container, secret, volumes), startOf(pod, container.Name)
			if uses == "" || started.IsZero() {
				continue
			}
			consumers = append(consumers, consumer{pod.Name, container.Name, uses, started, uses != usesFiles && started.Before(issued)})
		}
	}
	slices.SortStableFunc(consumers, func(a, b consumer) int { return -compareBool(a.outdated, b.outdated) })
	return consumers
}

// containers returns all containers of a Pod, also those that run before or beside the others.
func containers(spec *corev1.PodSpec) []corev1.Container {
	all := slices.Concat(spec.InitContainers, spec.Containers)
	for i := range spec.EphemeralContainers {
		all = append(all, corev1.Container(spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return all
}

// volumesOf returns the names of the volumes of a Pod that have data of a Secret.
func volumesOf(pod *corev1.Pod, secret string) (names []string) {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		direct := volume.Secret != nil && volume.Secret.SecretName == secret
		projected := volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(source corev1.VolumeProjection) bool {
			return source.Secret != nil && source.Secret.Name == secret
		})
		if direct || projected {
			names = append(names, volume.Name)
		}
	}
	return names
}

// usage says how a container uses a Secret: first what does not change while it runs. It is empty if the container does not use it.
func usage(container *corev1.Container, secret string, volumes []string) string {
	from := slices.ContainsFunc(container.EnvFrom, func(source corev1.EnvFromSource) bool {
		return source.SecretRef != nil && source.SecretRef.Name == secret
	})
	env := slices.ContainsFunc(container.Env, func(variable corev1.EnvVar) bool {
		return variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil && variable.ValueFrom.SecretKeyRef.Name == secret
	})
	if from || env {
		return usesEnvironment
	}
	uses := ""
	for _, mount := range container.VolumeMounts {
		switch {
		case !slices.Contains(volumes, mount.Name):
		case mount.SubPath != "" || mount.SubPathExpr != "":
			return usesSubPath
		default:
			uses = usesFiles
		}
	}
	return uses
}

// startOf returns when a container began to run; zero if it does not run.
func startOf(pod *corev1.Pod, name string) time.Time {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses) {
		if status.Name == name && status.State.Running != nil {
			return status.State.Running.StartedAt.Time
		}
	}
	return time.Time{}
}
