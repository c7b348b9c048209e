// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

// steps of a wild world before it turns well.
const steps = 12

var (
	seeds = flag.Uint64("seeds", 500, "worlds that TestWorlds runs through")
	first = flag.Uint64("first", 0, "the seed of the first world")
	only  = flag.String("service", "", "the one service of all worlds")
)

// TestWorlds runs the operator through random worlds: several AccessKeys, several reconciles at once, failures of every kind,
// caches that lag by different times, a service that is down for a day, and people who make mistakes. To replay a seed with its
// history:
//
//	go test ./test/crash -run 'TestWorlds/seed=123$'
func TestWorlds(t *testing.T) {
	for n := range *seeds {
		seed := *first + n
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			if w := runWild(t, seed, false); w.violation != "" {
				t.Fatalf("%s\n%s", w.violation, runWild(t, seed, true).story())
			}
		})
	}
}

// wild is a random world.
type wild struct {
	*world
	rng *rand.Rand
	// percent of the calls that each kind of failure hits.
	percent map[failure]int
	// verified: the KeyService has a data plane, which may accept a pair only after some time.
	verified bool
	well     bool
}

func runWild(t *testing.T, seed uint64, tracing bool) *world {
	var told *world
	worlds.Add(1)
	synctest.Test(t, func(*testing.T) {
		w := newWild(seed, tracing)
		w.furnish()
		if w.verified {
			w.verifyPairs()
		}
		w.start()
		for range steps {
			if w.violation == "" && w.chanceOf(60) {
				w.someoneActs()
			}
			w.run(w.someTime())
		}
		w.turnWell()
		w.end()
		told = w.world
	})
	return told
}

func newWild(seed uint64, tracing bool) *wild {
	rng := rand.New(rand.NewPCG(seed, 0))
	all := services.All()
	service := all[seed%uint64(len(all))]
	if *only != "" {
		service = services.Named(*only)
	}
	w := &wild{rng: rng}
	w.world = newWorld(newSite(service.Open(services.Options{Random: rng})))
	w.wild, w.tracing, w.chance = true, tracing, rng
	w.workers = pick(rng, 1, 1, 4)
	w.restartAfter = pick(rng, time.Second, time.Second, time.Minute, 50*time.Minute)
	for _, kind := range kinds {
		w.lag[kind] = pick(rng, 0, 0, time.Second, 5*time.Second, 20*time.Second)
	}
	w.percent = map[failure]int{
		dieBefore: pick(rng, 0, 1, 3), dieAfter: pick(rng, 0, 1, 3), dieLate: pick(rng, 0, 0, 2), refuse: pick(rng, 0, 2, 10),
		loseAnswer: pick(rng, 0, 2, 10), late: pick(rng, 0, 0, 2), failed: pick(rng, 0, 2, 10), throttled: pick(rng, 0, 0, 5),
	}
	w.odds = w.someFailure
	lag := pick(rng, 0, 0, 3*time.Second, 90*time.Second)
	w.plane.AcceptAfter(lag)
	w.verified = lag > 0 // without verification, a pair is published that does not work yet
	return w
}

func pick[T any](rng *rand.Rand, choices ...T) T { return choices[rng.IntN(len(choices))] }

func (w *wild) chanceOf(percent int) bool { return !w.well && w.rng.IntN(100) < percent }

func (w *wild) someFailure(write, service bool) failure {
	for _, f := range []failure{dieBefore, dieAfter, dieLate, refuse, loseAnswer, late, failed, throttled} {
		possible := f == dieBefore || f == refuse || write || f == failed || f == throttled
		if !service && (f == failed || f == throttled || f == late) {
			possible = false
		}
		if possible && w.chanceOf(w.percent[f]) {
			return f
		}
	}
	return none
}

func (w *wild) someTime() time.Duration {
	between := func(low, high int) time.Duration { return time.Duration(low + w.rng.IntN(high-low+1)) }
	switch n := w.rng.IntN(100); {
	case n < 40:
		return between(1, 30) * time.Second
	case n < 90:
		return between(1, 15) * time.Minute
	default:
		return between(20, 90) * time.Minute
	}
}

// someoneActs lets a person do one thing.
func (w *wild) someoneActs() {
	name := pick(w.rng, "a", "b")
	if w.site.Quota == 1 {
		name = "a" // two AccessKeys could never both have a key
	}
	ak := w.accessKey(name)
	if ak == nil {
		w.applyFor(pick(w.rng, w.site.user.Name, w.site.user.Name, w.site.user.Alias), name, w.someStrategy())
		return
	}
	// A key is recorded in the status and on the Secret. People destroy one record at a time: without both the key is lost.
	recorded := ak.Status.KeyID != "" && ak.Status.Intent == nil && ak.DeletionTimestamp.IsZero() && w.subjects[name].works
	event := w.rng.IntN(len(events))
	if !recorded && events[event].takesRecord {
		return
	}
	events[event].happen(w, name, ak)
}

func (w *wild) someStrategy() v1alpha1.RotationStrategy {
	return pick(w.rng, v1alpha1.StrategyAuto, v1alpha1.StrategyAuto, v1alpha1.StrategyReplace)
}

// landingTime is how long after the start of an operation a new key can be its own: two minutes, and one for the clock skew.
const landingTime = 3 * time.Minute

// makeForeignKey creates a key by hand, unless a request of the operator could create one at that time. A service whose keys carry
// no mark could not tell them apart (docs/testing.md), and one that reports no creation times cannot while an operation is open.
func (w *wild) makeForeignKey() {
	if slices.ContainsFunc(w.accessKeys(), func(ak *v1alpha1.AccessKey) bool {
		intent := ak.Status.Intent
		return intent != nil && (!w.site.Dated || time.Since(intent.StartedAt.Time) <= landingTime)
	}) || time.Now().Before(w.landsLate) { // the write can be that of the intent
		return
	}
	if pair, _, err := w.site.makeKey(); err == nil {
		w.log("person", "creates key %s", pair.ID)
	}
}

func (w *wild) foreignKeys() []simulator.Pair {
	return slices.DeleteFunc(w.site.History(), func(pair simulator.Pair) bool {
		return !pair.Live() || pair.CreatedBy != simulator.Person || pair.Owner == "root"
	})
}

func (w *wild) removeForeignKey() {
	if keys := w.foreignKeys(); len(keys) > 0 {
		key := keys[w.rng.IntN(len(keys))]
		w.log("person", "deletes their key %s", key.ID)
		w.site.RemoveKey(key.ID)
	}
}

func (w *wild) takeServiceDown(d time.Duration) {
	if w.serviceDown {
		return
	}
	w.log("service", "goes down for %s", d)
	w.serviceDown = true
	w.after(d, func() {
		w.log("service", "is up again")
		w.serviceDown = false
	})
}

// restart stops the operator and starts it again.
func (w *wild) restart() {
	if w.process.dead {
		return
	}
	w.process.stop()
	w.log("operator", "is stopped")
	w.after(w.restartAfter, w.start)
}

// turnWell ends all failures, and people follow the conditions' advice. Then everything has to settle.
func (w *wild) turnWell() {
	if w.violation != "" {
		return
	}
	w.log("world", "turns well")
	w.well, w.restartAfter = true, time.Second
	for _, ak := range w.accessKeys() {
		w.setSuspended(ak.Name, false)
	}
	w.runUntil(time.Hour, func() bool { return !w.process.dead })
	w.serviceDown = false
	for range 4 {
		w.run(repairTime)
		if !w.followAdvice() {
			break
		}
	}
	w.settle()
}

// followAdvice does what a condition asks a person for: it deletes a key that nobody uses.
func (w *wild) followAdvice() (followed bool) {
	for _, ak := range w.accessKeys() {
		stalled := meta.FindStatusCondition(ak.Status.Conditions, v1alpha1.ConditionStalled)
		if stalled == nil {
			continue
		}
		w.log("AccessKey", "%s is stalled, %s: %s", ak.Name, stalled.Reason, stalled.Message)
		followed = true
		switch stalled.Reason {
		case v1alpha1.ReasonAmbiguousKeys:
			w.removeCandidate(ak)
		case v1alpha1.ReasonQuotaExceeded, v1alpha1.ReasonUserExists:
			w.removeForeignKey()
		}
	}
	return followed
}

// removeCandidate deletes the key that the operator lost, or if there is none, a foreign candidate.
func (w *wild) removeCandidate(ak *v1alpha1.AccessKey) {
	if ak.Status.Intent == nil {
		return
	}
	ids := ak.Status.Intent.CandidateKeyIDs
	for _, pairs := range [][]simulator.Pair{w.ownPairs(), w.foreignKeys()} {
		for _, pair := range pairs {
			if slices.Contains(ids, pair.ID) && !w.recorded(pair.ID) {
				w.log("person", "deletes key %s, which nobody uses", pair.ID)
				w.site.RemoveKey(pair.ID)
				return
			}
		}
	}
}

func (w *wild) recorded(id string) bool {
	return slices.ContainsFunc(w.accessKeys(), func(ak *v1alpha1.AccessKey) bool { return slices.Contains(ak.RecordedKeyIDs(), id) })
}
