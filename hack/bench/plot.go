// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"text/template"
)

//go:embed plot.svg.tmpl
var plotTemplate string

// Size of one panel's plane, and of what is around it.
const (
	planeWidth, planeHeight = 250.0, 170.0
	panelWidth              = 330.0
)

// panel is one of the plots: lines over the number of keys, on a logarithmic axis.
type panel struct {
	X      float64
	Title  string
	Ticks  []mark
	Series []series
}

// mark is a text at a place.
type mark struct {
	X, Y float64
	Text string
}

type series struct {
	Name, Colour, Path string
	Points             []mark
	LegendX            float64
}

// measure is what a line shows.
type measure struct {
	name  string
	value func(round) float64
}

var panels = []struct {
	title    string
	measures []measure
}{
	{"keys per second", []measure{
		{"floor", round.floor},
		{"operator", func(r round) float64 { return r.Issue.KeysPerSecond }},
	}},
	{"peak memory, MiB", []measure{
		{"issuing", func(r round) float64 { return mib(r.Issue.PeakRSS) }},
		{"after a restart", func(r round) float64 { return mib(r.Restart.PeakRSS) }},
	}},
	{"requests per key", []measure{
		{"kube writes", func(r round) float64 { return r.Issue.KubeWrites }},
		{"kube reads", func(r round) float64 { return r.Issue.KubeReads }},
		{"service calls", func(r round) float64 { return r.Issue.ServiceCalls }},
	}},
}

var colours = []string{"#3465a4", "#cc5500", "#4e9a06"}

func (r report) plot() ([]byte, error) {
	drawn := make([]panel, 0, len(panels))
	for i, p := range panels {
		drawn = append(drawn, r.draw(p.title, p.measures, float64(i)*panelWidth))
	}
	parsed, err := template.New("plot").Parse(plotTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, map[string]any{
		"Panels": drawn, "Width": panelWidth * float64(len(panels)), "PlaneWidth": planeWidth, "PlaneHeight": planeHeight,
		"Caption": fmt.Sprintf("%s, on %s", r.Started.Format("2006-01-02"), r.Machine),
	})
	return out.Bytes(), err
}

// draw places the measures of every round on a plane whose y axis begins at 0.
func (r report) draw(title string, measures []measure, x float64) panel {
	top := 0.0
	for _, one := range r.Rounds {
		for _, m := range measures {
			top = max(top, m.value(one))
		}
	}
	top = niceAbove(top)
	p := panel{X: x, Title: title}
	for i, m := range measures {
		s := series{Name: m.name, Colour: colours[i], LegendX: float64(i) * 85}
		for at, one := range r.Rounds {
			point := mark{r.place(one.Keys), planeHeight * (1 - m.value(one)/top), fmt.Sprintf("%.4g", m.value(one))}
			s.Points = append(s.Points, point)
			s.Path += fmt.Sprintf("%c%.1f,%.1f", "ML"[min(at, 1)], point.X, point.Y)
		}
		p.Series = append(p.Series, s)
	}
	for _, one := range r.Rounds {
		p.Ticks = append(p.Ticks, mark{r.place(one.Keys), planeHeight + 16, thousands(one.Keys)})
	}
	for _, part := range []float64{0, 0.5, 1} {
		p.Ticks = append(p.Ticks, mark{-8 - 3*float64(len(fmt.Sprintf("%.4g", part*top))), planeHeight*(1-part) + 4, fmt.Sprintf("%.4g", part*top)})
	}
	return p
}

// place of a number of keys on the x axis.
func (r report) place(keys int) float64 {
	least, most := math.Log(float64(r.Rounds[0].Keys)), math.Log(float64(r.Rounds[len(r.Rounds)-1].Keys))
	if least >= most {
		return planeWidth / 2
	}
	return 10 + (planeWidth-20)*(math.Log(float64(keys))-least)/(most-least)
}

// niceAbove is the end of an axis: 1, 2 or 5 times a power of ten.
func niceAbove(value float64) float64 {
	if value <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= value {
			return factor * power
		}
	}
	return 10 * power
}
