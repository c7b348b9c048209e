// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The bench measures what the operator needs, as a process on a real API server, to issue and to keep many keys. Beside it, it
// measures what the same writes and calls need without a controller. docs/performance.md explains the figures.
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
	"runtime"
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
	verify    bool
	manager   string
	generator string
	out       string
}

func parse(arguments []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	sizes := flags.String("sizes", "1000,5000", "Numbers of AccessKeys, separated by commas. Each is a round on its own control plane.")
	flags.IntVar(&o.clients, "clients", 16, "Clients that create the AccessKeys, and workers of the floor.")
	flags.IntVar(&o.unrelated, "unrelated-secrets", 5000, "Secrets in the cluster that have nothing to do with the operator.")
	flags.IntVar(&o.unrelKB, "unrelated-size", 100, "Size of each of them, in KB.")
	flags.DurationVar(&o.observe, "observe", time.Minute, "How long the idle operator is observed, at a resync period of 10s.")
	flags.BoolVar(&o.slow, "slow", true, "Measure in the first round how a slow service affects the others.")
	flags.BoolVar(&o.verify, "verify", true, "Measure in the first round what keys take that are verified at an S3 server.")
	flags.StringVar(&o.manager, "manager", "bin/manager", "The manager's binary.")
	flags.StringVar(&o.generator, "generator", "bin/generator", "The binary of the yardstick.")
	flags.StringVar(&o.out, "out", "bin/bench", "Folder for bench.txt.")
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
	log.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	head := fmt.Sprintf("%s, on %s.\n%d clients; %s unrelated Secrets of %d KB. (!) misses its target.\n\n",
		time.Now().UTC().Format(time.DateOnly), machine(), o.clients, thousands(o.unrelated), o.unrelKB)
	var rounds rounds
	for i, size := range o.sizes {
		one, err := runRound(ctx, o, size, i == 0)
		if err != nil {
			return fmt.Errorf("%d keys: %w", size, err)
		}
		rounds = append(rounds, one)
		// Written after each round, so that an interrupted run leaves something.
		if err := os.WriteFile(filepath.Join(o.out, "bench.txt"), []byte(head+rounds.table()+"\n"+rounds.model()), 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("\n%s%s\n%s\n", head, rounds.table(), rounds.model())
	return nil
}

// machine describes the computer.
func machine() string {
	model, memory := "unknown processor", ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		memory = fmt.Sprintf(", %.0f GiB of memory", float64(statusKB(string(text), "MemTotal"))/(1<<20))
	}
	return fmt.Sprintf("%s, %d processors%s, %s/%s, %s", model, runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// say prints progress.
func say(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, arguments...))
}
