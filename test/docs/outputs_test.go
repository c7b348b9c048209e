// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const reasonsPage = "docs/reasons.md"

// constants returns the values of the constants of api/v1alpha1/conditions.go: the types of conditions, and the reasons of conditions
// and of events.
func constants(t *testing.T) (types, reasons []string) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "api/v1alpha1/conditions.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)^\t(Condition|Reason|Event)(\w+) += "(\w+)"$`).FindAllStringSubmatch(string(source), -1) {
		if found[1] == "Condition" {
			types = append(types, found[3])
		} else {
			reasons = append(reasons, found[3])
		}
	}
	if len(types) < 5 || len(reasons) < 50 {
		t.Fatalf("found only %q and %q", types, reasons)
	}
	return types, reasons
}

// TestEveryReasonIsDocumented compares the rows of the tables of reasons with the constants of the API.
func TestEveryReasonIsDocumented(t *testing.T) {
	_, reasons := constants(t)
	text, err := os.ReadFile(filepath.Join(root, reasonsPage))
	if err != nil {
		t.Fatal(err)
	}
	page := Parse(reasonsPage, text)
	for _, reason := range reasons {
		if !slices.ContainsFunc(page.Code, func(code Text) bool { return code.Text == reason }) {
			t.Errorf("%s does not name the reason %s; add a row that says what it means and what to do", reasonsPage, reason)
		}
	}
	row := regexp.MustCompile("^\\| (?:True |False |Unknown )?((?:`[A-Z][A-Za-z]+`(?:, )?)+) \\|")
	for i, line := range strings.Split(string(text), "\n") {
		for _, cell := range row.FindAllStringSubmatch(line, -1) {
			for name := range strings.SplitSeq(cell[1], ", ") {
				if !slices.Contains(reasons, strings.Trim(name, "`")) {
					t.Errorf("%s:%d: the operator has no reason %s; remove the row, or correct it", reasonsPage, i+1, name)
				}
			}
		}
	}
}

// shown knows what the output of kubectl looks like.
type shown struct {
	types, reasons []string
	// columns are the headers of kubectl get, and of kubectl get -o wide, by the plural of the kind.
	columns map[string][2]string
}

// TestEveryOutputIsCurrent checks the outputs that the documentation shows: the columns of kubectl get, and the conditions and events.
func TestEveryOutputIsCurrent(t *testing.T) {
	everyPage(t, newShown(t).outdated)
}

func newShown(t *testing.T) shown {
	t.Helper()
	s := shown{columns: map[string][2]string{}}
	s.types, s.reasons = constants(t)
	for _, plural := range []string{"accesskeys", "keyservices", "clusterkeyservices"} {
		text, err := os.ReadFile(filepath.Join(root, "config/crd/bases/accesskey.dev_"+plural+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(text, &definition); err != nil {
			t.Fatal(err)
		}
		short, wide := "NAME", "NAME"
		for _, column := range definition.Spec.Versions[0].AdditionalPrinterColumns {
			wide += " " + strings.ToUpper(column.Name)
			if column.Priority == 0 {
				short += " " + strings.ToUpper(column.Name)
			}
		}
		s.columns[plural] = [2]string{short, wide}
	}
	return s
}

var (
	getCommand = regexp.MustCompile(`kubectl get (accesskey|keyservice|clusterkeyservice)s?\b`)
	condition  = regexp.MustCompile(`^([A-Z][a-z]+)=(?:True|False|Unknown) ([A-Za-z]+):`)
	event      = regexp.MustCompile(`^\S+ +(?:Normal|Warning) +([A-Za-z]+) +(?i:accesskey|keyservice)/`)
)

// outdated returns the lines of outputs that today's operator would not print.
func (s shown) outdated(page *Page) (problems []problem) {
	for _, block := range page.Blocks {
		if !block.ShowsOutput() {
			continue
		}
		kind := ""
		for i, line := range strings.Split(block.Text, "\n") {
			if strings.HasPrefix(line, prompt) {
				kind = ""
				if found := getCommand.FindStringSubmatch(line); found != nil {
					kind = found[1] + "s"
				}
			}
			if fault := s.faultOf(line, kind); fault != "" {
				problems = append(problems, problemf(block.Line+i, "%s; run the command again", fault))
			}
		}
	}
	return problems
}

// faultOf returns what is wrong with a line of the output of kubectl get of this kind.
func (s shown) faultOf(line, kind string) string {
	header := strings.Join(strings.Fields(strings.TrimPrefix(line, "NAMESPACE ")), " ")
	if columns, ok := s.columns[kind]; ok && strings.HasPrefix(header, "NAME ") && header != columns[0] && header != columns[1] {
		return "kubectl get " + kind + " prints the columns " + columns[0]
	}
	if found := condition.FindStringSubmatch(line); found != nil && (!slices.Contains(s.types, found[1]) || !slices.Contains(s.reasons, found[2])) {
		return "there is no condition " + found[1] + " with the reason " + found[2]
	}
	if found := event.FindStringSubmatch(line); found != nil && !slices.Contains(s.reasons, found[1]) {
		return "there is no event with the reason " + found[1]
	}
	return ""
}

func TestAnOutdatedOutputIsFound(t *testing.T) {
	s := newShown(t)
	for text, want := range map[string]string{
		"$ kubectl get accesskeys -A\nNAMESPACE   NAME   READY   SERVICE   USER   SECRET   EXPIRES   RENEWS   AGE\n": "",
		"$ kubectl get accesskeys\nNAME   READY   SERVICE   USER   SECRET   RENEWS   AGE\n":                          "READY SERVICE USER SECRET EXPIRES RENEWS AGE",
		"$ kubectl get keyservices\nNAME   READY   SERVICE   USER   SECRET   RENEWS   AGE\n":                         "kubectl get keyservices prints",
		"$ kubectl get pods\nNAME   READY   STATUS   RESTARTS   AGE\n":                                               "",
		"$ kubectl get accesskey a -o jsonpath=x\nReady=True Issued: Secret a\nStalled=True QuotaExceeded: x\n":      "",
		"$ kubectl get accesskey a -o jsonpath=x\nReady=True Isued: Secret a\n":                                      "reason Isued",
		"$ kubectl get accesskey a -o jsonpath=x\nReddy=True Issued: Secret a\n":                                     "condition Reddy",
		"$ kubectl get events\n56s   Normal   Rotated   accesskey/backup   Issued\n":                                 "",
		"$ kubectl get events\n56s   Warning   Rotted   accesskey/backup   Issued\n":                                 "reason Rotted",
	} {
		found := s.outdated(Parse("docs/page.md", []byte("# Page\n\n```\n"+text+"```\n")))
		if (len(found) == 0) != (want == "") || len(found) > 0 && !strings.Contains(found[0].text, want) {
			t.Errorf("%s: found %v, want %q", text, found, want)
		}
	}
}
