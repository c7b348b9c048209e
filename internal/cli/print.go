// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
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
	table := &metav1.Table{ColumnDefinitions: columns}
	tones := []tone{plain} // of the head
	for _, each := range rows {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: each.cells})
		tones = append(tones, each.tone)
	}
	var text bytes.Buffer
	if err := printers.NewTablePrinter(printers.PrintOptions{Wide: wide}).PrintObj(table, &text); err != nil {
		return err
	}
	// Codes for colours would count as text in the width of a column, so the whole line gets its colour afterwards.
	for i, line := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		s.printf("%s%s\n", indent, s.paint(tones[i], strings.TrimRight(line, " ")))
	}
	return nil
}

// output is the flag -o of a command that prints objects: as a table, or in the formats of kubectl get.
type output struct{ flags *genericclioptions.PrintFlags }

// newOutput adds the flag -o to a command.
func newOutput(command *cobra.Command) *output {
	o := &output{genericclioptions.NewPrintFlags("").WithTypeSetter(newScheme())}
	o.flags.AddFlags(command)
	formats := append(o.flags.AllowedFormats(), "wide")
	slices.Sort(formats)
	command.Flag("output").Usage = "Output format. One of: (" + strings.Join(formats, ", ") + ")."
	complete := cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)
	if err := command.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag does not exist: a defect of the program
	}
	return o
}

// table reports whether the output is a table, and whether it is a wide one.
func (o *output) table() (table, wide bool) {
	wide = *o.flags.OutputFormat == "wide"
	return wide || *o.flags.OutputFormat == "" && *o.flags.TemplatePrinterFlags.TemplateArgument == "", wide
}

// print prints an object, or a list, in the format of -o.
func (o *output) print(s *session, object runtime.Object) error {
	printer, err := o.flags.ToPrinter()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if *o.flags.OutputFormat == "name" && meta.IsListType(object) { // which this printer does not know
		return meta.EachListItem(object, func(item runtime.Object) error { return printer.PrintObj(item, s.Out) })
	}
	return printer.PrintObj(object, s.Out)
}
