// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"accesskey.dev/operator/test/cluster"
)

// keeper keeps a manager running as a kubelet does, but restarts it at once.
type keeper struct {
	w         *world
	name      string
	arguments []string
	// ended is closed when the keeper has stopped.
	ended chan struct{}
	stop  context.CancelFunc

	mu      sync.Mutex
	manager *cluster.Manager
	log     string
	starts  int
}

// keep starts a manager and keeps it.
func (w *world) keep(ctx context.Context, name string, arguments ...string) *keeper {
	ctx, stop := context.WithCancel(ctx)
	k := &keeper{w: w, name: name, arguments: arguments, stop: stop, ended: make(chan struct{})}
	go k.run(ctx)
	return k
}

func (k *keeper) run(ctx context.Context) {
	defer close(k.ended)
	for ctx.Err() == nil {
		manager, err := k.start(ctx)
		if err != nil {
			pause(ctx, samplePeriod) // the first start needs the API server, for the token
			continue
		}
		select {
		case <-manager.Ended():
		case <-ctx.Done():
			manager.Kill()
		}
	}
}

// start runs the next manager, with a log of its own.
func (k *keeper) start(ctx context.Context) (*cluster.Manager, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	log := filepath.Join(k.w.logs, fmt.Sprintf("%s-%03d.log", k.name, k.starts))
	manager, err := k.w.plane.StartManager(ctx, k.w.binary, log, append(k.arguments, "--zap-log-level=debug")...)
	if err != nil {
		return nil, err
	}
	k.manager, k.log = manager, log
	k.starts++
	k.w.counted(func(c *counts) { c.starts++ })
	return manager, nil
}

// current returns the manager that runs, or the last one that did. It is nil before the first.
func (k *keeper) current() (manager *cluster.Manager, log string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.manager, k.log
}

// kill kills the manager that runs. The keeper starts the next one.
func (k *keeper) kill() {
	if manager, _ := k.current(); manager != nil {
		manager.Kill()
		k.w.counted(func(c *counts) { c.kills++ })
	}
}

// end kills the manager for good.
func (k *keeper) end() {
	k.stop()
	<-k.ended
}

// leads reports whether the running manager has become the leader, according to client-go's log.
func (k *keeper) leads() bool {
	manager, log := k.current()
	if manager == nil {
		return false
	}
	select {
	case <-manager.Ended():
		return false
	default:
	}
	said, err := os.ReadFile(log)
	return err == nil && bytes.Contains(said, []byte("Successfully acquired lease"))
}

// panicked returns the logs of managers that panicked.
func (w *world) panicked() []string {
	var found []string
	logs, _ := filepath.Glob(filepath.Join(w.logs, "*.log")) // the pattern is good
	for _, path := range logs {
		if said, err := os.ReadFile(path); err == nil && regexp.MustCompile("panic:|Observed a panic|fatal error:").Match(said) {
			found = append(found, path)
		}
	}
	return found
}
