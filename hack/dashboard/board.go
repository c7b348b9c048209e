// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// board is what this command reads of a Grafana dashboard.
type board struct {
	Title  string  `json:"title"`
	Panels []panel `json:"panels"`
}

type panel struct {
	Type, Title string
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct {
		Defaults struct {
			Unit   string
			Max    *float64
			Custom struct {
				DrawStyle string
				Stacking  struct{ Mode string }
			}
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
			Mappings []struct {
				Options map[string]struct{ Color string }
			}
		}
		Overrides []struct {
			Matcher    struct{ Options string }
			Properties []struct {
				Value struct{ FixedColor string }
			}
		}
	}
	Transformations []struct {
		Options struct{ IndexByName map[string]int }
	}
	Targets []struct {
		Expr, LegendFormat string
		Instant            bool
	}
}

// mayBeEmpty are the panels whose queries need not return data in the story.
var mayBeEmpty = map[string]string{
	"Age of open operations": "most operations take less time than there is between two scrapes",
}

func readBoard(path string) (read board, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return read, err
	}
	return read, json.Unmarshal(text, &read)
}

// result is a series of a panel with its legend.
type result struct {
	series

	legend string
}

// ask runs the queries of a panel, as Grafana does.
func (b *bed) ask(ctx context.Context, p panel, from, to time.Time) (found []result, err error) {
	for _, target := range p.Targets {
		query := strings.NewReplacer("$__rate_interval", "8s", "$namespace", ".*").Replace(target.Expr)
		var answer []series
		if target.Instant {
			answer, err = b.prometheus.instant(ctx, query, to)
		} else {
			answer, err = b.prometheus.rangeOf(ctx, query, from, to)
		}
		if err != nil {
			return nil, err
		}
		if _, ok := mayBeEmpty[p.Title]; len(answer) == 0 && !ok {
			return nil, fmt.Errorf("panel %q: no data for %s", p.Title, query)
		}
		for _, each := range answer {
			found = append(found, result{each, legend(target.LegendFormat, each.Labels)})
		}
	}
	return found, nil
}

var placeholder = regexp.MustCompile(`\{\{ *(\w+) *\}\}`)

// legend fills the labels of a series into a format.
func legend(format string, labels map[string]string) string {
	return placeholder.ReplaceAllStringFunc(format, func(found string) string { return labels[placeholder.FindStringSubmatch(found)[1]] })
}

// draw runs the query of every panel, and returns the picture. It fails if a query that should return data returns none.
func (b *bed) draw(ctx context.Context, read board) (string, error) {
	to := time.Now()
	from := to.Add(-length)
	drawing := newPicture(read, from, to)
	var errs []error
	queries := 0
	for _, p := range read.Panels {
		found, err := b.ask(ctx, p, from, to)
		errs = append(errs, err)
		queries += len(p.Targets)
		if len(p.Targets) > 0 && len(found) == 0 && err == nil {
			b.say("panel %q is empty: %s", p.Title, mayBeEmpty[p.Title])
		}
		drawing.panel(p, found)
	}
	b.say("Prometheus answered the %d queries of the dashboard", queries)
	return drawing.String(), errors.Join(errs...)
}

// printAlerts prints the alerts that are pending or firing.
func (b *bed) printAlerts(ctx context.Context) error {
	var data struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	if err := b.prometheus.get(ctx, "alerts", &data); err != nil {
		return err
	}
	for _, alert := range data.Alerts {
		name := alert.Labels["alertname"]
		delete(alert.Labels, "alertname")
		fmt.Printf("%-28s %-8s %s\n", name, alert.State, strings.TrimPrefix(fmt.Sprint(alert.Labels), "map"))
	}
	return nil
}
