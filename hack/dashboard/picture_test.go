// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEveryPanelIsDrawn(t *testing.T) {
	read, err := readBoard("../../config/prometheus/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	to := time.Unix(1e9, 0)
	drawing := newPicture(read, to.Add(-time.Minute), to)
	var points []point
	for second := range 15 {
		points = append(points, point{1e9 - 60 + 4*float64(second), float64(second % 3)})
	}
	points[3].value = math.NaN()
	found := []result{
		{series{map[string]string{"name": "a<b"}, points[2], slices.Clone(points)}, "one & two"},
		{series{map[string]string{"name": "c"}, points[1], slices.Clone(points[5:])}, "three"},
	}
	for _, p := range read.Panels {
		drawing.panel(p, found)
		drawing.panel(p, nil)
	}
	text := drawing.String()
	for _, p := range read.Panels {
		if !strings.Contains(text, ">"+p.Title+"</text>") {
			t.Errorf("the panel %q is missing", p.Title)
		}
	}
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("the picture has a coordinate that is no number")
	}
}

func TestASampleIsRead(t *testing.T) {
	var p point
	if err := json.Unmarshal([]byte(`[1795913590.5, "0.25"]`), &p); err != nil || p != (point{1795913590.5, 0.25}) {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"0":      format(0, "short"),
		"0 s":    format(0, "s"),
		"250 ms": format(0.25, "s"),
		"12 s":   format(12, "s"),
		"-2 min": format(-120, "s"),
		"64 MiB": format(64<<20, "bytes"),
		"1.5/s":  format(1.5, "reqps"),
		"50 %":   format(0.5, "percentunit"),
		"1.23 k": format(1230, "none"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
