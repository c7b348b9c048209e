// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const (
	// chart is the path of the chart.
	chart = "../../dist/chart"
	// release is the name of the release, which no object depends on.
	release = "some-release"
	// namespace is the operator's namespace in config/.
	namespace = "accesskey-system"
)

// runHelm runs Helm as the administrator, and returns its output.
func runHelm(ctx context.Context, values string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, helm, append(arguments, "--namespace="+namespace, "--kubeconfig="+plane.Kubeconfig)...)
	if values != "" {
		command.Args = append(command.Args, "--values=-")
		command.Stdin = strings.NewReader(values)
	}
	var failure bytes.Buffer
	command.Stderr = &failure
	out, err := command.Output()
	if err != nil {
		return string(out), fmt.Errorf("helm %s: %w: %s", strings.Join(arguments, " "), err, failure.String())
	}
	return string(out), nil
}

// rendered returns the objects of the chart with these values, which are YAML, without the labels of Helm. The API server has no other
// APIs than Helm expects of every one, unless arguments name them.
func rendered(t *testing.T, values string, arguments ...string) []*unstructured.Unstructured {
	t.Helper()
	out, err := runHelm(t.Context(), values, append([]string{"template", release, chart}, arguments...)...)
	if err != nil {
		t.Fatal(err)
	}
	objects := parse(t, out)
	withoutHelmLabels(t, objects)
	return objects
}

// helmLabels are the labels that every object of the chart has, and no object of config/ has.
var helmLabels = []string{"helm.sh/chart", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by"}

// withoutHelmLabels removes the labels that every object of the chart must have.
func withoutHelmLabels(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, each := range objects {
		labels := each.GetLabels()
		for _, label := range helmLabels {
			if labels[label] == "" {
				t.Errorf("%s %s has no label %s", each.GetKind(), each.GetName(), label)
			}
			delete(labels, label)
		}
		each.SetLabels(labels)
	}
}

// built returns the objects of kustomizations in config/.
func built(t *testing.T, names ...string) (objects []*unstructured.Unstructured) {
	t.Helper()
	for _, name := range names {
		out, err := plane.Kubectl(t.Context(), nil, "kustomize", "../../config/"+name)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, parse(t, out)...)
	}
	return objects
}

// parse returns the objects of a manifest.
func parse(t *testing.T, manifest string) (objects []*unstructured.Unstructured) {
	t.Helper()
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096); ; {
		next := &unstructured.Unstructured{}
		switch err := decoder.Decode(&next.Object); {
		case errors.Is(err, io.EOF):
			return objects
		case err != nil:
			t.Fatal(err)
		case len(next.Object) > 0:
			objects = append(objects, next)
		}
	}
}
