// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The kubectl plugin: kubectl accesskey. Under the name kubectl_complete-accesskey, by which kubectl asks a plugin for completions, it
// completes a command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"accesskey.dev/operator/internal/cli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	arguments := os.Args[1:]
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl_complete-") {
		arguments = append([]string{cobra.ShellCompRequestCmd}, arguments...)
	}
	return cli.Run(ctx, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}, arguments)
}
