// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The bench: what it takes the operator, as a process of its own against a real API server, to issue and to keep many keys,
// beside what the same writes and calls take without any controller. docs/performance.md explains what it measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// options are the flags.
type options struct {
	sizes     []int
	clients   int
	unrelated int
	unrelKB   int
	observe   time.Duration
	slow      bool
	names     bool
	manager   string
	out       string
	profile   bool
	show      string
}

func parse(arguments []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	sizes := flags.String("sizes", "1000,5000", "Numbers of AccessKeys, separated by commas; each is a round on a control plane of its own.")
	flags.IntVar(&o.clients, "clients", 16, "Clients that make the AccessKeys, and workers of the floor.")
	flags.IntVar(&o.unrelated, "unrelated-secrets", 5000, "Secrets that are in the cluster and have nothing to do with the operator.")
	flags.IntVar(&o.unrelKB, "unrelated-size", 100, "Size of each of them, KB.")
	flags.DurationVar(&o.observe, "observe", time.Minute, "How long the operator is observed when it has nothing to do, at a resync period of 10s.")
	flags.BoolVar(&o.slow, "slow", true, "Measure what a slow service does to the others, in the first round.")
	flags.BoolVar(&o.names, "names", false, "Write users by name in place of auth_id, which Qumulo is asked for once per user.")
	flags.StringVar(&o.manager, "manager", "bin/manager", "The manager's binary.")
	flags.StringVar(&o.out, "out", "bin/bench", "Folder for bench.json, bench.svg, the table and the profiles.")
	flags.BoolVar(&o.profile, "profile", false, "Take profiles of the manager while it issues keys, by its --pprof-bind-address. They cost time: the figures are then not to be quoted.")
	flags.StringVar(&o.show, "show", "", "A bench.json of an earlier run to show again, with nothing measured.")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || size < 1 {
			return o, fmt.Errorf("--sizes: %q is not a number of AccessKeys", text)
		}
		o.sizes = append(o.sizes, size)
	}
	if o.clients < 1 || o.unrelated < 0 || o.unrelKB < 1 || o.observe < 2*resync {
		return o, fmt.Errorf("--clients and --unrelated-size must be at least 1, --observe at least %s", 2*resync)
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, arguments []string) error {
	o, err := parse(arguments)
	if err != nil {
		return err
	}
	if o.show != "" {
		return show(o.show)
	}
	log.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	result := report{Machine: machine(), Started: time.Now().UTC().Truncate(time.Second), Unrelated: o.unrelated, UnrelatedKB: o.unrelKB, Clients: o.clients}
	for i, size := range o.sizes {
		one, err := runRound(ctx, o, size, o.slow && i == 0)
		if err != nil {
			return fmt.Errorf("%d keys: %w", size, err)
		}
		result.Rounds = append(result.Rounds, one)
		if err := result.write(o.out); err != nil { // after each, so that an interrupted run leaves something
			return err
		}
	}
	fmt.Printf("\n%s\nAlso in %s: bench.json, bench.svg\n", result.text(), filepath.Clean(o.out))
	return nil
}

// say prints what happens as it happens.
func say(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, arguments...))
}
