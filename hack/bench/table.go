// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// missed marks a figure that misses its target.
const missed = " (!)"

type rounds []round

// row is one line of the table.
type row struct {
	what, target string
	// cell is the figure of a round, and whether it meets the target. It is empty where nothing was measured.
	cell func(rounds, round) (text string, good bool)
}

// rows in the order of the table.
var rows = []row{
	{"the floor, keys/s (mean of before and after)", "", func(_ rounds, r round) (string, bool) {
		texts := make([]string, 0, len(r.floors))
		for _, f := range r.floors {
			texts = append(texts, fmt.Sprintf("%.0f", f.perSecond))
		}
		return fmt.Sprintf("%.1f (%s)", r.floor(), strings.Join(texts, ", ")), true
	}},
	{"the yardstick, keys/s; its CPU per key, ms; its peak RSS, MiB", "", func(_ rounds, r round) (string, bool) {
		y := r.yardstick
		return fmt.Sprintf("%.1f; %.1f; %.0f", y.perSecond, 1000*y.cpu/float64(r.keys), mib(y.peak)), true
	}},
	plain("the operator, keys/s, apply → all Ready", "%.1f", func(r round) float64 { return r.issue.perSecond }),
	{"its rate against the floor's", "≥ 0.8; ≥ 0.75 at 10,000", func(_ rounds, r round) (string, bool) {
		ratio := r.issue.perSecond / r.floor()
		return fmt.Sprintf("%.2f", ratio), ratio >= byKeys(r, 0.8, 0.8, 0.75)
	}},
	{"its rate against that at 1,000 keys (the floor's)", "≥ 0.9 at 5,000", againstThousand},
	atMost("kube writes per key, the user's create included", "%.2f", 4, func(r round) float64 { return perKey(r.issue.kube.writes(), r.keys) }),
	atMost("kube dry runs per key", "%.2f", 1, func(r round) float64 { return perKey(r.issue.kube.dryRuns(), r.keys) }),
	atMost("kube reads per key, without lists and watches", "%.2f", 0.1, func(r round) float64 { return perKey(r.issue.kube.reads(), r.keys) }),
	atMost("service calls per issued key", "%.2f", 2, func(r round) float64 { return perKey(r.issue.service.sum(), r.keys) }),
	{"controller CPU per key, ms", "≤ 3 at 1,000; ≤ 3.5 at 5,000", func(_ rounds, r round) (string, bool) {
		took := 1000 * r.issue.cpu / float64(r.keys)
		return fmt.Sprintf("%.1f", took), took <= byKeys(r, 3, 3.5, 3.5)
	}},
	{"the API server's CPU per key, ms: the floor / the operator", "", func(_ rounds, r round) (string, bool) {
		var floor float64
		for _, f := range r.floors {
			floor += 1000 * f.serverCPU / float64(r.keys*len(r.floors))
		}
		return fmt.Sprintf("%.1f / %.1f", floor, 1000*r.issue.serverCPU/float64(r.keys)), true
	}},
	{"the API server's CPU for a status patch, ms: with the CRD's rules / without", "", func(_ rounds, r round) (string, bool) {
		if r.rules == nil {
			return "", true
		}
		return fmt.Sprintf("%.2f / %.2f", r.rules.with, r.rules.without), true
	}},
	{"rotating a key and revoking the old one: kube writes, the user's included / reads", "≤ 6 / 2", func(_ rounds, r round) (string, bool) {
		writes, reads := r.perRotation(r.rotate.kube.writes()), r.perRotation(r.rotate.kube.reads())
		return fmt.Sprintf("%.2f / %.2f", writes, reads), writes <= 6.005 && reads <= 2.005
	}},
	{"rotating a key and revoking the old one: service calls / CPU, ms", "", func(_ rounds, r round) (string, bool) {
		return fmt.Sprintf("%.2f / %.1f", r.perRotation(r.rotate.service.sum()), r.cpuOfRotation()), true
	}},
	{"peak RSS while issuing / after a restart, MiB", "≤ 60 at 1,000; ≤ 100 at 5,000; ≤ 190 at 10,000", func(_ rounds, r round) (string, bool) {
		return fmt.Sprintf("%.0f / %.0f", mib(r.issue.peak), mib(r.restart.peak)), mib(r.peak()) <= byKeys(r, 60, 100, 190)
	}},
	{"of that, pages of the binary: the operator / the yardstick, MiB", "", func(_ rounds, r round) (string, bool) {
		return fmt.Sprintf("%.0f / %.0f", mib(r.issue.binary), mib(r.yardstick.binary)), true
	}},
	{"idle: kube writes / reads", "0 / 0", func(_ rounds, r round) (string, bool) {
		writes, reads := r.idle.kube.writes(), r.idle.kube.reads()
		return fmt.Sprintf("%d / %d", writes, reads), writes == 0 && reads == 0
	}},
	{"idle: lists of the service per resync (pages)", "the pages", func(_ rounds, r round) (string, bool) {
		per := float64(r.idle.service[listRoute]) / r.resyncs()
		return fmt.Sprintf("%.2f (%d)", per, r.pages()), per <= float64(r.pages())+0.01
	}},
	plain("idle: CPU of a pass, µs", "%.0f", round.cpuOfPass),
	{"idle: all calls of the service per resync", "≤ pages + 1", func(_ rounds, r round) (string, bool) {
		per := float64(r.idle.service.sum()) / r.resyncs()
		return fmt.Sprintf("%.2f", per), per <= float64(r.pages())+1.01
	}},
	{"restart: kube writes / reads", "0 / 0 per key", func(_ rounds, r round) (string, bool) {
		writes, reads := r.restart.kube.writes(), r.restart.kube.reads()
		return fmt.Sprintf("%d / %d", writes, reads), perKey(writes, r.keys) < 0.01 && perKey(reads, r.keys) < 0.01
	}},
	{"restart: lists of the service (pages)", "one resync", func(_ rounds, r round) (string, bool) {
		return fmt.Sprintf("%d (%d)", r.restart.service[listRoute], r.pages()), r.restart.service[listRoute] <= r.pages()
	}},
	atMost("restart: all observed after, s", "%.1f", 15, func(r round) float64 { return r.restart.seconds }),
	{"stored, bytes: AccessKey / Secret / event of a rotation", "", func(_ rounds, r round) (string, bool) {
		return fmt.Sprintf("%d / %d / %d", r.sizes.accessKey, r.sizes.secret, r.sizes.event), true
	}},
	{"a verified key: kube writes / dry runs / reads", "≤ 4 / 2 / 0", func(_ rounds, r round) (string, bool) {
		if r.verified == nil {
			return "", true
		}
		kube := r.verified.kube
		writes, dryRuns, reads := perKey(kube.writes(), verifiedKeys), perKey(kube.dryRuns(), verifiedKeys), perKey(kube.reads(), verifiedKeys)
		return fmt.Sprintf("%.2f / %.2f / %.2f", writes, dryRuns, reads), writes <= 4.005 && dryRuns <= 2.005 && reads <= 0.005
	}},
	{"a verified key: requests to the data plane", "≤ 1", func(_ rounds, r round) (string, bool) {
		if r.verified == nil {
			return "", true
		}
		probes := perKey(r.verified.probes, verifiedKeys)
		return fmt.Sprintf("%.2f", probes), probes <= 1.005
	}},
	{"another service slow: p99 apply → Ready without / with, ms", "at most twice", func(_ rounds, r round) (string, bool) {
		if r.slow == nil {
			return "", true
		}
		before, with, after := 1000*r.slow.before.p99, 1000*r.slow.with.p99, 1000*r.slow.after.p99
		return fmt.Sprintf("%.0f, %.0f / %.0f", before, after, with), with <= before+after
	}},
	{"another service slow: RSS without / with, MiB", "flat", func(_ rounds, r round) (string, bool) {
		if r.slow == nil {
			return "", true
		}
		return fmt.Sprintf("%.0f / %.0f", mib(r.slow.rssBefore), mib(r.slow.rssWith)), float64(r.slow.rssWith) <= 1.1*float64(r.slow.rssBefore)
	}},
}

// plain is a row without a target, atMost one with a limit.
func plain(what, format string, figure func(round) float64) row {
	return row{what, "", func(_ rounds, r round) (string, bool) { return fmt.Sprintf(format, figure(r)), true }}
}

func atMost(what, format string, limit float64, figure func(round) float64) row {
	return row{what, fmt.Sprintf("≤ %g", limit), func(_ rounds, r round) (string, bool) {
		return fmt.Sprintf(format, figure(r)), figure(r) <= limit+0.005
	}}
}

func perKey(n, keys int) float64 { return float64(n) / float64(keys) }

func mib(bytes int) float64 { return float64(bytes) / (1 << 20) }

// floor is the mean of a round's floors, in keys per second.
func (r round) floor() float64 {
	all := 0.0
	for _, f := range r.floors {
		all += f.perSecond
	}
	return all / float64(max(len(r.floors), 1))
}

func (r round) perRotation(n int) float64 { return perKey(n, min(r.keys, mostRotated)) }

func (r round) cpuOfRotation() float64 {
	return 1000 * r.rotate.cpu / float64(min(r.keys, mostRotated))
}

// cpuOfPass is what an idle pass takes, with its part of the resync. Microseconds.
func (r round) cpuOfPass() float64 { return 1e6 * r.idle.cpu / float64(max(r.idle.passes, 1)) }

func (r round) peak() int { return max(r.issue.peak, r.restart.peak) }

// pages are what the service needs to list the operator's keys.
func (r round) pages() int { return (r.observed + pageSize - 1) / pageSize }

func (r round) resyncs() float64 { return r.idle.seconds / resync.Seconds() }

// byKeys is the target up to a thousand keys, up to five thousand, or beyond.
func byKeys(r round, few, many, most float64) float64 {
	switch {
	case r.keys <= 1000:
		return few
	case r.keys <= 5000:
		return many
	default:
		return most
	}
}

func againstThousand(all rounds, r round) (string, bool) {
	at := slices.IndexFunc(all, func(other round) bool { return other.keys == 1000 })
	if at < 0 {
		return "", true
	}
	ratio := r.issue.perSecond / all[at].issue.perSecond
	return fmt.Sprintf("%.2f (%.2f)", ratio, r.floor()/all[at].floor()), r.keys != 5000 || ratio >= 0.9
}

// table has a column for each round.
func (all rounds) table() string {
	lines := [][]string{{"what", "target"}}
	for _, r := range all {
		lines[0] = append(lines[0], thousands(r.keys))
	}
	for _, row := range rows {
		line := []string{row.what, row.target}
		for _, r := range all {
			text, good := row.cell(all, r)
			if !good {
				text += missed
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	return aligned(lines)
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
