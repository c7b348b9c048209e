// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the kubectl plugin: each file has one command of kubectl accesskey. The commands act with the rights of the person who runs
// them, and print no secret unless they are asked to.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	// exitUsage is for a command line that kubectl accesskey does not understand.
	exitUsage = 2
	// exitFound is for a check that worked and found something that a person should look at, such as orphaned keys.
	exitFound = 3
)

const exitCodes = `Exit codes: 0 done, 1 failed or timed out, 2 the command line is wrong, 3 something was found that a person should look at.`

// Run runs the command line and returns the exit code. It prints an error to the error stream.
func Run(ctx context.Context, streams genericiooptions.IOStreams, arguments []string) int {
	root := NewCommand(streams)
	accepted := false
	onRun(root, func() { accepted = true })
	root.SetArgs(arguments)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitFailed
	if coded, ok := errors.AsType[*exitError](err); ok {
		code = coded.code
	} else if !accepted { // by cobra, which checks the command line before it runs the command
		code = exitUsage
	}
	fmt.Fprintf(streams.ErrOut, "error: %s\n", strings.TrimSpace(explain(err).Error())) //nolint:errcheck // there is nobody left to tell
	if code == exitUsage {
		fmt.Fprintf(streams.ErrOut, "See '%s --help'.\n", command.CommandPath()) //nolint:errcheck // there is nobody left to tell
	}
	return code
}

// onRun lets a command and those below it call a function when they begin to run.
func onRun(command *cobra.Command, begin func()) {
	if run := command.RunE; run != nil {
		command.RunE = func(c *cobra.Command, args []string) error {
			begin()
			return run(c, args)
		}
	}
	for _, child := range command.Commands() {
		onRun(child, begin)
	}
}

// NewCommand returns kubectl accesskey with all of its commands.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &session{IOStreams: streams, config: genericclioptions.NewConfigFlags(true).WithWrapConfigFn(markUnanswered), clock: clock.RealClock{}}
	root := &cobra.Command{
		Use:   "kubectl-accesskey",
		Short: "Look after access keys: see what is next, rotate them, check the key services",
		Long: `kubectl accesskey looks after the access keys that accesskey-operator manages.

It acts with the rights of your kubeconfig, and prints no secret unless you ask it to.

` + exitCodes,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl accesskey"},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}, // kubectl completes its plugins, see docs/cli.md
		SilenceErrors:     true,
		SilenceUsage:      true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetUsageTemplate(usageTemplate)
	s.config.AddFlags(root.PersistentFlags())
	s.completeFlags(root)
	root.AddCommand(
		newListCommand(s),
		newStatusCommand(s),
		newRenewCommand(s),
		newCompromisedCommand(s),
		newSuspendCommand(s),
		newResumeCommand(s),
		newKeysCommand(s),
		newCheckCommand(s),
		newExportCommand(s),
		newImportCommand(s),
		newReleaseCommand(s),
		newVersionCommand(s),
	)
	return root
}

// usageTemplate is cobra's, except that it names the flags of kubectl only by example, as kubectl itself does.
const usageTemplate = `Usage:
{{- if .Runnable}}
  {{.UseLine}}{{end}}
{{- if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND

Commands:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}
{{- if .HasExample}}

Examples:
{{.Example}}{{end}}
{{- if and .HasParent .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}

The flags of kubectl work, too, such as --namespace, --context and --as (see "kubectl options").
`
