// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// above marks a figure that is not what it must be.
const above = " (!)"

// row is one line of the table.
type row struct {
	what, must string
	// cell is the figure of a round, and whether it is what it must be; empty where it was not measured.
	cell func(report, round) (text string, good bool)
}

// rows in the order of the table.
var rows = []row{
	{"the floor, keys/s (mean of before and after)", "", func(_ report, r round) (string, bool) {
		texts := make([]string, 0, len(r.Floors))
		for _, f := range r.Floors {
			texts = append(texts, fmt.Sprintf("%.0f", f.KeysPerSecond))
		}
		return fmt.Sprintf("%.1f (%s)", r.floor(), strings.Join(texts, ", ")), true
	}},
	{"the operator, keys/s, apply → all Ready", "", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.1f", r.Issue.KeysPerSecond), true
	}},
	{"its rate against the floor's", "≥ 0.8; ≥ 0.75 at 10,000", func(_ report, r round) (string, bool) {
		ratio := r.Issue.KeysPerSecond / r.floor()
		return fmt.Sprintf("%.2f", ratio), ratio >= byKeys(r, 0.8, 0.75)
	}},
	{"its rate against that at 1,000 keys (the floor's)", "≥ 0.9 at 5,000", againstThousand},
	{"kube writes per key, the user's create and one event included", "≤ 6", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.2f", r.Issue.KubeWrites), r.Issue.KubeWrites <= 6.005
	}},
	{"kube reads per key, without lists and watches", "≤ 2", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.2f", r.Issue.KubeReads), r.Issue.KubeReads <= 2.005
	}},
	{"service calls per issued key", "≤ 2", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.2f", r.Issue.ServiceCalls), r.Issue.ServiceCalls <= 2.01
	}},
	{"controller CPU per key, ms", "≤ 4", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.1f", r.Issue.CPUms), r.Issue.CPUms <= 4
	}},
	{"the API server's CPU per key, ms: the floor / the operator", "", func(_ report, r round) (string, bool) {
		var floor float64
		for _, f := range r.Floors {
			floor += f.ServerCPUms / float64(len(r.Floors))
		}
		return fmt.Sprintf("%.1f / %.1f", floor, r.Issue.ServerCPUms), true
	}},
	{"replacing a key and revoking the old one: kube writes / reads", "", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.2f / %.2f", r.Rotate.KubeWrites, r.Rotate.KubeReads), true
	}},
	{"replacing a key and revoking the old one: service calls / CPU, ms", "", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.2f / %.1f", r.Rotate.ServiceCalls, r.Rotate.CPUms), true
	}},
	{"peak RSS while issuing / after a restart, MiB", "≤ 110 at 5,000; ≤ 150 at 10,000", func(_ report, r round) (string, bool) {
		peak := max(r.Issue.PeakRSS, r.Restart.PeakRSS)
		return fmt.Sprintf("%.0f / %.0f", mib(r.Issue.PeakRSS), mib(r.Restart.PeakRSS)), mib(peak) <= byKeys(r, 110, 150)
	}},
	{"idle: kube writes / reads", "0 / 0 per key", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%d / %d", r.Idle.KubeWrites, r.Idle.KubeReads), r.Idle.KubeWrites == 0 && r.Idle.KubeReads == 0
	}},
	{"idle: listings of the service per resync (pages)", "the pages", func(_ report, r round) (string, bool) {
		per := float64(r.Idle.Listings) / r.Idle.Resyncs
		return fmt.Sprintf("%.2f (%d)", per, r.Idle.Pages), per <= float64(r.Idle.Pages)+0.01
	}},
	{"idle: CPU of a pass, µs", "", func(_ report, r round) (string, bool) { return fmt.Sprintf("%.0f", r.Idle.CPUus), true }},
	{"idle: all calls of the service per resync", "≤ pages + 1", func(_ report, r round) (string, bool) {
		per := float64(r.Idle.Calls) / r.Idle.Resyncs
		return fmt.Sprintf("%.2f", per), per <= float64(r.Idle.Pages)+1.01
	}},
	{"restart: kube writes / reads", "0 / 0 per key", func(_ report, r round) (string, bool) {
		writes, reads := perKey(r.Restart.KubeWrites, r.Keys), perKey(r.Restart.KubeReads, r.Keys)
		return fmt.Sprintf("%d / %d", r.Restart.KubeWrites, r.Restart.KubeReads), writes < 0.01 && reads < 0.01
	}},
	{"restart: listings of the service (pages)", "one resync", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%d (%d)", r.Restart.Listings, r.Restart.Pages), r.Restart.Listings <= r.Restart.Pages
	}},
	{"restart: all observed after, s", "≤ 15 at 10,000", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%.1f", r.Restart.Seconds), r.Restart.Seconds <= 15
	}},
	{"stored for a key, bytes: AccessKey / Secret / event", "", func(_ report, r round) (string, bool) {
		return fmt.Sprintf("%d / %d / %d", r.Sizes.AccessKey, r.Sizes.Secret, r.Sizes.Event), true
	}},
	{"another service slow: p99 apply → Ready without / with, ms", "changes by less than a tenth", slowCell},
	{"another service slow: RSS without / with, MiB", "flat", func(_ report, r round) (string, bool) {
		if r.Slow == nil {
			return "", true
		}
		return fmt.Sprintf("%.0f / %.0f", mib(r.Slow.RSSBefore), mib(r.Slow.RSSWith)), float64(r.Slow.RSSWith) <= 1.1*float64(r.Slow.RSSBefore)
	}},
}

// byKeys is the limit up to five thousand keys, or beyond.
func byKeys(r round, few, many float64) float64 {
	if r.Keys > 5000 {
		return many
	}
	return few
}

func againstThousand(all report, r round) (string, bool) {
	at := slices.IndexFunc(all.Rounds, func(other round) bool { return other.Keys == 1000 })
	if at < 0 {
		return "", true
	}
	thousand := all.Rounds[at]
	ratio := r.Issue.KeysPerSecond / thousand.Issue.KeysPerSecond
	return fmt.Sprintf("%.2f (%.2f)", ratio, r.floor()/thousand.floor()), r.Keys != 5000 || ratio >= 0.9
}

// slowCell compares with the mean of the runs before and after.
func slowCell(_ report, r round) (string, bool) {
	if r.Slow == nil {
		return "", true
	}
	without := (r.Slow.Before.P99 + r.Slow.After.P99) / 2
	return fmt.Sprintf("%.0f, %.0f / %.0f", 1000*r.Slow.Before.P99, 1000*r.Slow.After.P99, 1000*r.Slow.With.P99), r.Slow.With.P99 < 1.1*without
}

// table has a column for each round.
func (r report) table() string {
	head := []string{"what", "must be"}
	for _, one := range r.Rounds {
		head = append(head, thousands(one.Keys))
	}
	lines := [][]string{head}
	for _, row := range rows {
		line := []string{row.what, row.must}
		for _, one := range r.Rounds {
			text, good := row.cell(r, one)
			if !good {
				text += above
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	return fmt.Sprintf("%s, on %s.\n%d clients; %s unrelated Secrets of %d KB. (!) is not what it must be.\n\n%s", r.Started.Format("2006-01-02"), r.Machine,
		r.Clients, thousands(r.Unrelated), r.UnrelatedKB, aligned(lines))
}

// aligned is a Markdown table that reads well as text.
func aligned(lines [][]string) string {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var text strings.Builder
	for at, line := range lines {
		for i, cell := range line {
			text.WriteString("| " + cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+1))
		}
		text.WriteString("|\n")
		if at == 0 {
			for i := range line {
				text.WriteString("|" + strings.Repeat("-", width[i]+2))
			}
			text.WriteString("|\n")
		}
	}
	return text.String()
}

// thousands writes 10000 as 10,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
