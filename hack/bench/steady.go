// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// listRoute is Qumulo's route for both: the keys of a user, and a page of all keys.
const listRoute = "GET /v1/s3/access-keys/"

// pageSize is Qumulo's.
const pageSize = 10000

// pages that the service needs to list the operator's keys.
func (r *round) pages() int { return (r.Restart.Keys + pageSize - 1) / pageSize }

type restartRun struct {
	Keys int `json:"keys"`
	// Seconds from the start of the process until each AccessKey had its first pass and none waited for one.
	Seconds    float64 `json:"seconds"`
	KubeWrites int     `json:"kubeWrites"`
	KubeReads  int     `json:"kubeReads"`
	KubeLists  int     `json:"kubeListsAndWatches"`
	// Pages of one resync, and how many were read.
	Pages    int     `json:"pages"`
	Listings int     `json:"listings"`
	Calls    int     `json:"serviceCalls"`
	CPU      float64 `json:"cpuSeconds"`
	PeakRSS  int     `json:"peakRSSBytes"`
	Kube     counts  `json:"kubeRequests"`
	Service  counts  `json:"serviceRequests"`
}

// measureRestart stops the manager and starts another one, with the default flags.
func (w *world) measureRestart(ctx context.Context, _ pattern, r *round) error {
	if err := w.stopManager(); err != nil {
		return err
	}
	run := &r.Restart
	var err error
	if run.Keys, err = w.issuedKeys(ctx); err != nil {
		return err
	}
	s, err := w.spend(ctx, func() error {
		if err := w.startManager(ctx); err != nil {
			return err
		}
		err := w.profiles(ctx, fmt.Sprintf("restart-%d", r.Keys), 5, func() error {
			err := w.manager.observed(ctx, run.Keys)
			run.Seconds = time.Since(w.manager.started).Seconds()
			return err
		})
		return errors.Join(err, w.manager.settle(ctx))
	})
	run.Kube, run.Service = s.kube, s.service
	run.KubeWrites, run.KubeReads, run.KubeLists = s.kube.writes(), s.kube.reads(), s.kube.lists()
	run.Pages, run.Listings, run.Calls = r.pages(), s.service[listRoute], s.service.sum()
	run.CPU, run.PeakRSS = s.cpu, s.after.Peak
	say("%d keys: restart took %.1f s until all were observed, %.1f s CPU, peak RSS %.0f MiB", r.Keys, run.Seconds, run.CPU, mib(run.PeakRSS))
	say("%d keys: restart: kube %s; service %s", r.Keys, run.Kube, run.Service)
	return err
}

type idleRun struct {
	Keys int `json:"keys"`
	// Seconds that were observed, and the resyncs that fell into them.
	Seconds float64 `json:"seconds"`
	Resyncs float64 `json:"resyncs"`
	// Pages of one resync.
	Pages      int `json:"pages"`
	KubeWrites int `json:"kubeWrites"`
	KubeReads  int `json:"kubeReads"`
	Listings   int `json:"listings"`
	Calls      int `json:"serviceCalls"`
	// CPUus is what a pass without a cause takes, microseconds, with its part of the resync.
	CPUus   float64 `json:"cpuMicrosecondsPerPass"`
	Passes  int     `json:"passes"`
	RSS     int     `json:"rssBytes"`
	Kube    counts  `json:"kubeRequests"`
	Service counts  `json:"serviceRequests"`
}

// measureIdle watches a manager that has nothing to do. Its clock can't be moved from outside, so it resyncs every ten
// seconds in place of every ten minutes.
func (w *world) measureIdle(ctx context.Context, _ pattern, r *round) error {
	if err := w.stopManager(); err != nil {
		return err
	}
	run := &r.Idle
	run.Keys, run.Pages = r.Restart.Keys, r.pages()
	if err := w.startManager(ctx, "--resync-period="+resync.String()); err != nil {
		return err
	}
	defer func() { _ = w.stopManager() }() // the floor comes next
	if err := w.manager.observed(ctx, run.Keys); err != nil {
		return err
	}
	start := time.Now()
	s, err := w.spend(ctx, func() error {
		return w.profiles(ctx, fmt.Sprintf("idle-%d", r.Keys), int(w.observe.Seconds())-1, func() error {
			select {
			case <-time.After(w.observe):
			case <-ctx.Done():
			}
			return ctx.Err()
		})
	})
	run.Seconds = time.Since(start).Seconds()
	run.Resyncs = run.Seconds / resync.Seconds()
	run.Kube, run.Service = s.kube, s.service
	run.KubeWrites, run.KubeReads = s.kube.writes(), s.kube.reads()
	run.Listings, run.Calls = s.service[listRoute], s.service.sum()
	run.Passes, run.RSS = s.passes, s.after.RSS
	run.CPUus = 1e6 * s.cpu / float64(max(run.Passes, 1))
	say("%d keys: idle for %.0f s at a resync of %s: %d passes at %.0f µs CPU; kube %s; service %s", r.Keys, run.Seconds, resync, run.Passes, run.CPUus, run.Kube, run.Service)
	return err
}
