// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math"
	"os"
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

func TestCountsTellWritesFromReads(t *testing.T) {
	before := counts{"GET secrets": 3, "POST secrets": 1}
	after := counts{"GET secrets": 5, "POST secrets": 1, "PATCH accesskeys/status": 2, "DELETECOLLECTION events": 1, "LIST secrets": 1, "WATCH secrets": 4}
	changed := after.since(before)
	if changed.reads() != 2 || changed.writes() != 3 || changed.sum() != 10 {
		t.Errorf("got %s", changed)
	}
}

func TestPace(t *testing.T) {
	var took []time.Duration
	for i := range 100 {
		took = append(took, time.Duration(100-i)*time.Second)
	}
	if got := newPace(took, 50*time.Second); got != (pace{seconds: 50, perSecond: 2, p99: 99}) {
		t.Errorf("got %+v", got)
	}
	if got := newPace([]time.Duration{time.Second}, time.Second); got.p99 != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestStatusOfAProcess(t *testing.T) {
	if got := statusKB("Name:\tmanager\nVmHWM:\t  112640 kB\nVmRSS:\t   4096 kB\n", "VmHWM"); got != 112640 {
		t.Errorf("got %d", got)
	}
}

// measured are rounds whose figures all meet their targets.
func measured() (all rounds) {
	for _, keys := range []int{1000, 5000, 10000} {
		all = append(all, round{
			keys: keys, observed: keys,
			floors: []figures{{pace: pace{perSecond: 110}}, {pace: pace{perSecond: 90}}},
			issue: figures{
				pace: pace{perSecond: 80}, cpu: 0.003 * float64(keys), peak: 58 << 20,
				reading: reading{kube: counts{"POST secrets": 4 * keys}, service: counts{listRoute: 2 * keys}},
			},
			rotate:  figures{cpu: 1, reading: reading{kube: counts{"PATCH accesskeys": 6000}}},
			restart: figures{pace: pace{seconds: 15}, peak: 50 << 20, reading: reading{service: counts{listRoute: 1}}},
			idle:    figures{pace: pace{seconds: 60}, reading: reading{service: counts{listRoute: 6, "GET /version": 6}}},
		})
	}
	return all
}

func TestOnlyMissedTargetsAreMarked(t *testing.T) {
	if marked := markedRows(measured()); len(marked) > 0 {
		t.Errorf("marked: %q", marked)
	}
	for name, test := range map[string]struct {
		worse func(*round)
		row   string
	}{
		"slower than the floor":         {func(r *round) { r.floors[0].perSecond = 200 }, "its rate against the floor's"},
		"slower than at 1,000":          {func(r *round) { r.issue.perSecond, r.floors = 70, []figures{{pace: pace{perSecond: 80}}} }, "its rate against that at 1,000"},
		"one more write":                {func(r *round) { r.issue.kube["PUT secrets"] = r.keys }, "kube writes per key"},
		"one more dry run":              {func(r *round) { r.issue.kube["DRY-RUN secrets"] = 2 * r.keys }, "kube dry runs per key"},
		"one more read":                 {func(r *round) { r.issue.kube["GET secrets"] = r.keys }, "kube reads per key"},
		"one more call":                 {func(r *round) { r.issue.service[listRoute] = 3 * r.keys }, "service calls per issued key"},
		"more processor time":           {func(r *round) { r.issue.cpu *= 1.2 }, "controller CPU"},
		"more memory":                   {func(r *round) { r.issue.peak = 101 << 20 }, "peak RSS"},
		"more memory after a restart":   {func(r *round) { r.restart.peak = 101 << 20 }, "peak RSS"},
		"one more write of a rotation":  {func(r *round) { r.rotate.kube["POST events"] = 1000 }, "rotating a key and revoking the old one: kube"},
		"a write without a cause":       {func(r *round) { r.idle.kube = counts{"PATCH accesskeys": 1} }, "idle: kube"},
		"listed twice":                  {func(r *round) { r.idle.service = counts{listRoute: 12} }, "idle: lists"},
		"called more often":             {func(r *round) { r.idle.service["GET /version"] = 12 }, "idle: all calls"},
		"a write for each at a restart": {func(r *round) { r.restart.kube = counts{"PATCH accesskeys": 5000} }, "restart: kube"},
		"a read for each at a restart":  {func(r *round) { r.restart.kube = counts{"GET secrets": 5000} }, "restart: kube"},
		"listed twice at a restart":     {func(r *round) { r.restart.service[listRoute] = 2 }, "restart: lists"},
		"a slow restart":                {func(r *round) { r.restart.seconds = 16 }, "restart: all observed"},
		"a write for the verification": {func(r *round) {
			r.verified = &figures{reading: reading{kube: counts{"PATCH secrets": 5 * verifiedKeys}}}
		}, "a verified key"},
		"a second probe":             {func(r *round) { r.verified = &figures{probes: 2 * verifiedKeys} }, "a verified key: requests"},
		"held up by another service": {func(r *round) { r.slow = &slowRun{before: pace{p99: 1}, with: pace{p99: 2.1}, after: pace{p99: 1}} }, "another service slow: p99"},
		"memory for another service": {func(r *round) { r.slow = &slowRun{rssBefore: 10, rssWith: 12, with: pace{p99: -1}} }, "another service slow: RSS"},
	} {
		t.Run(name, func(t *testing.T) {
			all := measured()
			test.worse(&all[1])
			if marked := markedRows(all); len(marked) != 1 || !strings.HasPrefix(marked[0], "| "+test.row) {
				t.Errorf("marked: %q", marked)
			}
		})
	}
}

func markedRows(all rounds) []string {
	return slices.DeleteFunc(strings.Split(all.table(), "\n"), func(line string) bool { return !strings.Contains(line, missed) })
}

// TestTheModel: six writes of a rotation, without the patch that requested it, 0.0526 times a day.
func TestTheModel(t *testing.T) {
	text := measured().model()
	for _, want := range []string{"| kube writes a day                  | 0.26 ", "1,000 keys: 58, measured 58"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
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

func TestOnlyTheRulesAreRemoved(t *testing.T) {
	crd, err := os.ReadFile("../../config/crd/bases/accesskey.dev_accesskeys.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bare, err := withoutRules(crd)
	if err != nil {
		t.Fatal(err)
	}
	const rules, field = "x-kubernetes-validations:", "maxLength:"
	before, after := bytes.Count(crd, []byte(rules)), bytes.Count(bare, []byte(rules))
	if before == 0 || after != 0 || bytes.Count(bare, []byte(field)) != bytes.Count(crd, []byte(field)) {
		t.Errorf("%d rules before, %d after", before, after)
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, arguments := range [][]string{{"--sizes=many"}, {"--sizes=0"}, {"--clients=0"}, {"--observe=1s"}, {"--unrelated-secrets=-1"}} {
		if _, err := parse(arguments); err == nil {
			t.Errorf("%q was taken", arguments)
		}
	}
}
