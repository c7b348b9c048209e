// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/util/homedir"

	"accesskey.dev/operator/internal/cli"
	"accesskey.dev/operator/test/golden"
)

const referenceHead = `<!-- Generated from internal/cli by make generate. Don't edit it: change the commands. -->

# Which commands and flags does kubectl accesskey have?

The option --help of each command shows the same.
`

// TestTheReferenceIsDocumented writes or compares docs/reference/cli.md.
func TestTheReferenceIsDocumented(t *testing.T) {
	root := cli.NewCommand(genericiooptions.NewTestIOStreamsDiscard())
	var page strings.Builder
	page.WriteString(referenceHead)
	describe(&page, root)
	page.WriteString("\n## Flags of every command\n" + flagTable(root.PersistentFlags()))
	golden.Page(t, "../../docs/reference/cli.md", page.String())
}

// describe writes a section for each command below this one.
func describe(page *strings.Builder, parent *cobra.Command) {
	for _, command := range parent.Commands() {
		if !command.IsAvailableCommand() {
			continue
		}
		fmt.Fprintf(page, "\n## %s\n\n%s\n", command.CommandPath(), sentence(cmp.Or(command.Long, command.Short)))
		if command.Runnable() {
			fmt.Fprintf(page, "\n```text\n%s\n```\n", command.UseLine())
		}
		if command.Example != "" {
			fmt.Fprintf(page, "\n```sh\n%s\n```\n", strings.Trim(dedent(command.Example), "\n"))
		}
		page.WriteString(flagTable(command.LocalNonPersistentFlags()))
		describe(page, command)
	}
}

// sentence returns a text that ends with a full stop.
func sentence(text string) string {
	return strings.TrimSuffix(strings.TrimSpace(text), ".") + "."
}

// dedent removes the indent of the first line from every line.
func dedent(text string) string {
	first := strings.TrimLeft(text, "\n")
	indent := first[:len(first)-len(strings.TrimLeft(first, " \t"))]
	return strings.ReplaceAll("\n"+first, "\n"+indent, "\n")
}

// flagTable returns a table of the flags that are not hidden, or nothing if there are none.
func flagTable(flags *pflag.FlagSet) string {
	rows := ""
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		value := ""
		if f.DefValue != "" && f.DefValue != "[]" {
			value = "`" + strings.ReplaceAll(f.DefValue, homedir.HomeDir(), "$HOME") + "`"
		}
		rows += fmt.Sprintf("| %s | %s | %s |\n", name, value, strings.ReplaceAll(sentence(f.Usage), "|", `\|`))
	})
	if rows == "" {
		return ""
	}
	return "\n| Flag | Default | Meaning |\n|---|---|---|\n" + rows
}
