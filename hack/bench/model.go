// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"
)

// The cluster that the model is for.
const (
	modelKeys  = 100000
	modelTTL   = 720 * time.Hour
	modelAhead = 240 * time.Hour // renewBefore
	// modelResync is the default of --resync-period, eventLife how long the API server keeps an event.
	modelResync = 10 * time.Minute
	eventLife   = time.Hour
	day         = 24 * time.Hour
	// writesOfStatus of a rotation: the intent, the new key, the revocation of the old one. Both share an event.
	writesOfStatus = 3
)

// rotationsPerDay of one key. The jitter shortens the time from issue to rotation by up to a tenth, so by 5 % on average.
func rotationsPerDay(ttl, renewBefore time.Duration) float64 {
	return day.Hours() / (0.95 * (ttl - renewBefore).Hours())
}

// line fits points by least squares: y at 0, and its slope. Through one point it is flat.
func line(xs, ys []float64) (base, slope float64) {
	var meanX, meanY, above, below float64
	for i := range xs {
		meanX, meanY = meanX+xs[i]/float64(len(xs)), meanY+ys[i]/float64(len(ys))
	}
	for i := range xs {
		above += (xs[i] - meanX) * (ys[i] - meanY)
		below += (xs[i] - meanX) * (xs[i] - meanX)
	}
	if below > 0 {
		slope = above / below
	}
	return meanY - slope*meanX, slope
}

// memory is the manager's peak without keys, and what each key adds, over all rounds.
func (all rounds) memory() (base, slope float64) {
	xs, ys := make([]float64, 0, len(all)), make([]float64, 0, len(all))
	for _, r := range all {
		xs, ys = append(xs, float64(r.keys)), append(ys, float64(r.peak()))
	}
	return line(xs, ys)
}

// model is the cost of many keys, from what the largest round measured for one, and from how memory grows over all rounds.
func (all rounds) model() string {
	last := all[len(all)-1]
	rotations := rotationsPerDay(modelTTL, modelAhead)
	resyncs := day.Seconds() / modelResync.Seconds()
	stored := float64(last.sizes.accessKey+last.sizes.secret) + rotations*float64(last.sizes.event)*eventLife.Hours()/day.Hours()
	written := rotations * float64(writesOfStatus*last.sizes.accessKey+last.sizes.secret+last.sizes.event)
	cpu := rotations*last.cpuOfRotation() + resyncs*last.cpuOfPass()/1000
	count := func(what string, perKey float64) []string {
		return []string{what, fmt.Sprintf("%.2f", perKey), thousands(int(perKey * modelKeys))}
	}
	bytes := func(what string, perKey float64) []string {
		return []string{what, fmt.Sprintf("%.0f bytes", perKey), fmt.Sprintf("%.0f MiB", perKey*modelKeys/(1<<20))}
	}
	lines := [][]string{
		{"", "for a key", fmt.Sprintf("for %s", thousands(modelKeys))},
		{"rotations a day", fmt.Sprintf("%.4f", rotations), thousands(int(rotations * modelKeys))},
		count("kube writes a day", rotations*(last.perRotation(last.rotate.kube.writes())-1)), // one is the patch that requested it
		count("kube reads a day", rotations*last.perRotation(last.rotate.kube.reads())),
		count("service calls a day, for rotations", rotations*last.perRotation(last.rotate.service.sum())),
		{"service calls a day, for resyncs", "–", thousands(int(resyncs*modelKeys/pageSize + 2*day.Hours()))},
		bytes("stored in etcd", stored),
		bytes("written to etcd a day", written),
		{"CPU of the manager", fmt.Sprintf("%.1f ms a day", cpu), fmt.Sprintf("%.1f %% of a processor", 100*cpu/1000*modelKeys/day.Seconds())},
	}
	fit := ""
	if base, slope := all.memory(); len(all) > 1 { // the growth of memory takes two sizes
		lines = append(lines, []string{"memory of the manager at its peak", fmt.Sprintf("%.0f bytes", slope), fmt.Sprintf("%.0f MiB", mib(int(base+slope*modelKeys)))})
		fit = "\nMemory by that line, MiB:"
		for _, r := range all {
			fit += fmt.Sprintf(" %s keys: %.0f, measured %.0f;", thousands(r.keys), mib(int(base+slope*float64(r.keys))), mib(r.peak()))
		}
		fit = strings.TrimSuffix(fit, ";") + ".\n"
	}
	return fmt.Sprintf("At ttl %.0fh and renewBefore %.0fh, from what %s keys took:\n\n%s%s", modelTTL.Hours(), modelAhead.Hours(), thousands(last.keys), aligned(lines), fit)
}
