// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// TestConsumersOf: the pair was issued an hour ago.
func TestConsumersOf(t *testing.T) {
	fromSecret := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "backup"}}}
	variable := corev1.EnvVar{Name: "KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "backup"}}}}
	mounted := corev1.Volume{Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "backup"}}}
	projected := corev1.Volume{Name: "keys", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "backup"}}}}}}}
	other := corev1.Volume{Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "other"}}}
	mount, subPath := corev1.VolumeMount{Name: "keys"}, corev1.VolumeMount{Name: "keys", SubPath: "key"}
	tests := map[string]struct {
		container corev1.Container
		volume    corev1.Volume
		started   time.Duration
		want      string
	}{
		"environment, started before":     {corev1.Container{EnvFrom: []corev1.EnvFromSource{fromSecret}}, other, -2 * time.Hour, "environment true"},
		"one variable, started before":    {corev1.Container{Env: []corev1.EnvVar{variable}}, other, -2 * time.Hour, "environment true"},
		"environment, started afterwards": {corev1.Container{EnvFrom: []corev1.EnvFromSource{fromSecret}}, other, -time.Minute, "environment false"},
		"files":                           {corev1.Container{VolumeMounts: []corev1.VolumeMount{mount}}, mounted, -2 * time.Hour, "files false"},
		"projected files":                 {corev1.Container{VolumeMounts: []corev1.VolumeMount{mount}}, projected, -2 * time.Hour, "files false"},
		"subPath":                         {corev1.Container{VolumeMounts: []corev1.VolumeMount{mount, subPath}}, mounted, -2 * time.Hour, "subPath true"},
		"another Secret":                  {corev1.Container{VolumeMounts: []corev1.VolumeMount{mount}}, other, -2 * time.Hour, ""},
		"a volume that is not mounted":    {corev1.Container{}, mounted, -2 * time.Hour, ""},
		"a container that does not run":   {corev1.Container{EnvFrom: []corev1.EnvFromSource{fromSecret}}, other, 0, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.container.Name = "web"
			pod := corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{test.container}, Volumes: []corev1.Volume{test.volume}}}
			if test.started != 0 {
				pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", State: corev1.ContainerState{
					Running: &corev1.ContainerStateRunning{StartedAt: at(test.started)}}}}
			}
			got := ""
			for _, each := range consumersOf([]corev1.Pod{pod}, "backup", noon.Add(-time.Hour)) {
				got = fmt.Sprint(each.uses, " ", each.outdated)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestHealthOf(t *testing.T) {
	condition := func(name string, status metav1.ConditionStatus, reason string) func(*v1alpha1.AccessKey) {
		return func(ak *v1alpha1.AccessKey) {
			ak.Status.Conditions = append(slices.DeleteFunc(ak.Status.Conditions, func(c metav1.Condition) bool { return c.Type == name }),
				metav1.Condition{Type: name, Status: status, Reason: reason})
		}
	}
	lost := condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonKeyMissing)
	unsynced := condition(v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonUnavailable)
	rotating := condition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonRotating)
	for want, ak := range map[string]*v1alpha1.AccessKey{
		"True Issued":        issued(),
		"Unknown Unseen":     issued(unissued),
		"True QuotaExceeded": issued(stalled, unsynced),
		"False KeyMissing":   issued(lost, unsynced),
		"True Unavailable":   issued(unsynced, rotating),
		"True Suspended":     issued(suspended),
		"True Rotating":      issued(rotating),
	} {
		if got := healthOf(ak); got.ready+" "+got.reason != want {
			t.Errorf("got %s %s, want %s", got.ready, got.reason, want)
		}
	}
}

// TestEveryReasonHasAdvice: status can explain each reason of Stalled and Synced that the API has.
func TestEveryReasonHasAdvice(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || !strings.HasPrefix(group.Doc.Text(), "Reasons of Stalled") {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			reason, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			count++
			if found, ok := adviceOn(v1alpha1.ConditionStalled, "True", reason); !ok || found.meaning == "" || found.todo == "" {
				t.Errorf("docs/reasons.md does not say what to do about Stalled %s", reason)
			}
		}
	}
	if count < 20 {
		t.Errorf("found only %d reasons of Stalled", count)
	}
}

func TestAdviceOn(t *testing.T) {
	lost, _ := adviceOn(v1alpha1.ConditionReady, "Unknown", v1alpha1.ReasonReplacing)
	if !strings.HasPrefix(lost.todo, "nothing: the operator settles it") {
		t.Errorf("got the advice for another status: %+v", lost)
	}
	refused, _ := adviceOn(v1alpha1.ConditionSynced, "False", v1alpha1.ReasonThrottled)
	if strings.Contains(refused.meaning, "](") || !strings.Contains(refused.meaning, "and the operator does") {
		t.Errorf("got a link: %+v", refused)
	}
	if _, ok := adviceOn(v1alpha1.ConditionReady, "True", "Unheard"); ok {
		t.Error("got advice on a reason that does not exist")
	}
}
