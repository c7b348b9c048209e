// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package window computes when recurring windows of time are open. Apart from reading the database of time zones, it is pure.
package window

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the container image has no database of time zones

	"github.com/robfig/cron/v3"
)

const day = 24 * time.Hour

// parser reads the dialect of a Kubernetes CronJob.
var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// zones are the time zones that were read, by name. Reading one takes longer than everything else here.
var zones sync.Map

// Window opens at recurring times of a time zone, and stays open for the same time.
type Window struct {
	schedule *cron.SpecSchedule
	zone     *time.Location
	length   time.Duration
}

// Span is a time in which a window is open: from Opens to just before Closes.
type Span struct{ Opens, Closes time.Time }

// Parse reads a window: a cron expression with five fields or a name such as @weekly, how long the window stays open, and the
// name of a time zone in the IANA database.
func Parse(expression string, length time.Duration, zone string) (Window, error) {
	if strings.Contains(expression, "=") || strings.HasPrefix(expression, "@every") { // extensions of the library
		return Window{}, fmt.Errorf("cron %q is not one of the five-field expressions of a CronJob", expression)
	}
	schedule, err := parser.Parse(expression)
	if err != nil {
		return Window{}, fmt.Errorf("cron %q: %w", expression, err)
	}
	spec, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return Window{}, fmt.Errorf("cron %q has no fixed times", expression)
	}
	if length <= 0 {
		return Window{}, errors.New("duration must be longer than 0s")
	}
	location, err := load(zone)
	return Window{spec, location, length}, err
}

func load(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil //nolint:forcetypeassert // nothing else is stored
	}
	if name == "Local" {
		return nil, errors.New("timezone Local depends on the machine; name a time zone, such as Europe/Berlin")
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("timezone: %w", err)
	}
	zones.Store(name, location)
	return location, nil
}

// Next returns the first span that closes after a moment; it can have opened before. It returns false if the window does not open
// within five years.
func (w Window) Next(after time.Time) (Span, bool) {
	for wall := w.wallBefore(after.Add(-w.length)); ; {
		if wall = w.schedule.Next(wall); wall.IsZero() {
			return Span{}, false
		}
		opens := w.moment(wall)
		if closes := opens.Add(w.length); closes.After(after) {
			return Span{opens, closes}, true
		}
	}
}

// The cron expression is evaluated on a clock on the wall that is never changed, and which is written as if it were in UTC. This
// way, each opening happens exactly once, also when the clocks of the zone are put forward or back.

// wallBefore returns the time on the wall at a moment, or an earlier one if the clocks were put forward in the day before: an
// opening in the hour that was left out can still come.
func (w Window) wallBefore(moment time.Time) time.Time {
	return moment.UTC().Add(min(w.offset(moment), w.offset(moment.Add(-day))))
}

// moment returns when the clocks of the zone show a time. If they show it twice, it is the first time. If they leave it out, it is
// as much later as they were put forward.
func (w Window) moment(wall time.Time) time.Time {
	before, after := wall.Add(-w.offset(wall.Add(-day))), wall.Add(-w.offset(wall.Add(day)))
	if !before.Add(w.offset(before)).Equal(wall) && after.Add(w.offset(after)).Equal(wall) {
		return after
	}
	return before
}

func (w Window) offset(moment time.Time) time.Duration {
	_, seconds := moment.In(w.zone).Zone()
	return time.Duration(seconds) * time.Second
}
