// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command dashboard runs every query of the Grafana dashboard against a real Prometheus, and draws the results as a picture for the
// documentation. The Prometheus scrapes a real manager for five minutes, in which keys are rotated and things go wrong. The alert rules
// are loaded, too, and the command prints which alerts are pending or firing in the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// limit is the maximum duration of a run. If a step hangs, the run fails with an error.
const limit = 10 * time.Minute

func main() {
	picture := flag.String("picture", "docs/images/dashboard.svg", "File for the picture.")
	keep := flag.Bool("keep", false, "Keep everything running in the end until Ctrl-C.")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *picture, *keep); err != nil {
		fmt.Fprintf(os.Stderr, "dashboard: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, picture string, keep bool) (err error) {
	board, err := readBoard("config/prometheus/dashboard.json")
	if err != nil {
		return err
	}
	story, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b := &bed{}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err := b.start(story); err != nil {
		return err
	}
	if err := b.tell(story); err != nil {
		return err
	}
	drawing, err := b.draw(story, board)
	err = errors.Join(err, os.WriteFile(picture, []byte(drawing), 0o644), b.printAlerts(story))
	if keep {
		fmt.Printf("\nEverything keeps running until Ctrl-C. Prometheus: %s\n  export KUBECONFIG=%s\n  The simulators: %s\n", b.prometheus.url, b.cluster.Kubeconfig, b.simulators.URL)
		<-ctx.Done()
	}
	return err
}
