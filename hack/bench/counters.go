// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sample is one line of Prometheus' text format.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

var (
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)`)
	labelPair  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
)

// samples returns the lines of the metrics with these names.
func samples(text string, names ...string) []sample {
	var found []sample
	for line := range strings.Lines(text) {
		match := sampleLine.FindStringSubmatch(line)
		if match == nil || !slices.Contains(names, match[1]) {
			continue
		}
		value, err := strconv.ParseFloat(match[3], 64)
		if err != nil {
			continue
		}
		labels := map[string]string{}
		for _, pair := range labelPair.FindAllStringSubmatch(match[2], -1) {
			labels[pair[1]] = pair[2]
		}
		found = append(found, sample{match[1], labels, value})
	}
	return found
}

// counts are requests by verb and resource, such as "PATCH accesskeys/status", or by route.
type counts map[string]int

func (c counts) since(before counts) counts {
	changed := counts{}
	for what, n := range c {
		if n != before[what] {
			changed[what] = n - before[what]
		}
	}
	return changed
}

// sum of those that begin with one of the beginnings, or of all if there are none.
func (c counts) sum(beginnings ...string) int {
	all := 0
	for what, n := range c {
		fits := len(beginnings) == 0
		for _, beginning := range beginnings {
			fits = fits || strings.HasPrefix(what, beginning)
		}
		if fits {
			all += n
		}
	}
	return all
}

func (c counts) writes() int { return c.sum("POST ", "PUT ", "PATCH ", "APPLY ", "DELETE") }

func (c counts) dryRuns() int { return c.sum("DRY-RUN ") }

// reads are those of single objects, without lists and watches.
func (c counts) reads() int { return c.sum("GET ") }

func (c counts) String() string {
	parts := make([]string, 0, len(c))
	for _, what := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%d %s", c[what], what))
	}
	return strings.Join(parts, ", ")
}

// reading is the requests to the API server and to Qumulo so far, and the API server's CPU time in seconds.
type reading struct {
	kube, service counts
	serverCPU     float64
}

func (r reading) since(before reading) reading {
	return reading{r.kube.since(before.kube), r.service.since(before.service), r.serverCPU - before.serverCPU}
}

func (w *world) read(ctx context.Context) (r reading, err error) {
	text, err := w.server.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return r, err
	}
	r.kube = kubeCounts(string(text))
	for _, s := range samples(string(text), "process_cpu_seconds_total") {
		r.serverCPU = s.value
	}
	calls, err := w.simulators.Calls(ctx)
	r.service = calls["qumulo"]
	return r, err
}

// kubeCounts are the requests for objects of the kinds that the operator handles, whoever sent them.
func kubeCounts(metrics string) counts {
	all := counts{}
	for _, s := range samples(metrics, "apiserver_request_total") {
		resource := s.labels["resource"]
		if !slices.Contains([]string{"accesskeys", "keyservices", "clusterkeyservices", "secrets", "events"}, resource) {
			continue
		}
		if sub := s.labels["subresource"]; sub != "" {
			resource += "/" + sub
		}
		verb := s.labels["verb"]
		if s.labels["dry_run"] != "" { // it writes nothing
			verb = "DRY-RUN"
		}
		all[verb+" "+resource] += int(s.value)
	}
	return all
}

func scrape(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it is only read
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return string(text), err
}
