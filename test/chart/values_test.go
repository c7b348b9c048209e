// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func allChanges() map[string]change {
	all := maps.Clone(changes)
	maps.Copy(all, podChanges)
	maps.Copy(all, monitoringChanges)
	return all
}

// TestEachValueChangesWhatItSays compares what the chart renders with a value and without.
func TestEachValueChangesWhatItSays(t *testing.T) {
	defaults := rendered(t, "")
	expectAdmitted(t, defaults)
	for name, test := range allChanges() {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, test.values)
			expectDifference(t, defaults, objects, test.want)
			expectAdmitted(t, changed(defaults, objects))
		})
	}
}

// changed returns the objects that are not among those before.
func changed(before, after []*unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(after), func(object *unstructured.Unstructured) bool {
		return slices.ContainsFunc(before, func(other *unstructured.Unstructured) bool { return reflect.DeepEqual(object, other) })
	})
}

// documented matches a row of the table of values in the README of the chart.
var documented = regexp.MustCompile(`(?m)^\| ([A-Za-z.]+) \| `)

// TestEachValueHasATest covers every value in the README of the chart, which helm-docs writes from values.yaml.
func TestEachValueHasATest(t *testing.T) {
	readme, err := os.ReadFile(chart + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := documented.FindAllStringSubmatch(string(readme), -1)
	if len(all) < 40 {
		t.Fatalf("found only %d values", len(all))
	}
	for _, match := range all[1:] { // the first one is the head of the table
		if !tested(t, match[1]) {
			t.Errorf("no test changes %s", match[1])
		}
	}
}

// tested reports whether a case sets a value.
func tested(t *testing.T, path string) bool {
	t.Helper()
	for name, test := range allChanges() {
		var values map[string]any
		if err := yaml.Unmarshal([]byte(test.values), &values); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, found, err := unstructured.NestedFieldNoCopy(values, strings.Split(path, ".")...); found && err == nil {
			return true
		}
	}
	return false
}

// TestBadValuesAreRefused covers the schema of the values.
func TestBadValuesAreRefused(t *testing.T) {
	for values, want := range map[string]string{
		"replicas: 2":                                                  "additional properties 'replicas' not allowed",
		"image: {name: operator}":                                      "at '/image': additional properties 'name' not allowed",
		"image: {repository: ''}":                                      "at '/image/repository': minLength",
		"image: {digest: latest}":                                      "at '/image/digest': 'latest' does not match pattern",
		"image: {pullPolicy: Sometimes}":                               "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
		"leaderElection: {enabled: false}":                             "at '/leaderElection/enabled': value must be true",
		"namespaces: team-a":                                           "at '/namespaces': got string, want array",
		"namespaces: ['team-a,team-b']":                                "at '/namespaces/0': 'team-a,team-b' does not match pattern",
		"statusPolicy: {otherOperators: [other]}":                      "at '/statusPolicy/otherOperators/0': 'other' does not match pattern",
		"logging: {level: 8}":                                          "at '/logging/level'",
		"logging: {format: text}":                                      "at '/logging/format': value must be one of 'json', 'console'",
		"extraArgs: {resync-period: 5m}":                               "at '/extraArgs': got object, want array",
		"extraArgs: [resync-period=5m]":                                "at '/extraArgs/0': 'resync-period=5m' does not match pattern",
		"extraEnv: [{name: A, value: 1}]":                              "at '/extraEnv/0/value': got number, want string",
		"caBundle: {configMap: a, secret: b}":                          "at '/caBundle'",
		"resources: {limits: {memory: 268435456}}":                     "at '/resources/limits/memory': got number, want string",
		"metrics: {certificate: {certManager: true}}":                  "at '/metrics/certificate/issuerRef': missing property 'name'",
		"{metrics: {enabled: false}, serviceMonitor: {enabled: true}}": "at '/metrics/enabled': value must be true",
		"serviceMonitor: {interval: 1 minute}":                         "at '/serviceMonitor/interval': '1 minute' does not match pattern",
		"resources: {limits: {memory: 256MB}}":                         "at '/resources/limits/memory': '256MB' does not match pattern",
		"terminationGracePeriodSeconds: 30":                            "at '/terminationGracePeriodSeconds': minimum: got 30, want 131",
		"tracing: {endpoint: 'collector:4318'}":                        "at '/tracing/endpoint': 'collector:4318' does not match pattern",
		"nodeSelector: [linux]":                                        "at '/nodeSelector': got array, want object",
	} {
		_, err := runHelm(t.Context(), values, "template", release, chart)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", values, err, want)
		}
	}
}

func TestTheChartIsCleanForHelmLint(t *testing.T) {
	if out, err := runHelm(t.Context(), "", "lint", "--strict", chart); err != nil {
		t.Error(err, out)
	}
}
