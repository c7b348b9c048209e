// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report counts what the consumers of the test were answered by the S3 server.
package report

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Report is the answer to one request of a consumer.
type Report struct {
	Consumer    string `json:"consumer"`
	Pod         string `json:"pod"`
	AccessKeyID string `json:"accessKeyID"`
	// Took is how long the request took.
	Took time.Duration `json:"took"`
	// Error is empty if the S3 server listed the bucket.
	Error string `json:"error,omitempty"`
}

// Counts are the answers to the requests of one consumer.
type Counts struct {
	// Answered and Failed are numbers of requests. A request that the S3 server refused has failed.
	Answered, Failed int
	// Keys are the access key IDs that were used, in the order of their first use. Pods are the Pods of the consumer.
	Keys, Pods []string
	// Failures are the failed requests.
	Failures []Report
	// Slowest is how long the slowest answer took, and LongestPause is the longest time between two answers.
	Slowest, LongestPause time.Duration

	last time.Time
}

// Collector receives reports by HTTP. The zero value is ready to use.
type Collector struct {
	mu     sync.Mutex
	counts map[string]*Counts
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var report Report
	if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.add(report, time.Now())
}

func (c *Collector) add(report Report, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]*Counts{}
	}
	counts := c.counts[report.Consumer]
	if counts == nil {
		counts = &Counts{last: now}
		c.counts[report.Consumer] = counts
	}
	if !slices.Contains(counts.Keys, report.AccessKeyID) {
		counts.Keys = append(counts.Keys, report.AccessKeyID)
	}
	if !slices.Contains(counts.Pods, report.Pod) {
		counts.Pods = append(counts.Pods, report.Pod)
	}
	if report.Error != "" {
		counts.Failed++
		counts.Failures = append(counts.Failures, report)
		return
	}
	counts.Answered++
	counts.Slowest = max(counts.Slowest, report.Took)
	counts.LongestPause = max(counts.LongestPause, now.Sub(counts.last))
	counts.last = now
}

// Consumers returns the names of the consumers that have reported, sorted.
func (c *Collector) Consumers() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.counts))
}

// Counts returns the counts of a consumer.
func (c *Collector) Counts(consumer string) Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	if counts := c.counts[consumer]; counts != nil {
		return *counts
	}
	return Counts{}
}
