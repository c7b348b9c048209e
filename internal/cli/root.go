// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the kubectl plugin: each file has one command of kubectl accesskey. The commands act with the rights of the person who runs
// them, and print no secret unless they are asked to.
package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
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

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// session is what the commands share: the connection to the API server, the streams and the clock.
type session struct {
	genericiooptions.IOStreams
	config *genericclioptions.ConfigFlags
	clock  clock.Clock
}

// Run runs the command line and returns the exit code. It prints an error to the error stream.
func Run(ctx context.Context, streams genericiooptions.IOStreams, arguments []string) int {
	command := NewCommand(streams)
	command.SetArgs(arguments)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(streams.ErrOut, "error: %v\n", err) //nolint:errcheck // there is nobody left to tell
	var coded *exitError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitFailed
}

// NewCommand returns kubectl accesskey with all of its commands.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &session{IOStreams: streams, config: genericclioptions.NewConfigFlags(true), clock: clock.RealClock{}}
	root := &cobra.Command{
		Use:           "kubectl accesskey",
		Short:         "Look after access keys: see what is next, rotate, check the key services",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl accesskey"},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	s.config.AddFlags(root.PersistentFlags())
	return root
}

// client returns a client of the API server, with the user's own rights.
func (s *session) client() (client.WithWatch, error) {
	config, err := s.config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// namespace returns the namespace of the command line, or of the kubeconfig.
func (s *session) namespace() (string, error) {
	namespace, _, err := s.config.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// now returns the time in UTC.
func (s *session) now() time.Time { return s.clock.Now().UTC() }
