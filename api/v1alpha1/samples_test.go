// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheSampleOfAllFieldsHasAllFields looks for the name of each field. That the sample is valid is tested on an API server.
func TestTheSampleOfAllFieldsHasAllFields(t *testing.T) {
	sample, err := os.ReadFile("../../config/samples/all-fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// The other services have samples of their own, and the other ways to trust a certificate exclude those of this sample.
	elsewhere := []string{"caBundle", "caSecretRef", "insecureSkipVerify"}
	samples, _ := filepath.Glob("../../config/samples/*.yaml") // the pattern is valid
	for _, file := range samples {
		if service := strings.TrimSuffix(filepath.Base(file), ".yaml"); service != "huawei" {
			elsewhere = append(elsewhere, service)
		}
	}
	names := map[string]bool{}
	for _, spec := range []any{AccessKeySpec{}, KeyServiceSpec{}} {
		fieldNames(reflect.TypeOf(spec), elsewhere, names)
	}
	if len(names) < 50 {
		t.Fatalf("found only the fields %v", names)
	}
	for name := range names {
		if !regexp.MustCompile(`(?m)[ #{]` + name + `:`).Match(sample) {
			t.Errorf("the sample has no %s", name)
		}
	}
}

// fieldNames adds the JSON names of the fields of a type, and of the types of its fields, except for some.
func fieldNames(of reflect.Type, except []string, names map[string]bool) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		fieldNames(of.Elem(), except, names)
	case reflect.Struct:
		if !strings.HasSuffix(of.PkgPath(), "/api/v1alpha1") {
			return
		}
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if name == "" {
				fieldNames(of.Field(i).Type, except, names)
				continue
			}
			if slices.Contains(except, name) {
				continue
			}
			names[name] = true
			fieldNames(of.Field(i).Type, except, names)
		}
	default:
	}
}
