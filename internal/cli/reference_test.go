// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
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
	page.WriteString(objects(t))
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

const objectsHead = `
## Objects of -o json

The command list prints the AccessKeys of the API. The other commands that have -o print these objects, in the version cli.accesskey.dev/v1alpha1. A
field may be added, but none changes its name or its meaning. No object has a secret access key.
`

// objects returns a table of the fields of each kind of object, with the comments of report.go.
func objects(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "report.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]*ast.StructType{}
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.TypeSpec); ok {
			types[spec.Name.Name] = spec.Type.(*ast.StructType)
		}
		return true
	})
	section := objectsHead
	for _, kind := range []struct{ name, command, fields string }{
		{"AccessKeyReport", "status", "accessKeyReport"}, {"ServiceKey", "keys", "reportedServiceKey"}, {"Check", "check", "reportedCheck"},
	} {
		section += fmt.Sprintf("\n### %s, of kubectl accesskey %s\n\n| Field | Meaning |\n|---|---|\n%s", kind.name, kind.command, fieldRows(types, kind.fields, ""))
	}
	return section
}

// fieldRows returns a row for each field of a type, and below it those of its fields.
func fieldRows(types map[string]*ast.StructType, name, prefix string) (rows string) {
	for _, field := range types[name].Fields.List {
		path := prefix + strings.Split(field.Tag.Value, `"`)[1]
		path, _, _ = strings.Cut(path, ",")
		rows += fmt.Sprintf("| `%s` | %s |\n", path, strings.Join(strings.Fields(field.Doc.Text()), " "))
		switch of := field.Type.(type) {
		case *ast.Ident:
			rows += nestedRows(types, of, path+".")
		case *ast.StarExpr:
			rows += nestedRows(types, of.X, path+".")
		case *ast.ArrayType:
			rows += nestedRows(types, of.Elt, path+"[].")
		}
	}
	return rows
}

func nestedRows(types map[string]*ast.StructType, of ast.Expr, prefix string) string {
	if name, ok := of.(*ast.Ident); ok && types[name.Name] != nil {
		return fieldRows(types, name.Name, prefix)
	}
	return ""
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
