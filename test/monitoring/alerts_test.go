// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package monitoring tests the alerts and the dashboard of config/prometheus.
package monitoring

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// configuration is the folder with the rules and the dashboard.
const configuration = "../../config/prometheus"

// rule is an alert, or a recording rule.
type rule struct {
	Alert       string            `json:"alert"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// prometheusRule is the object that prometheus-operator turns into a rule file: its spec.
type prometheusRule struct {
	Spec json.RawMessage `json:"spec"`
}

// caseFile is a test file of promtool.
type caseFile struct {
	Tests []struct {
		Name        string `json:"name"`
		InputSeries []struct {
			Series string `json:"series"`
		} `json:"input_series"`
		Alerts []struct {
			Name     string            `json:"alertname"`
			Expected []json.RawMessage `json:"exp_alerts"`
		} `json:"alert_rule_test"`
	} `json:"tests"`
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // the file was only read
	if err := yaml.NewYAMLOrJSONDecoder(file, 4096).Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// alerts returns the alerts by name.
func alerts(t *testing.T) map[string]rule {
	t.Helper()
	var object prometheusRule
	read(t, filepath.Join(configuration, "rules.yaml"), &object)
	var spec struct {
		Groups []struct {
			Rules []rule `json:"rules"`
		} `json:"groups"`
	}
	if err := json.Unmarshal(object.Spec, &spec); err != nil {
		t.Fatal(err)
	}
	found := map[string]rule{}
	for _, group := range spec.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			if _, twice := found[rule.Alert]; twice {
				t.Errorf("there are two alerts with the name %s", rule.Alert)
			}
			found[rule.Alert] = rule
		}
	}
	if len(found) < 10 {
		t.Fatalf("found only %d alerts", len(found))
	}
	return found
}

// cases returns the test files of promtool, by path.
func cases(t *testing.T) map[string]caseFile {
	t.Helper()
	paths, err := filepath.Glob("alerts/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	found := map[string]caseFile{}
	for _, path := range paths {
		var file caseFile
		read(t, path, &file)
		found[path] = file
	}
	return found
}

// TestAlerts lets promtool check the rules, and run the cases against them.
func TestAlerts(t *testing.T) {
	folder := t.TempDir()
	var object prometheusRule
	read(t, filepath.Join(configuration, "rules.yaml"), &object)
	write(t, filepath.Join(folder, "rules.yaml"), object.Spec)
	arguments := []string{"test", "rules"}
	for path := range cases(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, filepath.Join(folder, filepath.Base(path)))
		write(t, arguments[len(arguments)-1], text)
	}
	promtool(t, "check", "rules", "--lint-fatal", filepath.Join(folder, "rules.yaml"))
	promtool(t, arguments...)
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// promtool runs promtool, which is part of Debian's package prometheus, and fails the test if promtool fails.
func promtool(t *testing.T, arguments ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("NOT RUN: promtool is not installed (Debian: apt-get install prometheus)")
	}
	if out, err := exec.CommandContext(t.Context(), path, arguments...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
}

func TestEveryAlertHasACaseInWhichItFiresAndOneInWhichItDoesNot(t *testing.T) {
	var firing, quiet []string
	for _, file := range cases(t) {
		for _, test := range file.Tests {
			for _, alert := range test.Alerts {
				if len(alert.Expected) > 0 {
					firing = append(firing, alert.Name)
				} else {
					quiet = append(quiet, alert.Name)
				}
			}
		}
	}
	known := alerts(t)
	for name := range known {
		if !slices.Contains(firing, name) || !slices.Contains(quiet, name) {
			t.Errorf("%s needs a case in which it fires, and one in which it does not", name)
		}
	}
	for _, name := range slices.Concat(firing, quiet) { // promtool ignores a name that does not exist
		if _, ok := known[name]; !ok {
			t.Errorf("a case names the alert %s, which does not exist", name)
		}
	}
}
