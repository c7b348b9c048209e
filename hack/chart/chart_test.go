// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestSetKeepsEverythingElse(t *testing.T) {
	const text = `# A comment.
image:
  # -- The repository
  repository: old
  tag: ""

# -- Resources
resources:
  limits:
    memory: 1Mi

other:
  repository: stays
`
	const want = `# A comment.
image:
  # -- The repository
  repository: new
  tag: ""

# -- Resources
resources:
  limits:
    memory: 256Mi
  requests:
    cpu: 10m

other:
  repository: stays
`
	resources := map[string]any{"limits": map[string]any{"memory": "256Mi"}, "requests": map[string]any{"cpu": "10m"}}
	got, err := set(text, []value{{"image.repository", "new"}, {"resources", resources}})
	if err != nil || got != want {
		t.Errorf("got %v:\n%s", err, got)
	}
	if again, err := set(got, []value{{"image.repository", "new"}, {"resources", resources}}); err != nil || again != want {
		t.Errorf("the second time: %v:\n%s", err, again)
	}
	for _, path := range []string{"missing", "image.digest", "resources.tag"} {
		if _, err := set(text, []value{{path, 1}}); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

func TestAnObjectThatTheChartDoesNotKnowIsAnError(t *testing.T) {
	c := config{base: []object{{"kind": "Service", "metadata": map[string]any{"name": "new"}}}}
	if _, err := c.templates(); err == nil || !strings.Contains(err.Error(), "no template for it: add it to") {
		t.Errorf("got %v", err)
	}
}

func TestTextThatLooksLikeATemplateIsEscaped(t *testing.T) {
	text, err := object{"kind": "ConfigMap", "data": map[string]any{"legend": "{{name}}"}}.template("", "")
	if err != nil || !strings.Contains(text, `{{ "{{" }}name}}`) {
		t.Errorf("got %v: %s", err, text)
	}
}

func TestTheFormerNamespaceIsAnError(t *testing.T) {
	account := map[string]any{"kind": "ServiceAccount", "name": "somebody-else", "namespace": former}
	_, err := object{"kind": "RoleBinding", "metadata": map[string]any{"name": "other"}, "subjects": []any{account}}.template("", "")
	if err == nil || !strings.Contains(err.Error(), "RoleBinding/other still contains accesskey-system") {
		t.Errorf("got %v", err)
	}
}
