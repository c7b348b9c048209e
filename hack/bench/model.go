// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"
)

// The cluster that the model is worked out for.
const (
	modelKeys  = 100000
	modelTTL   = 720 * time.Hour
	modelAhead = 240 * time.Hour // renewBefore
	// modelResync is the default of --resync-period, eventLife how long the API server keeps an event.
	modelResync = 10 * time.Minute
	eventLife   = time.Hour
	day         = 24 * time.Hour
	// writesOfStatus in a rotation: the intent, the new key, and the old one's revocation. events: rotated, revoked.
	writesOfStatus = 3
	eventsOfOne    = 2
)

// rotationsPerDay of one key: the time from issue to renewal is shortened by up to a tenth, half of that on average.
func rotationsPerDay(ttl, renewBefore time.Duration) float64 {
	return day.Hours() / (0.95 * (ttl - renewBefore).Hours())
}

// line through points, by least squares: what y is at 0, and by how much it grows with x. Of one point it is flat.
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

// grows is what a figure is at no keys, and what each key adds, by all rounds.
func (r report) grows(figure func(round) float64) (base, slope float64) {
	xs, ys := make([]float64, 0, len(r.Rounds)), make([]float64, 0, len(r.Rounds))
	for _, one := range r.Rounds {
		xs, ys = append(xs, float64(one.Keys)), append(ys, figure(one))
	}
	return line(xs, ys)
}

func peak(r round) float64 { return float64(max(r.Issue.PeakRSS, r.Restart.PeakRSS)) }

// model is the cost of many keys, from what the largest round measured for one, and from how memory grows over all rounds.
func (r report) model() string {
	last := r.Rounds[len(r.Rounds)-1]
	rotations := rotationsPerDay(modelTTL, modelAhead)
	resyncs := day.Seconds() / modelResync.Seconds()
	base, perKey := r.grows(peak)
	stored := float64(last.Sizes.AccessKey+last.Sizes.Secret) + rotations*eventsOfOne*float64(last.Sizes.Event)*eventLife.Hours()/day.Hours()
	written := rotations * float64(writesOfStatus*last.Sizes.AccessKey+last.Sizes.Secret+eventsOfOne*last.Sizes.Event)
	cpu := rotations*last.Rotate.CPUms + resyncs*last.Idle.CPUus/1000
	pages := float64(modelKeys / pageSize)
	lines := [][]string{
		{"", "for a key", fmt.Sprintf("for %s", thousands(modelKeys))},
		{"rotations a day", fmt.Sprintf("%.4f", rotations), thousands(int(rotations * modelKeys))},
		// The patch that asked for it is not one of them.
		{"kube writes a day", fmt.Sprintf("%.2f", rotations*(last.Rotate.KubeWrites-1)), thousands(int(rotations * (last.Rotate.KubeWrites - 1) * modelKeys))},
		{"kube reads a day", fmt.Sprintf("%.2f", rotations*last.Rotate.KubeReads), thousands(int(rotations * last.Rotate.KubeReads * modelKeys))},
		{"service calls a day, for rotations", fmt.Sprintf("%.2f", rotations*last.Rotate.ServiceCalls), thousands(int(rotations * last.Rotate.ServiceCalls * modelKeys))},
		{"service calls a day, for resyncs", "–", thousands(int(resyncs*pages + 2*day.Hours()))},
		{"stored in etcd", fmt.Sprintf("%.0f bytes", stored), fmt.Sprintf("%.0f MiB", stored*modelKeys/(1<<20))},
		{"written to etcd a day", fmt.Sprintf("%.0f bytes", written), fmt.Sprintf("%.0f MiB", written*modelKeys/(1<<20))},
		r.memory(base, perKey),
		{"CPU of the manager", fmt.Sprintf("%.1f ms a day", cpu), fmt.Sprintf("%.1f %% of a processor", 100*cpu/1000*modelKeys/day.Seconds())},
	}
	return fmt.Sprintf("At ttl %.0fh and renewBefore %.0fh, from what %s keys took:\n\n%s\n%s", modelTTL.Hours(), modelAhead.Hours(), thousands(last.Keys), aligned(lines), r.fit(base, perKey))
}

// memory takes more than one size to tell.
func (r report) memory(base, perKey float64) []string {
	const what = "memory of the manager at its peak"
	if len(r.Rounds) < 2 {
		return []string{what, "–", "–"}
	}
	return []string{what, fmt.Sprintf("%.0f bytes", perKey), fmt.Sprintf("%.0f MiB", mib(int(base+perKey*modelKeys)))}
}

// fit compares the line of the memory with what was measured.
func (r report) fit(base, perKey float64) string {
	if len(r.Rounds) < 2 {
		return ""
	}
	texts := make([]string, 0, len(r.Rounds))
	for _, one := range r.Rounds {
		texts = append(texts, fmt.Sprintf("%s keys: %.0f, measured %.0f", thousands(one.Keys), mib(int(base+perKey*float64(one.Keys))), mib(int(peak(one)))))
	}
	return fmt.Sprintf("Memory by that line, MiB: %s.\n", strings.Join(texts, "; "))
}
