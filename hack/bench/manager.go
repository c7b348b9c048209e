// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/simulator"
)

// manager is the operator as a process, and the URL of its metrics.
type manager struct {
	process *cluster.Manager
	started time.Time
	metrics string
}

// startManager starts the binary with its default flags, a metrics endpoint, and more arguments.
func (w *world) startManager(ctx context.Context, arguments ...string) error {
	return w.startProcess(ctx, w.options.manager, arguments...)
}

func (w *world) startProcess(ctx context.Context, binary string, arguments ...string) error {
	address, err := simulator.FreeAddress()
	if err != nil {
		return err
	}
	// The manager writes and compresses only what the bench reads, so that it hardly measures itself.
	query := url.Values{"name[]": usageMetrics}
	m := &manager{metrics: "http://" + address + "/metrics?" + query.Encode(), started: time.Now()}
	arguments = append(arguments, "--metrics-bind-address="+address, "--metrics-secure=false")
	if m.process, err = w.cluster.StartManager(ctx, binary, filepath.Join(w.directory, "manager.log"), arguments...); err != nil {
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
		return nil // poll has reported it
	default:
		return m.process.Stop()
	}
}

// usage is what the manager reports about itself since its start.
type usage struct {
	cpu float64 // seconds
	// requests to the API server, reconciles of AccessKeys, and AccessKeys in the work queue.
	requests, passes, depth int
	// probes are requests to the data plane.
	probes int
	// rss and peak are the memory of the process, now and at most, and binary is what the pages of its binary take of it now. Bytes.
	rss, peak, binary int
}

// usageMetrics are the metrics that usage is read from.
var usageMetrics = []string{
	"process_cpu_seconds_total", "rest_client_requests_total", "controller_runtime_reconcile_total", "workqueue_depth", "accesskey_service_requests_total",
}

func (m *manager) usage(ctx context.Context) (u usage, err error) {
	text, err := scrape(ctx, m.metrics)
	if err != nil {
		return u, err
	}
	for _, s := range samples(text, usageMetrics...) {
		switch {
		case s.name == "process_cpu_seconds_total":
			u.cpu = s.value
		case s.name == "rest_client_requests_total":
			u.requests += int(s.value)
		case s.name == "controller_runtime_reconcile_total" && s.labels["controller"] == "accesskey":
			u.passes += int(s.value)
		case s.name == "accesskey_service_requests_total" && s.labels["backend"] == "s3":
			u.probes += int(s.value)
		case s.name == "workqueue_depth" && s.labels["controller"] == "accesskey":
			u.depth += int(s.value)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.process.PID()))
	u.rss, u.peak, u.binary = statusKB(string(status), "VmRSS")*1024, statusKB(string(status), "VmHWM")*1024, statusKB(string(status), "RssFile")*1024
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

// poll until the usage of the manager is as wanted.
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
	return fmt.Errorf("the manager is not where it should be after %s: %+v", limit, last)
}

// observed waits until a fresh manager has reconciled so many AccessKeys, and its queue is empty.
func (m *manager) observed(ctx context.Context, keys int) error {
	return m.poll(ctx, 5*time.Minute, 50*time.Millisecond, func(u usage) bool { return u.passes >= keys && u.depth == 0 })
}

// settle waits until the manager has had nothing to do for two seconds.
func (m *manager) settle(ctx context.Context) error {
	var before usage
	quiet := 0
	return m.poll(ctx, 2*time.Minute, 500*time.Millisecond, func(u usage) bool {
		quiet++
		if u.requests != before.requests || u.passes != before.passes || u.depth > 0 {
			quiet = 0
		}
		before = u
		return quiet == 4
	})
}
