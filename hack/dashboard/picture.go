// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"
)

// Sizes of the picture, in pixels.
const (
	columnWidth = 50 // a dashboard has 24 columns
	rowHeight   = 26
	gap         = 8
	header      = 46
)

var (
	palette = []string{"#3274d9", "#56a64b", "#f2a900", "#e02f44", "#8f3bb8", "#1fa3a8", "#ff780a", "#7c6a56", "#c4398e", "#5c6b7a"}
	named   = map[string]string{"green": "#37872d", "orange": "#e0752d", "red": "#c4162a", "blue": "#1f60c4"}
)

// picture is a dashboard as SVG.
type picture struct {
	svg      strings.Builder
	from, to time.Time
}

func newPicture(read board, from, to time.Time) *picture {
	bottom := 0
	for _, p := range read.Panels {
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
	}
	d := &picture{from: from, to: to}
	width, height := 24*columnWidth+gap, bottom*rowHeight+header+gap
	fmt.Fprintf(&d.svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="Inter, Helvetica, Arial, sans-serif" font-size="11" fill="#464c54">`+"\n", width, height)
	d.box(area{0, 0, float64(width), float64(height)}, "#f4f5f5")
	d.text(gap+4, 30, read.Title, `font-size="18" font-weight="bold" fill="#24292e"`)
	d.text(float64(width)-gap-4, 30, from.UTC().Format("2006-01-02 15:04")+" to "+to.UTC().Format("15:04 UTC"), `text-anchor="end"`)
	return d
}

// String ends the picture.
func (d *picture) String() string { return d.svg.String() + "</svg>\n" }

func (d *picture) box(in area, fill string) {
	fmt.Fprintf(&d.svg, `<rect x="%.5g" y="%.5g" width="%.4g" height="%.4g" fill="%s"/>`+"\n", in.x, in.y, in.w, in.h, fill)
}

func (d *picture) text(x, y float64, text, attributes string) {
	fmt.Fprintf(&d.svg, `<text x="%.5g" y="%.5g" %s>%s</text>`+"\n", x, y, attributes, html.EscapeString(text))
}

// area is where a panel draws its content.
type area struct{ x, y, w, h float64 }

func (d *picture) panel(p panel, found []result) {
	frame := area{float64(p.GridPos.X*columnWidth + gap), float64(p.GridPos.Y*rowHeight + header), float64(p.GridPos.W*columnWidth - gap), float64(p.GridPos.H*rowHeight - gap)}
	if p.Type == "row" {
		d.text(frame.x+4, frame.y+14, p.Title, `font-size="14" font-weight="bold" fill="#24292e"`)
		return
	}
	fmt.Fprintf(&d.svg, `<rect x="%.4g" y="%.5g" width="%.4g" height="%.4g" fill="#fff" stroke="#dce0e4" rx="3"/>`+"\n", frame.x, frame.y, frame.w, frame.h)
	d.text(frame.x+10, frame.y+19, p.Title, `font-size="12.5" font-weight="600" fill="#24292e"`)
	content := area{frame.x + 10, frame.y + 30, frame.w - 20, frame.h - 38}
	for i := range found { // a quantile of no requests is no number
		found[i].Values = slices.DeleteFunc(found[i].Values, func(p point) bool { return math.IsNaN(p.value) })
	}
	switch p.Type {
	case "stat":
		d.stat(p, found, content)
	case "table":
		d.table(p, found, content)
	case "bargauge":
		d.bars(p, found, content)
	case "state-timeline":
		d.states(p, found, content)
	default:
		d.lines(p, found, content)
	}
}

func (d *picture) stat(p panel, found []result, in area) {
	if len(found) == 0 {
		return
	}
	value, color := found[0].Value.value, ""
	for _, step := range p.FieldConfig.Defaults.Thresholds.Steps {
		if step.Value == nil || value >= *step.Value {
			color = step.Color
		}
	}
	d.text(in.x+in.w/2, in.y+in.h/2+12, format(value, p.FieldConfig.Defaults.Unit), fmt.Sprintf(`font-size="32" text-anchor="middle" fill="%s"`, named[color]))
}

// table shows the labels that tell the objects apart.
func (d *picture) table(p panel, found []result, in area) {
	for _, transformation := range p.Transformations {
		columns := transformation.Options.IndexByName
		for column, i := range columns {
			x := in.x + in.w*float64(i)/float64(len(columns))
			d.text(x, in.y+12, column, `fill="#1f60c4"`)
			for row, each := range found {
				d.text(x, in.y+34+20*float64(row), each.Labels[column], "")
			}
		}
	}
}

func (d *picture) bars(p panel, found []result, in area) {
	most := 1.0
	for _, each := range found {
		most = max(most, each.Value.value)
	}
	for i, each := range found {
		y := in.y + in.h*float64(i)/float64(len(found))
		d.text(in.x, y+15, each.legend, "")
		d.box(area{in.x + 110, y + 2, max((in.w-150)*each.Value.value/most, 1), 20}, named["blue"])
		d.text(in.x+in.w, y+16, format(each.Value.value, p.FieldConfig.Defaults.Unit), `text-anchor="end"`)
	}
}

// states draws a bar for each series, in the colors of its values.
func (d *picture) states(p panel, found []result, in area) {
	plot := area{in.x + 150, in.y, in.w - 150, in.h - 16}
	height := min(plot.h/float64(max(len(found), 1)), 40)
	for i, each := range found {
		y := plot.y + height*float64(i)
		d.text(in.x, y+height/2+4, each.legend, "")
		for j := 0; j < len(each.Values); {
			first := each.Values[j]
			for j < len(each.Values) && each.Values[j].value == first.value {
				j++
			}
			end := seconds64(d.to)
			if j < len(each.Values) {
				end = each.Values[j].at
			}
			d.box(area{d.x(plot, first.at), y + 3, d.x(plot, end) - d.x(plot, first.at), height - 6}, stateColor(p, first.value))
		}
	}
	d.times(plot)
}

func stateColor(p panel, value float64) string {
	for _, mapping := range p.FieldConfig.Defaults.Mappings {
		return named[mapping.Options[format(value, "")].Color]
	}
	return named["blue"]
}

func seconds64(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// x returns where a time is drawn.
func (d *picture) x(plot area, at float64) float64 {
	from, to := seconds64(d.from), seconds64(d.to)
	return plot.x + plot.w*(at-from)/(to-from)
}

// times labels the horizontal axis with the minutes since the beginning.
func (d *picture) times(plot area) {
	for minute := 0; float64(minute)*60 < d.to.Sub(d.from).Seconds(); minute++ {
		d.text(d.x(plot, seconds64(d.from)+60*float64(minute)), plot.y+plot.h+14, d.from.Add(time.Duration(minute)*time.Minute).UTC().Format("15:04"), `fill="#8e959c"`)
	}
}

// lines draws series with a legend: as lines, or as areas or bars on top of each other.
func (d *picture) lines(p panel, found []result, in area) {
	slices.SortFunc(found, func(a, b result) int { return strings.Compare(a.legend, b.legend) })
	colors := colorsOf(p, found)
	legendRows := d.legend(found, colors, in)
	plot := area{in.x + 46, in.y + 2, in.w - 46, in.h - 20 - 15*float64(legendRows)}
	custom := p.FieldConfig.Defaults.Custom
	stacked := custom.Stacking.Mode == "normal"
	scale := scale{d, plot, d.top(p, found, stacked)}
	d.grid(plot, scale.top, p.FieldConfig.Defaults.Unit)
	below := map[float64]float64{}
	for i, each := range found {
		switch {
		case custom.DrawStyle == "bars":
			scale.bars(each.Values, below, colors[i])
		case stacked:
			scale.area(each.Values, below, colors[i])
		default:
			scale.line(each.Values, colors[i])
		}
	}
}

func colorsOf(p panel, found []result) []string {
	colors := make([]string, len(found))
	for i, each := range found {
		colors[i] = palette[i%len(palette)]
		for _, override := range p.FieldConfig.Overrides {
			if override.Matcher.Options == each.legend {
				colors[i] = named[override.Properties[0].Value.FixedColor]
			}
		}
	}
	return colors
}

// top returns the highest value of the vertical axis.
func (d *picture) top(p panel, found []result, stacked bool) float64 {
	highest, sums := 0.0, map[float64]float64{}
	for _, each := range found {
		for _, point := range each.Values {
			sums[point.at] += point.value
			highest = max(highest, point.value)
			if stacked {
				highest = max(highest, sums[point.at])
			}
		}
	}
	if limit := p.FieldConfig.Defaults.Max; limit != nil {
		return *limit
	}
	if highest == 0 {
		return 1
	}
	return highest * 1.08
}

// grid draws horizontal lines at round values, and the axes' labels.
func (d *picture) grid(plot area, top float64, unit string) {
	step := math.Pow(10, math.Floor(math.Log10(top)))
	if unit == "bytes" {
		step = math.Pow(2, math.Floor(math.Log2(top/2)))
	}
	for top/step < 2 {
		step /= 2
	}
	for top/step > 5 {
		step *= 2
	}
	for value := 0.0; value <= top; value += step {
		y := plot.y + plot.h*(1-value/top)
		fmt.Fprintf(&d.svg, `<path d="M%.1f %.1fH%.1f" stroke="#e8eaed"/>`+"\n", plot.x, y, plot.x+plot.w)
		d.text(plot.x-6, y+4, format(value, unit), `text-anchor="end" fill="#8e959c"`)
	}
	d.times(plot)
}

// legend writes the names of the series at the bottom, and returns how many rows it needs.
func (d *picture) legend(found []result, colors []string, in area) (rows int) {
	type place struct {
		x   float64
		row int
	}
	places := make([]place, len(found))
	x := 0.0
	for i, each := range found {
		width := 6.6*float64(len(each.legend)) + 28
		if x > 0 && x+width > in.w {
			x, rows = 0, rows+1
		}
		places[i] = place{x, rows}
		x += width
	}
	rows++
	for i, at := range places {
		y := in.y + in.h - 15*float64(rows-1-at.row)
		d.box(area{in.x + at.x, y - 4, 12, 3}, colors[i])
		d.text(in.x+at.x+16, y+1, found[i].legend, "")
	}
	return rows
}
