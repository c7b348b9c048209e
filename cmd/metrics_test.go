// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"accesskey.dev/operator/internal/controller/metrics"
)

// metric is what a descriptor says.
type metric struct {
	name, kind, help string
	labels           []string
}

// described matches the text of a prometheus.Desc, which is all that it shows.
var described = regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"),.* constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// constant matches a label with its value.
var constant = regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)

// registered returns all metrics of the operator, by name.
func registered(t *testing.T) []metric {
	t.Helper()
	var all []metric
	for _, collector := range append(collectors(), &metrics.Collector{}) {
		kind := "gauge"
		switch collector.(type) {
		case *prometheus.CounterVec:
			kind = "counter"
		case *prometheus.HistogramVec:
			kind = "histogram"
		}
		descriptions := make(chan *prometheus.Desc, 100)
		collector.Describe(descriptions)
		close(descriptions)
		for description := range descriptions {
			found := described.FindStringSubmatch(description.String())
			if found == nil {
				t.Fatalf("%s looks unlike a descriptor", description)
			}
			name, _ := strconv.Unquote(found[1])
			help, _ := strconv.Unquote(found[2])
			labels := strings.FieldsFunc(found[4], func(r rune) bool { return r == ',' })
			for _, label := range constant.FindAllStringSubmatch(found[3], -1) {
				labels = append(labels, label[1])
			}
			all = append(all, metric{name, kind, help, labels})
		}
	}
	slices.SortFunc(all, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	return all
}

// sample returns a series of a metric in Prometheus' text format.
func (m metric) sample() string {
	var text strings.Builder
	fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n", m.name, m.help, m.name, m.kind)
	labels := ""
	for _, label := range m.labels {
		labels += label + `="x",`
	}
	if m.kind != "histogram" {
		fmt.Fprintf(&text, "%s{%s} 1\n", m.name, labels)
		return text.String()
	}
	fmt.Fprintf(&text, "%s_bucket{%sle=\"+Inf\"} 1\n%s_sum{%s} 1\n%s_count{%s} 1\n", m.name, labels, m.name, labels, m.name, labels)
	return text.String()
}

func TestTheMetricsFollowTheConventionsOfPrometheus(t *testing.T) {
	for _, each := range registered(t) {
		problems, err := promlint.New(strings.NewReader(each.sample())).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", each.name, problems, err)
		}
		if !strings.HasSuffix(each.help, ".") {
			t.Errorf("the help of %s is not a sentence: %s", each.name, each.help)
		}
	}
}
