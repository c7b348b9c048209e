// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// languages are those that a block can name. Without one, a block is text, unless it begins with a command.
var languages = []string{"", "console", "go", "json", "mermaid", "promql", "sh", "text", "yaml"}

// excerpt is how a block of YAML begins that is no whole manifest on purpose.
const excerpt = "# An excerpt"

// TestEveryBlockIsWellFormed parses each block of code, and validates the manifests in it.
func TestEveryBlockIsWellFormed(t *testing.T) {
	manifests := newValidator(t)
	found := 0
	everyPage(t, func(page *Page) (problems []problem) {
		for _, block := range page.Blocks {
			if strings.Contains(block.Text, "apiVersion: accesskey.dev/") {
				found++
			}
			if err := malformed(block, manifests); err != nil {
				problems = append(problems, problemf(block.Line, "%v", err))
			}
		}
		return problems
	})
	if found < 10 {
		t.Errorf("found only %d blocks with objects of the operator", found)
	}
}

func malformed(block Block, manifests *validator) error {
	switch {
	case !slices.Contains(languages, block.Language):
		return fmt.Errorf("the language %s is none of%s; name one of these or none", block.Language, strings.Join(languages, " "))
	case block.Language == "json":
		var value any
		if err := json.Unmarshal([]byte(block.Text), &value); err != nil {
			return fmt.Errorf("this is no JSON: %w", err)
		}
		return nil
	case block.Language == "yaml":
		return malformedYAML(block.Text, manifests)
	}
	script := strings.Join(block.Commands(), "\n")
	check := exec.Command("bash", "-n")
	check.Stdin = strings.NewReader(script)
	if output, err := check.CombinedOutput(); err != nil {
		return fmt.Errorf("bash cannot read these commands, correct the quotes and brackets: %s", bytes.TrimSpace(output))
	}
	return nil
}

// malformedYAML parses the documents of a block. Those that are no excerpts must be valid manifests.
func malformedYAML(text string, manifests *validator) error {
	isExcerpt := strings.HasPrefix(text, excerpt)
	for reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var object map[string]any
		if err := errors.Join(err, yaml.Unmarshal(document, &object)); err != nil {
			return fmt.Errorf("this is no YAML: %w", err)
		}
		isManifest := object["apiVersion"] != nil || object["kind"] != nil
		if isExcerpt || !isManifest && !namesAKind(object) {
			continue
		}
		if !isManifest {
			return errors.New("this names a kind, and is no manifest: begin it with " + excerpt + " of …")
		}
		if err := manifests.validate(document); err != nil {
			return fmt.Errorf("the API server refuses this manifest, correct it: %w", err)
		}
	}
}

// namesAKind reports whether a part of a manifest refers to an object, as serviceRef does.
func namesAKind(node any) bool {
	switch node := node.(type) {
	case []any:
		return slices.ContainsFunc(node, namesAKind)
	case map[string]any:
		for name, value := range node {
			if name == "kind" || namesAKind(value) {
				return true
			}
		}
	}
	return false
}

func TestAMalformedBlockIsFound(t *testing.T) {
	const good = "apiVersion: accesskey.dev/v1alpha1\nkind: AccessKey\nmetadata: {name: a}\nspec: {serviceRef: {name: qumulo}, user: local:a, ttl: 720h}\n"
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: x}\n"
	manifests := newValidator(t)
	for _, test := range []struct{ name, language, text, want string }{
		{"a manifest", "yaml", good, ""},
		{"two manifests", "yaml", good + "---\n" + secret, ""},
		{"an unknown field", "yaml", strings.Replace(good, "user:", "usr:", 1), `unknown field "spec.usr"`},
		{"an unknown field in the second", "yaml", good + "---\n" + strings.Replace(secret, "stringData", "strings", 1), `unknown field "strings"`},
		{"a value of another type", "yaml", strings.Replace(good, "720h", "[720h]", 1), "ttl"},
		{"a value that the schema refuses", "yaml", strings.Replace(good, "local:a", "\"\"", 1), "spec.user"},
		{"a broken CEL rule", "yaml", strings.Replace(good, "720h", "1s", 1), "ttl must be at least 1m"},
		{"a broken CEL rule of two fields", "yaml", strings.Replace(good, "720h", "1h, renewBefore: 2h", 1), "renewBefore must be shorter than ttl"},
		{"a required field is missing", "yaml", strings.Replace(good, "serviceRef: {name: qumulo}, ", "", 1), "serviceRef"},
		{"an unknown kind of the operator", "yaml", strings.Replace(good, "AccessKey", "AccesKey", 1), "AccesKey"},
		{"an unknown kind of Kubernetes", "yaml", strings.Replace(secret, "Secret", "Secrt", 1), "Secrt"},
		{"a kind of somebody else", "yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n", ""},
		{"no name", "yaml", strings.Replace(good, "metadata: {name: a}\n", "", 1), "name"},
		{"an excerpt", "yaml", excerpt + " of an AccessKey\nspec:\n  serviceRef: {kind: ClusterKeyService}\n", ""},
		{"an excerpt that does not say so", "yaml", "spec:\n  serviceRef: {kind: ClusterKeyService}\n", excerpt},
		{"no YAML", "yaml", "a: b: c\n", "no YAML"},
		{"JSON", "json", "{}", ""},
		{"no JSON", "json", "{", "no JSON"},
		{"an unknown language", "yml", "", "language yml"},
		{"commands", "", "make build   # it's quick\nmake test\n", ""},
		{"an open quote", "", "kubectl get accesskeys -o jsonpath='{.status}\n", "bash cannot read"},
		{"an open quote after a prompt", "", "$ kubectl get 'a\nNAME\n", "bash cannot read"},
		{"an output with a quote", "", "$ kubectl get a\nit's here\n", ""},
		{"text", "", "it's (not\n", ""},
	} {
		err := malformed(Block{1, test.language, test.text}, manifests)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}
