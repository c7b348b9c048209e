// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// tone is the colour of a text on a terminal, as an ANSI code.
type tone string

const (
	plain tone = ""
	good  tone = "32"
	warn  tone = "33"
	bad   tone = "31"
	faint tone = "2"
	bold  tone = "1"
)

// painted is text with codes for the terminal, which printf leaves as they are.
type painted string

// paint colours text, if the output is a terminal and neither NO_COLOR nor TERM forbids it.
func (s *session) paint(t tone, text string) painted {
	text = printers.EscapeTerminal(text)
	if t == plain || text == "" || !printers.AllowsColorOutput(s.Out) {
		return painted(text)
	}
	return painted("\x1b[" + string(t) + "m" + text + "\x1b[0m")
}

// printf prints to the output.
func (s *session) printf(format string, args ...any) { writef(s.Out, format, args...) }

// notef prints to the error stream what is not the result of the command: progress, or what was left out.
func (s *session) notef(format string, args ...any) { writef(s.ErrOut, format, args...) }

// warnf prints a warning to the error stream.
func (s *session) warnf(format string, args ...any) {
	options := printers.WarningPrinterOptions{Color: printers.AllowsColorOutput(s.ErrOut)}
	printers.NewWarningPrinter(s.ErrOut, options).Print(printers.EscapeTerminal(fmt.Sprintf(format, args...)))
}

// writef is fmt.Fprintf for a terminal: arguments come from elsewhere, and must not control it.
func writef(w io.Writer, format string, args ...any) {
	args = slices.Clone(args)
	for i, arg := range args {
		switch value := arg.(type) {
		case string:
			args[i] = printers.EscapeTerminal(value)
		case error:
			args[i] = printers.EscapeTerminal(value.Error())
		case fmt.Stringer:
			args[i] = printers.EscapeTerminal(value.String())
		}
	}
	fmt.Fprintf(w, format, args...) //nolint:errcheck // as fmt.Printf
}

// column returns a column of a table. -o wide shows all columns.
func column(name string) metav1.TableColumnDefinition {
	return metav1.TableColumnDefinition{Name: name, Type: "string"}
}

// wideColumn returns a column of a table that only -o wide shows.
func wideColumn(name string) metav1.TableColumnDefinition {
	return metav1.TableColumnDefinition{Name: name, Type: "string", Priority: 1}
}

// row is a line of a table.
type row struct {
	cells []any
	tone  tone
}

// printTable prints a table as kubectl does, with an indent before each line.
func (s *session) printTable(columns []metav1.TableColumnDefinition, rows []row, wide bool, indent string) error {
	return s.newTable(columns, wide, indent).print(rows)
}

// table prints rows as they come, and its head before the first one. Columns keep their width, and grow.
type table struct {
	session *session
	columns []metav1.TableColumnDefinition
	indent  string
	text    bytes.Buffer
	printer printers.ResourcePrinter
	begun   bool
	// writer aligns the columns in text, and flush ends that.
	writer io.Writer
	flush  func() error
}

func (s *session) newTable(columns []metav1.TableColumnDefinition, wide bool, indent string) *table {
	t := &table{session: s, columns: columns, indent: indent, printer: printers.NewTablePrinter(printers.PrintOptions{Wide: wide})}
	writer := printers.GetNewTabWriter(&t.text)
	t.writer, t.flush = writer, writer.Flush
	return t
}

func (t *table) print(rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	printed := &metav1.Table{ColumnDefinitions: t.columns}
	var tones []tone
	if !t.begun {
		tones = []tone{plain} // of the head
	}
	for _, each := range rows {
		printed.Rows = append(printed.Rows, metav1.TableRow{Cells: each.cells})
		tones = append(tones, each.tone)
	}
	if err := errors.Join(t.printer.PrintObj(printed, t.writer), t.flush()); err != nil {
		return err
	}
	t.begun = true
	// Codes for colours would count as text in the width of a column, so the whole line gets its colour afterwards.
	for i, line := range strings.Split(strings.TrimSuffix(t.text.String(), "\n"), "\n") {
		t.session.printf("%s%s\n", t.indent, t.session.paint(tones[i], strings.TrimRight(line, " ")))
	}
	t.text.Reset()
	return nil
}

// output is the flag -o of a command that prints objects: as a table, or in the formats of kubectl get.
type output struct {
	flags *genericclioptions.PrintFlags
	// printer of the format; nil for people. It prints one object after another.
	printer printers.ResourcePrinter
}

// newOutput adds the flag -o to a command, which has these formats beside those of kubectl get. The flag is checked before the command runs.
func newOutput(command *cobra.Command, formats ...string) *output {
	o := &output{flags: genericclioptions.NewPrintFlags("").WithTypeSetter(newScheme())}
	o.flags.AddFlags(command)
	formats = append(formats, o.flags.AllowedFormats()...)
	slices.Sort(formats)
	command.Flag("output").Usage = "Output format. One of: (" + strings.Join(formats, ", ") + ")."
	complete := cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)
	if err := command.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag does not exist: a defect of the program
	}
	command.PreRunE = func(*cobra.Command, []string) (err error) {
		if o.text() || o.wide() && slices.Contains(formats, formatWide) {
			return nil
		}
		o.printer, err = o.flags.ToPrinter()
		return err
	}
	return o
}

// formatWide is a table with all columns.
const formatWide = "wide"

// text reports whether the output is for people, and not in a format that programs read.
func (o *output) text() bool {
	return *o.flags.OutputFormat == "" && *o.flags.TemplatePrinterFlags.TemplateArgument == ""
}

func (o *output) wide() bool { return *o.flags.OutputFormat == formatWide }

// table reports whether the output is a table, and whether it is a wide one.
func (o *output) table() (table, wide bool) { return o.text() || o.wide(), o.wide() }

// print prints an object, or a list, in the format of -o.
func (o *output) print(s *session, object runtime.Object) error {
	if *o.flags.OutputFormat == "name" && meta.IsListType(object) { // which this printer does not know
		return meta.EachListItem(object, func(item runtime.Object) error { return o.printer.PrintObj(item, s.Out) })
	}
	return o.printer.PrintObj(object, s.Out)
}
