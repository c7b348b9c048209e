// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The kubectl plugin: kubectl accesskey.
package main

import (
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	ctrl "sigs.k8s.io/controller-runtime"

	"accesskey.dev/operator/internal/cli"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(cli.Run(ctrl.SetupSignalHandler(), streams, os.Args[1:]))
}
