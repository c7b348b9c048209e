// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command chart generates dist/install.yaml, and the parts of the Helm chart in dist/chart that must not differ from config/: the
// templates of the CRDs, the permissions and the policy, and the default values that come from the Deployment.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/util/yaml"
)

const chart = "dist/chart"

// header is the first line of every file that is generated as a whole.
const header = "Generated from config/ by hack/chart. Change it there, and run \"make generate\"."

func main() {
	kustomize := flag.String("kustomize", "bin/kustomize", "Path of kustomize.")
	flag.Parse()
	if err := run(*kustomize); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(kustomize string) error {
	manifests := map[string][]byte{}
	for _, name := range []string{"default", "finalizer", "namespaced", "restarts", "prometheus"} {
		var err error
		if manifests[name], err = build(kustomize, name); err != nil {
			return err
		}
	}
	files, err := generate(manifests)
	if err != nil {
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// build returns the manifest of a kustomization in config/.
func build(kustomize, name string) ([]byte, error) {
	var failure bytes.Buffer
	command := exec.Command(kustomize, "build", filepath.Join("config", name))
	command.Stderr = &failure
	manifest, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", command, err, failure.String())
	}
	return manifest, nil
}

// generate returns the content of all files by their paths.
func generate(manifests map[string][]byte) (map[string]string, error) {
	files := map[string]string{"dist/install.yaml": "# " + header + "\n" + string(manifests["default"])}
	var c config
	for name, objects := range map[string]*[]object{"default": &c.base, "finalizer": &c.finalizer, "namespaced": &c.namespaced, "restarts": &c.restarts, "prometheus": &c.prometheus} {
		var err error
		if *objects, err = parse(manifests[name]); err != nil {
			return nil, err
		}
	}
	templates, err := c.templates()
	if err != nil {
		return nil, err
	}
	for name, text := range templates {
		files[filepath.Join(chart, "templates", name)] = "{{- /* " + header + " */ -}}\n" + text
	}
	edits, err := c.edits()
	if err != nil {
		return nil, err
	}
	for name, values := range edits {
		path := filepath.Join(chart, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if files[path], err = set(string(text), values); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return files, nil
}

// parse returns the objects of a manifest.
func parse(manifest []byte) (objects []object, err error) {
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096); ; {
		next := object{}
		if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		objects = append(objects, next)
	}
}
