// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	_ "sigs.k8s.io/controller-runtime/pkg/manager" // registers the metrics of controllers, queues and the leader election
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/internal/controller/metrics"
)

// descriptor matches the text of a prometheus.Desc.
var descriptor = regexp.MustCompile(`^Desc\{fqName: "(\w+)".* variableLabels: \{(.*)\}\}$`)

// exported returns the labels of every metric that the manager exports, by name.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	descriptions := make(chan *prometheus.Desc, 1000)
	for _, collector := range append(controller.Collectors(), &metrics.Collector{}) {
		collector.Describe(descriptions)
	}
	ctrlmetrics.Registry.(prometheus.Collector).Describe(descriptions)
	close(descriptions)
	found := map[string][]string{}
	for description := range descriptions {
		parts := descriptor.FindStringSubmatch(description.String())
		if parts == nil {
			t.Fatalf("%s looks unlike a descriptor", description)
		}
		found[parts[1]] = strings.FieldsFunc(parts[2], func(r rune) bool { return r == ',' })
	}
	return found
}

var (
	inputSeries = regexp.MustCompile(`^(\w+)\{(.*)\}$`)
	labelName   = regexp.MustCompile(`(\w+)="`)
	// targetLabels are those that Prometheus adds and that the cases use.
	targetLabels = []string{"pod", "namespace"}
)

// TestTheCasesHaveTheSeriesOfTheManager makes sure that an alert which fires in a case can fire in a cluster.
func TestTheCasesHaveTheSeriesOfTheManager(t *testing.T) {
	known := exported(t)
	for path, file := range cases(t) {
		for _, test := range file.Tests {
			for _, input := range test.InputSeries {
				parts := inputSeries.FindStringSubmatch(input.Series)
				if parts == nil {
					t.Fatalf("%s: %s looks unlike a series", path, input.Series)
				}
				labels, ok := known[parts[1]]
				if !ok {
					t.Errorf("%s: the manager exports no metric %s", path, parts[1])
				}
				var has []string
				for _, label := range labelName.FindAllStringSubmatch(parts[2], -1) {
					has = append(has, label[1])
					if !slices.Contains(labels, label[1]) && !slices.Contains(targetLabels, label[1]) {
						t.Errorf("%s: %s has no label %s", path, parts[1], label[1])
					}
				}
				for _, label := range labels {
					if !slices.Contains(has, label) {
						t.Errorf("%s: %s lacks the label %s", path, input.Series, label)
					}
				}
			}
		}
	}
}

// ownMetric matches what looks like a metric of the manager in a query.
var ownMetric = regexp.MustCompile(`\b(?:accesskey|keyservice|leader_election|controller_runtime|workqueue|process|go)_\w+`)

// histogram is how the names of a histogram's series end.
var histogram = regexp.MustCompile(`_(bucket|sum|count)$`)

func TestTheDashboardUsesMetricsOfTheManager(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(configuration, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	known := exported(t)
	used := 0
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			names := ownMetric.FindAllString(target.Expr, -1)
			if len(names) == 0 {
				t.Errorf("%s: no metric in %s", panel.Title, target.Expr)
			}
			for _, name := range names {
				_, ok := known[name]
				_, isHistogram := known[histogram.ReplaceAllString(name, "")]
				if !ok && !isHistogram {
					t.Errorf("%s: the manager exports no metric %s", panel.Title, name)
				}
				used++
			}
		}
	}
	if used < 25 {
		t.Errorf("found only %d metrics", used)
	}
}
