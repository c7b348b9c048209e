// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/test/cluster"
)

// manager is the operator as a process, with the addresses that it answers at.
type manager struct {
	process        *cluster.Manager
	started        time.Time
	metrics, pprof string
}

// startManager starts the binary with its default flags, its metrics endpoint on, and these.
func (w *world) startManager(ctx context.Context, arguments ...string) error {
	m := &manager{}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	arguments = append(arguments, "--metrics-bind-address="+address)
	m.metrics = "http://" + address + "/metrics"
	if w.profile {
		if address, err = freeAddress(); err != nil {
			return err
		}
		arguments = append(arguments, "--pprof-bind-address="+address)
		m.pprof = "http://" + address + "/debug/pprof/"
	}
	m.started = time.Now()
	if m.process, err = w.cluster.StartManager(ctx, w.options.manager, filepath.Join(w.directory, "manager.log"), arguments...); err != nil {
		return err
	}
	w.manager = m
	return m.poll(ctx, time.Minute, 20*time.Millisecond, func(usage) bool { return true })
}

func (w *world) stopManager() error {
	m := w.manager
	w.manager = nil
	return m.stop()
}

func (m *manager) stop() error {
	select {
	case <-m.process.Ended():
		return nil // said already where it was missed
	default:
		return m.process.Stop()
	}
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// usage is what the manager says of itself, since its start.
type usage struct {
	// CPU, seconds. Requests to the API server, passes over AccessKeys, and AccessKeys that wait for one.
	CPU      float64
	Requests int
	Passes   int
	Depth    int
	// Heap that is in use, and what the process took of the system: now and at most. Bytes.
	Heap, RSS, Peak int
}

func (m *manager) usage(ctx context.Context) (u usage, err error) {
	text, err := scrape(ctx, m.metrics)
	if err != nil {
		return u, err
	}
	for _, s := range samples(text, "process_cpu_seconds_total", "rest_client_requests_total", "controller_runtime_reconcile_total", "workqueue_depth", "go_memstats_heap_inuse_bytes") {
		switch {
		case s.name == "process_cpu_seconds_total":
			u.CPU = s.value
		case s.name == "rest_client_requests_total":
			u.Requests += int(s.value)
		case s.name == "controller_runtime_reconcile_total" && s.labels["controller"] == "accesskey":
			u.Passes += int(s.value)
		case s.name == "workqueue_depth" && s.labels["controller"] == "accesskey":
			u.Depth += int(s.value)
		case s.name == "go_memstats_heap_inuse_bytes":
			u.Heap = int(s.value)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.process.PID()))
	u.RSS, u.Peak = statusKB(string(status), "VmRSS")*1024, statusKB(string(status), "VmHWM")*1024
	return u, err
}

// statusKB reads a line of /proc/PID/status.
func statusKB(status, field string) int {
	for line := range strings.Lines(status) {
		if rest, found := strings.CutPrefix(line, field+":"); found {
			kb, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return kb
		}
	}
	return 0
}

// poll until the manager's own figures are as wanted. One that does not answer yet is not yet.
func (m *manager) poll(ctx context.Context, limit, interval time.Duration, done func(usage) bool) error {
	var last usage
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-m.process.Ended():
			return errors.New("the manager ended")
		case <-time.After(interval):
		}
		u, err := m.usage(ctx)
		if err == nil && done(u) {
			return nil
		}
		last = u
	}
	return fmt.Errorf("the manager did not come to where it should be within %s: %+v", limit, last)
}

// observed waits until a fresh manager has had a pass over each of so many AccessKeys, and none waits for one.
func (m *manager) observed(ctx context.Context, keys int) error {
	return m.poll(ctx, 5*time.Minute, 50*time.Millisecond, func(u usage) bool { return u.Passes >= keys && u.Depth == 0 })
}

// settle waits until the manager has had nothing to do for two seconds.
func (m *manager) settle(ctx context.Context) error {
	var before usage
	quiet := 0
	return m.poll(ctx, 2*time.Minute, 500*time.Millisecond, func(u usage) bool {
		quiet++
		if u.Requests != before.Requests || u.Passes != before.Passes || u.Depth > 0 {
			quiet = 0
		}
		before = u
		return quiet == 4
	})
}

// profiles of the manager while it works for about so long: the CPU's meanwhile, the memory's after it.
func (w *world) profiles(ctx context.Context, name string, seconds int, do func() error) error {
	if !w.profile {
		return do()
	}
	taken := make(chan error, 1)
	go func() { taken <- w.takeProfile(ctx, fmt.Sprintf("profile?seconds=%d", seconds), name+".cpu.pprof") }()
	err := do()
	return errors.Join(err, <-taken, w.takeProfile(ctx, "heap?gc=1", name+".heap.pprof"), w.takeProfile(ctx, "allocs", name+".allocs.pprof"))
}

func (w *world) takeProfile(ctx context.Context, what, file string) error {
	text, err := scrape(ctx, w.manager.pprof+what)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.out, file), []byte(text), 0o600)
}
