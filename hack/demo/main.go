// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// The demo: the operator's main job on a real API server, with the four key services simulated. It says what happens as it
// happens.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// limit on the whole demo, so that trouble shows as an error and not as silence.
const limit = 4 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context) (err error) {
	directory, err := os.MkdirTemp("", "accesskey-demo-")
	if err != nil {
		return err
	}
	d := &demo{start: time.Now(), log: filepath.Join(directory, "manager.log")}
	defer func() {
		err = errors.Join(err, d.stop())
		if err != nil {
			fmt.Printf("the manager's log is kept in %s\n", d.log)
			return
		}
		err = os.RemoveAll(directory)
	}()
	story, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := d.setUp(story); err != nil {
		return err
	}
	if err := d.tell(story); err != nil {
		return err
	}
	if os.Getenv("KEEP") == "" {
		return nil
	}
	return d.keep(ctx)
}

// keep leaves everything running with an AccessKey to look at.
func (d *demo) keep(ctx context.Context) error {
	for _, s := range d.services {
		if err := d.apply(ctx, s); err != nil {
			return err
		}
	}
	fmt.Printf(goodbye, d.cluster.Kubeconfig, d.simulators.URL, d.log)
	<-ctx.Done()
	return nil
}

// goodbye takes the kubeconfig, the admin endpoint and the manager's log.
const goodbye = `
KEEP=1: everything stays up until you press Ctrl-C. To look around:

  export KUBECONFIG=%[1]s
  kubectl get accesskeys,keyservices,secrets,events -A

What became of every key, and trouble for the operator (docs/simulators.md has more):

  curl %[2]s/keys
  curl %[2]s/faults -d '{"service": "qumulo", "effect": "answer", "parameter": "503"}'
  curl %[2]s/faults -X DELETE

The manager's log: %[3]s
`
