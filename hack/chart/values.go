// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// value is the value of a key in a YAML file. The path of the key is separated by dots.
type value struct {
	path  string
	value any
}

// edits returns the values that come from config/, by the names of the files of the chart.
func (c config) edits() (map[string][]value, error) {
	deployment, err := find(c.base, "Deployment/accesskey-operator")
	if err != nil {
		return nil, err
	}
	pod := deployment.at("spec", "template", "spec")
	container := object(pod.list("containers")[0].(map[string]any)) //nolint:forcetypeassert // kustomize knows the Deployment's fields
	image := container.text("image")
	colon := strings.LastIndex(image, ":")
	if colon < 0 || strings.Contains(image[colon:], "/") {
		return nil, fmt.Errorf("the image of config/default has no tag: %s", image)
	}
	ports := map[string]any{}
	for _, each := range container.list("ports") {
		port := object(each.(map[string]any)) //nolint:forcetypeassert // as above
		ports[port.text("name")] = port["containerPort"]
	}
	dashboard, err := find(c.prometheus, "ConfigMap/accesskey-operator-dashboard")
	if err != nil {
		return nil, err
	}
	return map[string][]value{
		"Chart.yaml": {{"appVersion", image[colon+1:]}},
		"values.yaml": {
			{"image.repository", image[:colon]},
			{"metrics.port", ports["metrics"]},
			{"healthPort", ports["health"]},
			{"resources", container["resources"]},
			{"podSecurityContext", pod["securityContext"]},
			{"securityContext", container["securityContext"]},
			{"livenessProbe", container["livenessProbe"]},
			{"readinessProbe", container["readinessProbe"]},
			{"terminationGracePeriodSeconds", pod["terminationGracePeriodSeconds"]},
			{"dashboards.labels", dashboard.pairs("labels")},
		},
	}, nil
}

// set returns the YAML text with these values. Comments and other values stay as they are.
func set(text string, values []value) (string, error) {
	lines := strings.Split(text, "\n")
	for _, each := range values {
		begin, end, err := block(lines, strings.Split(each.path, "."))
		if err != nil {
			return "", fmt.Errorf("%s: %w", each.path, err)
		}
		key, _, _ := strings.Cut(lines[begin], ":")
		marshalled, err := yaml.Marshal(map[string]any{strings.TrimSpace(key): each.value})
		if err != nil {
			return "", err
		}
		replacement := strings.Split(strings.TrimSpace(string(marshalled)), "\n")
		for i := range replacement {
			replacement[i] = key[:indentation(key)] + replacement[i]
		}
		lines = slices.Replace(lines, begin, end, replacement...)
	}
	return strings.Join(lines, "\n"), nil
}

// block returns the first line of a key, and the line after the last one of its value.
func block(lines []string, path []string) (begin, end int, err error) {
	end = len(lines)
	for depth, key := range path {
		for ; begin < end && !strings.HasPrefix(lines[begin], strings.Repeat("  ", depth)+key+":"); begin++ {
		}
		if begin == end {
			return 0, 0, fmt.Errorf("the file has no key %s", key)
		}
		end = begin + 1
		for ; end < len(lines) && indentation(lines[end]) > 2*depth; end++ {
		}
	}
	return begin, end, nil
}

// indentation returns the number of spaces at the beginning of a line.
func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
