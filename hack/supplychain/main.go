// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command supplychain checks that an SBOM (CycloneDX, JSON) lists exactly the modules that are linked into a binary.
//
//	supplychain BINARY SBOM
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// standardLibrary is the name of Go's standard library in an SBOM.
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
		return fmt.Errorf("%s does not match %s:\n%s", arguments[1], arguments[0], strings.Join(differences, "\n"))
	}
	_, err = fmt.Fprintf(out, "%s lists the %d modules of %s\n", arguments[1], len(listed), arguments[0])
	return err
}

// linked returns the path and the version of each module in a binary. A replaced module has those of its replacement.
func linked(info *buildinfo.BuildInfo) []string {
	modules := []string{standardLibrary + " " + info.GoVersion}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		modules = append(modules, module.Path+" "+module.Version)
	}
	return modules
}

// components returns the path and the version of each module in an SBOM.
func components(sbom []byte) (modules []string, err error) {
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
	for _, component := range document.Components {
		modules = append(modules, component.Name+" "+component.Version)
	}
	return modules, nil
}

// compare returns a line for each module that is only linked or only listed. A module that is listed twice must be linked twice.
func compare(linked, listed []string) (differences []string) {
	for _, module := range listed {
		if i := slices.Index(linked, module); i >= 0 {
			linked = slices.Delete(linked, i, i+1)
		} else {
			differences = append(differences, module+" is listed but not linked")
		}
	}
	for _, module := range linked {
		differences = append(differences, module+" is linked but not listed")
	}
	return differences
}
