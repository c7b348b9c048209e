// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	runbooks   = "../../docs/runbooks"
	runbookURL = "https://accesskey.dev/operator/docs/runbooks/"
)

// TestEveryAlertSaysWhatToDo checks what a person needs who receives an alert.
func TestEveryAlertSaysWhatToDo(t *testing.T) {
	overview, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, alert := range alerts(t) {
		if severity := alert.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has the severity %q", name, severity)
		}
		if alert.Annotations["summary"] == "" || alert.Annotations["description"] == "" {
			t.Errorf("%s has no summary or no description", name)
		}
		if got, want := alert.Annotations["runbook_url"], runbookURL+name+".md"; got != want {
			t.Errorf("%s: runbook_url is %s, want %s", name, got, want)
		}
		if row := "| [`" + name + "`](runbooks/" + name + ".md) | " + alert.Labels["severity"] + " |"; !strings.Contains(string(overview), row) {
			t.Errorf("docs/monitoring.md lacks the row %s", row)
		}
		page, err := os.ReadFile(filepath.Join(runbooks, name+".md"))
		if err != nil {
			t.Errorf("%s has no runbook: %v", name, err)
		}
		for _, section := range []string{"# " + name + "\n", "## If nothing is done\n", "## Find the cause\n", "## Fix it\n"} {
			if !strings.Contains(string(page), section) {
				t.Errorf("the runbook of %s lacks the section %q", name, section)
			}
		}
	}
}

func TestEveryRunbookIsOfAnAlert(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(runbooks, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := alerts(t)
	for _, page := range pages {
		if _, ok := known[strings.TrimSuffix(filepath.Base(page), ".md")]; !ok {
			t.Errorf("%s is the runbook of no alert", page)
		}
	}
}
