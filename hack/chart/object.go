// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object of a manifest.
type object map[string]any

// id returns the kind and the name, such as "Role/accesskey-operator-own".
func (o object) id() string { return o.text("kind") + "/" + o.text("metadata", "name") }

// text returns the string at a path. It is empty if there is none.
func (o object) text(path ...string) string {
	text, _, _ := unstructured.NestedString(o, path...)
	return text
}

// list returns the list at a path. It is empty if there is none.
func (o object) list(path ...string) []any {
	list, _, _ := unstructured.NestedSlice(o, path...)
	return list
}

// at returns the object at a path. It is empty if there is none.
func (o object) at(path ...string) object {
	found, _, _ := unstructured.NestedMap(o, path...)
	return found
}

// find returns the object of this kind and name, in any namespace.
func find(objects []object, id string) (object, error) {
	for _, each := range objects {
		if each.id() == id {
			return each, nil
		}
	}
	return nil, fmt.Errorf("config/ has no %s", id)
}

// The parts of a template that depend on the release and its values.
const (
	suffix = `{{ include "accesskey-operator.clusterSuffix" $ }}`
	labels = "    {{- include \"accesskey-operator.labels\" $ | nindent 4 }}\n"
	keep   = "    {{- if $.Values.crds.keep }}\n    helm.sh/resource-policy: keep\n    {{- end }}\n"

	labelsOf      = "    {{- with $.Values.%s.labels }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}\n"
	annotationsOf = "  {{- with $.Values.%s.annotations }}\n  annotations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n"
)

// former is the operator's namespace in config/.
const former = "accesskey-system"

// released replaces what names the operator's ServiceAccount by what the release has.
var released = strings.NewReplacer(
	"{{", `{{ "{{" }}`,
	"subjects:\n- kind: ServiceAccount\n  name: accesskey-operator\n  namespace: "+former+"\n",
	"subjects:\n{{- include \"accesskey-operator.subjects\" $ | nindent 0 }}\n",
	"'[''system:serviceaccount:"+former+":accesskey-operator'']'",
	`{{ include "accesskey-operator.operators" $ | quote }}`,
)

// template returns the template of the object: what config/ has, with the labels and the ServiceAccount of the release, in this
// namespace if it is not empty. If metadata is not empty, the value with this path has more annotations, and the labels.
func (o object) template(namespace, metadata string) (string, error) {
	var text strings.Builder
	name := o.text("metadata", "name")
	if o.text("kind") == "ClusterRoleBinding" {
		name += suffix
	}
	fmt.Fprintf(&text, "---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", o.text("apiVersion"), o.text("kind"), name)
	if namespace != "" {
		fmt.Fprintf(&text, "  namespace: %s\n", namespace)
	}
	switch annotations := fields(o.pairs("annotations")); {
	case o.text("kind") == "CustomResourceDefinition":
		fmt.Fprintf(&text, "  annotations:\n%s%s", annotations, keep)
	case metadata != "":
		fmt.Fprintf(&text, annotationsOf, metadata)
	}
	fmt.Fprintf(&text, "  labels:\n%s", labels)
	if metadata == "" {
		text.WriteString(fields(o.pairs("labels")))
	} else {
		fmt.Fprintf(&text, labelsOf, metadata)
	}
	content := maps.Clone(o)
	for _, field := range []string{"apiVersion", "kind", "metadata"} {
		delete(content, field)
	}
	body, err := yaml.Marshal(content)
	if err != nil {
		return "", err
	}
	text.WriteString(released.Replace(string(body)))
	if strings.Contains(text.String(), former) {
		return "", fmt.Errorf("the template of %s still contains %s: the chart must replace it by the namespace of the release", o.id(), former)
	}
	return text.String(), nil
}

// pairs returns the labels or annotations, without the label that the chart sets.
func (o object) pairs(field string) map[string]string {
	pairs, _, _ := unstructured.NestedStringMap(o, "metadata", field)
	delete(pairs, "app.kubernetes.io/name")
	return pairs
}

// fields returns labels or annotations as lines of a template.
func fields(pairs map[string]string) string {
	if len(pairs) == 0 {
		return ""
	}
	text, _ := yaml.Marshal(pairs) // strings always have a form in YAML
	return "    " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ") + "\n"
}
