// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"reflect"
	"slices"

	"sigs.k8s.io/yaml"
)

// byHand are the objects of config/default and config/prometheus whose templates are written by hand, because values change most of
// their fields. test/chart compares what these render with config/.
var byHand = []string{
	"Deployment/accesskey-operator",
	"ServiceAccount/accesskey-operator",
	"ServiceMonitor/accesskey-operator",
}

// notInChart are the objects of config/default that the chart does not have.
var notInChart = []string{
	"Namespace/accesskey-system", // helm install --create-namespace creates it
}

// template says where the template of an object is, when the chart renders the object, and which value has labels and
// annotations for it, if any.
type template struct {
	file, condition, metadata string
}

const (
	crds   = "$.Values.crds.enabled"
	policy = "$.Values.statusPolicy.enabled"
	// A new AccessKey gets its finalizer by this policy where the API server knows such policies and the operator works everywhere.
	finalizer    = `and ($.Values.finalizerPolicy.enabled) (not $.Values.namespaces) ($.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy")`
	clusterRoles = "$.Values.clusterRoles.enabled"
	everywhere   = "not $.Values.namespaces"
	restarts     = "$.Values.rolloutRestarts.enabled"
	metrics      = "$.Values.metrics.enabled"
	secure       = "and (" + metrics + ") ($.Values.metrics.secure)"
	rule         = "$.Values.prometheusRule.enabled"
	dashboards   = "$.Values.dashboards.enabled"
)

// byObject are the generated templates of the objects of config/default, config/finalizer and config/prometheus.
var byObject = map[string]template{
	"CustomResourceDefinition/accesskeys.accesskey.dev":           {"crds.yaml", crds, ""},
	"CustomResourceDefinition/keyservices.accesskey.dev":          {"crds.yaml", crds, ""},
	"CustomResourceDefinition/clusterkeyservices.accesskey.dev":   {"crds.yaml", crds, ""},
	"ValidatingAdmissionPolicy/accesskey-operator-status":         {"status_policy.yaml", policy, ""},
	"ValidatingAdmissionPolicyBinding/accesskey-operator-status":  {"status_policy.yaml", policy, ""},
	"MutatingAdmissionPolicy/accesskey-operator-finalizer":        {"finalizer_policy.yaml", finalizer, ""},
	"MutatingAdmissionPolicyBinding/accesskey-operator-finalizer": {"finalizer_policy.yaml", finalizer, ""},
	"ClusterRole/accesskey-operator":                              {"roles.yaml", clusterRoles, ""},
	"ClusterRole/accesskey-operator-cluster":                      {"roles.yaml", "and (" + clusterRoles + ") (" + everywhere + ")", ""},
	"ClusterRole/accesskey-operator-restarts":                     {"roles.yaml", clusterRoles, ""},
	"ClusterRole/accesskey-operator-view":                         {"roles.yaml", clusterRoles, ""},
	"ClusterRole/accesskey-operator-edit":                         {"roles.yaml", clusterRoles, ""},
	"ClusterRole/accesskey-operator-admin":                        {"roles.yaml", clusterRoles, ""},
	"ClusterRoleBinding/accesskey-operator":                       {"role_bindings.yaml", everywhere, ""},
	"ClusterRoleBinding/accesskey-operator-cluster":               {"role_bindings.yaml", everywhere, ""},
	"Role/accesskey-operator-own":                                 {"roles.yaml", "true", ""},
	"RoleBinding/accesskey-operator-own":                          {"role_bindings.yaml", "true", ""},
	"ClusterRole/accesskey-operator-metrics-auth":                 {"roles.yaml", "and (" + clusterRoles + ") (" + secure + ")", ""},
	"ClusterRole/accesskey-operator-metrics-reader":               {"roles.yaml", "and (" + clusterRoles + ") (" + secure + ")", ""},
	"ClusterRoleBinding/accesskey-operator-metrics-auth":          {"role_bindings.yaml", secure, ""},
	"Service/accesskey-operator-metrics":                          {"service.yaml", metrics, ""},
	"PrometheusRule/accesskey-operator":                           {"prometheusrule.yaml", rule, "prometheusRule"},
	"ConfigMap/accesskey-operator-dashboard":                      {"dashboards.yaml", dashboards, "dashboards"},
}

// config has the objects of the kustomizations in config/.
type config struct {
	base, finalizer, namespaced, restarts, prometheus []object
}

// templates returns the generated templates by the names of their files.
func (c config) templates() (map[string]string, error) {
	files := map[string]string{}
	for _, each := range slices.Concat(c.base, c.finalizer, c.prometheus) {
		if slices.Contains(byHand, each.id()) || slices.Contains(notInChart, each.id()) {
			continue
		}
		where, ok := byObject[each.id()]
		if !ok {
			return nil, fmt.Errorf("config/ has %s, but the chart has no template for it: add it to hack/chart/templates.go", each.id())
		}
		namespace := ""
		if each.text("metadata", "namespace") != "" {
			namespace = "{{ $.Release.Namespace }}"
		}
		text, err := each.template(namespace, where.metadata)
		if err != nil {
			return nil, err
		}
		more, err := c.namespacedRules(each)
		if err != nil {
			return nil, err
		}
		files[where.file] += when(where.condition, text+more)
	}
	bindings, err := c.bindings()
	files["role_bindings.yaml"] += bindings
	return files, err
}

// namespacedRules returns the rules of a role that only config/namespaced has.
func (c config) namespacedRules(base object) (string, error) {
	var more []any
	if other, err := find(c.namespaced, base.id()); err == nil {
		for _, rule := range other.list("rules") {
			if !slices.ContainsFunc(base.list("rules"), func(known any) bool { return reflect.DeepEqual(known, rule) }) {
				more = append(more, rule)
			}
		}
	}
	if len(more) == 0 {
		return "", nil
	}
	text, err := yaml.Marshal(more)
	return when("$.Values.namespaces", string(text)), err
}

// bindings returns the templates of the bindings that config/default does not have: those of an operator that works in some
// namespaces only, and those with which it restarts workloads.
func (c config) bindings() (string, error) {
	operator, err := find(c.namespaced, "RoleBinding/accesskey-operator")
	if err != nil {
		return "", err
	}
	restart, err := find(c.restarts, "ClusterRoleBinding/accesskey-operator-restarts")
	if err != nil {
		return "", err
	}
	clusterRestart, err := restart.template("", "")
	if err != nil {
		return "", err
	}
	restart["kind"] = "RoleBinding"
	const each = "{{ . }}"
	namespacedRestart, err := restart.template(each, "")
	if err != nil {
		return "", err
	}
	namespacedOperator, err := operator.template(each, "")
	return "{{- range $.Values.namespaces }}\n" + namespacedOperator + when(restarts, namespacedRestart) + "{{- end }}\n" +
		when("and ("+restarts+") ("+everywhere+")", clusterRestart), err
}

// when returns a text that the chart renders under a condition.
func when(condition, text string) string {
	if condition == "true" {
		return text
	}
	return "{{- if " + condition + " }}\n" + text + "{{- end }}\n"
}
