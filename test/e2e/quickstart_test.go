// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/test/cluster"
)

// quickstart is the page whose commands the test runs. The commands before them, such as kind create cluster, have no prompt.
const quickstart = "../../docs/quickstart.md"

// command is a command of a page with the output that the page shows. The output is empty if the page shows none.
type command struct{ line, output string }

// commands returns the commands of a page that are behind a prompt.
func commands(page string) (found []command) {
	inBlock, shown := false, false
	for line := range strings.Lines(page) {
		switch prompted, isCommand := strings.CutPrefix(line, "$ "); {
		case strings.HasPrefix(line, "```"):
			inBlock, shown = !inBlock, false
		case inBlock && isCommand:
			found, shown = append(found, command{line: strings.TrimSpace(prompted)}), true
		case inBlock && shown:
			found[len(found)-1].output += line
		}
	}
	return found
}

// varying matches what differs from run to run: times, ages, UIDs, and the access keys of the four services.
var varying = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z|\b(\d+[smh])+\b|\b[0-9a-f]{13}[A-Z]{6,}\b|\bHPUA[0-9A-Z]{16}\b|\b00000[\w-]{8,}…?[\w-]*|\b[0-9A-Z]{20}\b`)

// mask replaces what differs from run to run: also the spaces between columns, and the order of lines of the same second.
func mask(output string) string {
	var lines []string
	for line := range strings.Lines(varying.ReplaceAllString(output, "…")) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(slices.Sorted(slices.Values(lines)), "\n")
}

// followQuickstart runs the commands of the page in their order, and compares their output with the page. A command that only reads
// is repeated for a while, because what it shows can come a moment later.
func (s *story) followQuickstart() {
	s.t.Helper()
	page, err := os.ReadFile(quickstart)
	s.must(err)
	shell := s.shell()
	for _, c := range commands(string(page)) {
		reads := regexp.MustCompile(`^kubectl (get|logs|describe|events) `).MatchString(c.line)
		var output string
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
			output = shell(c.line)
			if c.output == "" || mask(output) == mask(c.output) {
				break
			}
			if !reads || time.Now().After(deadline) {
				s.t.Errorf("%s: $ %s\n%s\nthe page has\n%s", quickstart, c.line, output, c.output)
				break
			}
		}
		s.say("quickstart: $ %s", c.line)
	}
}

// shell returns a function that runs a command as a reader of a page does: in the root of the repository, with kubectl and a
// kubeconfig of its own.
func (s *story) shell() func(line string) string {
	s.t.Helper()
	assets, err := cluster.Assets()
	s.must(err)
	kubeconfig := filepath.Join(s.t.TempDir(), "kubeconfig")
	text, err := os.ReadFile(s.node.Kubeconfig)
	s.must(err)
	s.must(os.WriteFile(kubeconfig, text, 0o600))
	return func(line string) string {
		s.t.Helper()
		shell := exec.CommandContext(s.ctx, "bash", "-c", line)
		shell.Dir = "../.."
		shell.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+assets+":"+os.Getenv("PATH"))
		output, err := shell.CombinedOutput()
		if err != nil {
			s.t.Fatalf("%s: $ %s: %v\n%s", quickstart, line, err, output)
		}
		return string(output)
	}
}
