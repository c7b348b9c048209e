// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSamplesAreReadFromTheTextFormat(t *testing.T) {
	const text = `# HELP a_total It counts.
# TYPE a_total counter
a_total{code="200",what="a \"b\", c"} 3
a_total 1.5e+06
ab_total{code="1"} 9
`
	got := samples(text, "a_total")
	if len(got) != 2 || got[0].value != 3 || got[0].labels["code"] != "200" || got[0].labels["what"] != `a \"b\", c` || got[1].value != 1.5e6 {
		t.Errorf("got %+v", got)
	}
}

func TestCountsTellWritesReadsAndLists(t *testing.T) {
	before := counts{"GET secrets": 3, "POST secrets": 1}
	after := counts{"GET secrets": 5, "POST secrets": 1, "PATCH accesskeys/status": 2, "DELETECOLLECTION events": 1, "LIST secrets": 1, "WATCH secrets": 4}
	changed := after.since(before)
	if changed.reads() != 2 || changed.writes() != 3 || changed.lists() != 5 || changed.sum() != 10 {
		t.Errorf("got %s", changed)
	}
}

func TestPace(t *testing.T) {
	var took []time.Duration
	for i := range 100 {
		took = append(took, time.Duration(100-i)*time.Second)
	}
	if got := newPace(took, 50*time.Second); got != (pace{Keys: 100, Seconds: 50, KeysPerSecond: 2, P50: 50, P99: 99}) {
		t.Errorf("got %+v", got)
	}
	if got := newPace([]time.Duration{time.Second}, time.Second); got.P50 != 1 || got.P99 != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestStatusOfAProcess(t *testing.T) {
	if got := statusKB("Name:\tmanager\nVmHWM:\t  112640 kB\nVmRSS:\t   4096 kB\n", "VmHWM"); got != 112640 {
		t.Errorf("got %d", got)
	}
}

// measured is a report whose figures are all as they must be.
func measured() report {
	good := func(keys int) round {
		return round{
			Keys:    keys,
			Floors:  []floorRun{{pace: pace{KeysPerSecond: 110}}, {pace: pace{KeysPerSecond: 90}}},
			Issue:   workRun{pace: pace{KeysPerSecond: 80}, KubeWrites: 6, KubeReads: 2, ServiceCalls: 2, CPUms: 4, PeakRSS: 100 << 20},
			Restart: restartRun{Keys: keys, Seconds: 15, Pages: 1, Listings: 1, PeakRSS: 90 << 20},
			Idle:    idleRun{Keys: keys, Seconds: 60, Resyncs: 6, Pages: 1, Listings: 6, Calls: 12},
		}
	}
	return report{Rounds: []round{good(1000), good(5000), good(10000)}}
}

func TestOnlyWhatIsNotAsItMustBeIsMarked(t *testing.T) {
	if marked := markedRows(measured()); len(marked) > 0 {
		t.Errorf("marked: %q", marked)
	}
	for name, test := range map[string]struct {
		worse func(*round)
		row   string
	}{
		"slower than the floor by more": {func(r *round) { r.Floors[0].KeysPerSecond = 200 }, "its rate against the floor's"},
		"slower than at 1,000":          {func(r *round) { r.Issue.KeysPerSecond, r.Floors = 70, []floorRun{{pace: pace{KeysPerSecond: 80}}} }, "its rate against that at 1,000"},
		"a write more":                  {func(r *round) { r.Issue.KubeWrites = 6.1 }, "kube writes per key"},
		"a read more":                   {func(r *round) { r.Issue.KubeReads = 2.1 }, "kube reads per key"},
		"a call more":                   {func(r *round) { r.Issue.ServiceCalls = 3 }, "service calls per issued key"},
		"more processor time":           {func(r *round) { r.Issue.CPUms = 4.1 }, "controller CPU"},
		"more memory":                   {func(r *round) { r.Issue.PeakRSS = 111 << 20 }, "peak RSS"},
		"more memory after a restart":   {func(r *round) { r.Restart.PeakRSS = 111 << 20 }, "peak RSS"},
		"a write without a cause":       {func(r *round) { r.Idle.KubeWrites = 1 }, "idle: kube"},
		"listed twice":                  {func(r *round) { r.Idle.Listings = 12 }, "idle: listings"},
		"called more often":             {func(r *round) { r.Idle.Calls = 18 }, "idle: all calls"},
		"a write for each at a restart": {func(r *round) { r.Restart.KubeWrites = 5000 }, "restart: kube"},
		"a read for each at a restart":  {func(r *round) { r.Restart.KubeReads = 5000 }, "restart: kube"},
		"listed twice at a restart":     {func(r *round) { r.Restart.Listings = 2 }, "restart: listings"},
		"a slow restart":                {func(r *round) { r.Restart.Seconds = 16 }, "restart: all observed"},
		"held up by another service":    {func(r *round) { r.Slow = &slowRun{Before: pace{P99: 1}, With: pace{P99: 1.2}, After: pace{P99: 1}} }, "another service slow: p99"},
		"memory for another service":    {func(r *round) { r.Slow = &slowRun{RSSBefore: 10, RSSWith: 12, With: pace{P99: -1}} }, "another service slow: RSS"},
	} {
		t.Run(name, func(t *testing.T) {
			all := measured()
			test.worse(&all.Rounds[1])
			if marked := markedRows(all); len(marked) != 1 || !strings.HasPrefix(marked[0], "| "+test.row) {
				t.Errorf("marked: %q", marked)
			}
		})
	}
}

func markedRows(all report) []string {
	return slices.DeleteFunc(strings.Split(all.table(), "\n"), func(line string) bool {
		return !strings.HasPrefix(line, "|") || !strings.Contains(line, above)
	})
}

func TestALineThroughWhatWasMeasured(t *testing.T) {
	if base, slope := line([]float64{1, 2, 4}, []float64{12, 14, 18}); math.Abs(base-10) > 1e-9 || math.Abs(slope-2) > 1e-9 {
		t.Errorf("got %g and %g", base, slope)
	}
	if base, slope := line([]float64{7}, []float64{3}); base != 3 || slope != 0 {
		t.Errorf("got %g and %g", base, slope)
	}
	if got := rotationsPerDay(720*time.Hour, 240*time.Hour); got < 0.0526 || got > 0.0527 {
		t.Errorf("got %g", got)
	}
}

func TestThePlotIsXML(t *testing.T) {
	for _, all := range []report{measured(), {Rounds: measured().Rounds[:1]}} {
		drawn, err := all.plot()
		if err != nil {
			t.Fatal(err)
		}
		decoder := xml.NewDecoder(strings.NewReader(string(drawn)))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(string(drawn), "NaN") || strings.Contains(string(drawn), "Inf") {
			t.Error("a point has no place")
		}
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, arguments := range [][]string{{"--sizes=many"}, {"--sizes=0"}, {"--clients=0"}, {"--observe=1s"}, {"--unrelated-secrets=-1"}} {
		if _, err := parse(arguments); err == nil {
			t.Errorf("%q was taken", arguments)
		}
	}
}
