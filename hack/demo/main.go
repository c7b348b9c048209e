// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the operator's main job on a real API server with simulated key services. It prints each step as it
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

// limit is the maximum duration of the demo. If a step hangs, the demo fails with an error.
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
			fmt.Printf("The log of the manager is in %s\n", d.log)
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

// keep applies the samples again and waits for Ctrl-C.
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

// goodbye is a format for the kubeconfig, the URL of the admin endpoint and the log of the manager.
const goodbye = `
KEEP=1: everything keeps running until you press Ctrl-C. To look around:

  export KUBECONFIG=%[1]s
  kubectl get accesskeys,keyservices,secrets,events -A

To list every key that was ever created, to make Qumulo fail, and to end the failure (see docs/simulators.md):

  curl %[2]s/keys
  curl %[2]s/faults -d '{"service": "qumulo", "effect": "answer", "parameter": "503"}'
  curl %[2]s/faults -X DELETE

The log of the manager: %[3]s
`
