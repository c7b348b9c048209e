// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command supplychain compares an SBOM (CycloneDX, JSON) with the binary that it is of: what is linked is listed, and
// nothing else.
//
//	supplychain BINARY SBOM
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// standardLibrary is what an SBOM calls Go's own packages.
const standardLibrary = "std"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "supplychain: %v\n", err)
		os.Exit(1)
	}
}

func run(arguments []string, out io.Writer) error {
	if len(arguments) != 2 {
		return errors.New("usage: supplychain BINARY SBOM")
	}
	info, err := buildinfo.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	sbom, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	listed, err := components(sbom)
	if err != nil {
		return fmt.Errorf("%s: %w", arguments[1], err)
	}
	if differences := compare(linked(info), listed); len(differences) > 0 {
		return fmt.Errorf("%s is not that of %s:\n%s", arguments[1], arguments[0], strings.Join(differences, "\n"))
	}
	_, err = fmt.Fprintf(out, "%s: %d modules, those of %s\n", arguments[1], len(listed), arguments[0])
	return err
}

// linked are the versions of the modules in a binary, by path.
func linked(info *buildinfo.BuildInfo) map[string]string {
	modules := map[string]string{standardLibrary: info.GoVersion}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		modules[module.Path] = module.Version
	}
	return modules
}

// components are the versions of the modules in an SBOM, by path.
func components(sbom []byte) (map[string]string, error) {
	var document struct {
		Format     string `json:"bomFormat"`
		Components []struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"components"`
	}
	if err := json.Unmarshal(sbom, &document); err != nil {
		return nil, err
	}
	if document.Format != "CycloneDX" {
		return nil, fmt.Errorf("the format is %q, not CycloneDX", document.Format)
	}
	modules := map[string]string{}
	for _, component := range document.Components {
		if _, twice := modules[component.Name]; twice {
			return nil, fmt.Errorf("%s is listed twice", component.Name)
		}
		modules[component.Name] = component.Version
	}
	return modules, nil
}

func compare(linked, listed map[string]string) []string {
	var differences []string
	for _, path := range slices.Sorted(maps.Keys(linked)) {
		switch version, ok := listed[path]; {
		case !ok:
			differences = append(differences, fmt.Sprintf("%s %s is linked and not listed", path, linked[path]))
		case version != linked[path]:
			differences = append(differences, fmt.Sprintf("%s is linked as %s and listed as %s", path, linked[path], version))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(listed)) {
		if _, ok := linked[path]; !ok {
			differences = append(differences, fmt.Sprintf("%s %s is listed and not linked", path, listed[path]))
		}
	}
	return differences
}
