// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// scale draws values in a plot.
type scale struct {
	*picture

	plot area
	top  float64
}

func (s scale) y(value float64) float64 { return s.plot.y + s.plot.h*(1-min(value/s.top, 1)) }

func (s scale) bars(points []point, below map[float64]float64, color string) {
	for _, point := range points {
		y := s.y(below[point.at] + point.value)
		s.box(area{s.x(s.plot, point.at) - 1.5, y, 3, s.y(below[point.at]) - y}, color)
		below[point.at] += point.value
	}
}

func (s scale) area(points []point, below map[float64]float64, color string) {
	var over, under strings.Builder
	command := 'M'
	for _, point := range points {
		fmt.Fprintf(&over, "%c%.1f %.1f", command, s.x(s.plot, point.at), s.y(below[point.at]+point.value))
		command = 'L'
	}
	for _, point := range slices.Backward(points) {
		fmt.Fprintf(&under, "L%.1f %.1f", s.x(s.plot, point.at), s.y(below[point.at]))
		below[point.at] += point.value
	}
	fmt.Fprintf(&s.svg, `<path d="%s%sZ" fill="%s" fill-opacity="0.75"/>`+"\n", &over, &under, color)
}

func (s scale) line(points []point, color string) {
	var path strings.Builder
	last := math.Inf(-1)
	for _, point := range points {
		command := 'L'
		if point.at-last > 5 { // there was no sample in between
			command = 'M'
		}
		fmt.Fprintf(&path, "%c%.1f %.1f", command, s.x(s.plot, point.at), s.y(point.value))
		last = point.at
	}
	fmt.Fprintf(&s.svg, `<path d="%s" fill="none" stroke="%s" stroke-width="1.4" stroke-linecap="round"/>`+"\n", &path, color)
}

// format writes a value in a unit of Grafana.
func format(value float64, unit string) string {
	switch unit {
	case "s":
		return formatSeconds(value)
	case "bytes":
		return fmt.Sprintf("%.3g MiB", value/(1<<20))
	case "reqps", "ops":
		return fmt.Sprintf("%.3g/s", value)
	case "percentunit":
		return fmt.Sprintf("%.3g %%", value*100)
	}
	if value >= 1000 {
		return fmt.Sprintf("%.3g k", value/1000)
	}
	return fmt.Sprintf("%.3g", value)
}

func formatSeconds(value float64) string {
	switch {
	case math.Abs(value) >= 60:
		return fmt.Sprintf("%.3g min", value/60)
	case math.Abs(value) < 1 && value != 0:
		return fmt.Sprintf("%.3g ms", value*1000)
	default:
		return fmt.Sprintf("%.3g s", value)
	}
}
