// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"regexp"
	"strings"
)

// prompt begins a command in a block that also shows outputs.
const prompt = "$ "

// program matches a line that is a command, in a block that does not name its language.
var program = regexp.MustCompile(`^(?:[A-Z_0-9]+=\S+ )*(?:kubectl|helm|make|go|git|curl|export|for|kind|k3d|docker|velero|aws|yq|\.ci/run|bin/\S+)(?: |$)`)

// Commands returns the commands of a block. In a block that shows outputs, these are the lines that begin with a prompt, each with the
// lines that continue it. Otherwise it is the whole block, if it is in the language sh or begins with a command.
func (b Block) Commands() (commands []string) {
	if !b.ShowsOutput() {
		if b.Language == "sh" || b.Language == "" && program.MatchString(b.Text) {
			return []string{b.Text}
		}
		return nil
	}
	continued := false
	for line := range strings.Lines(b.Text) {
		command, begins := strings.CutPrefix(line, prompt)
		switch {
		case begins:
			commands = append(commands, command)
		case continued:
			commands[len(commands)-1] += line
		}
		continued = (begins || continued) && strings.HasSuffix(line, "\\\n")
	}
	return commands
}

// ShowsOutput reports whether a block shows commands with a prompt, and what they print.
func (b Block) ShowsOutput() bool {
	return (b.Language == "" || b.Language == "console") && strings.HasPrefix(b.Text, prompt)
}
