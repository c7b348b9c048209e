// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

const (
	// resync is how often the whole service is listed.
	resync = 10 * time.Minute
	// maxPasses without coming to rest are a hot loop.
	maxPasses = 40
)

// planner is what is simulated: the real one, or a mutant.
type planner struct {
	chain      []rule
	record     func(Input, *v1alpha1.Intent, keyservice.Key) Record
	candidates func(Input) []string
}

func realPlanner() planner {
	return planner{chain: rules, record: NextRecord, candidates: Input.CandidateKeyIDs}
}

// world is a model of all that the planner's decisions meet: the objects in Kubernetes, the keys of one user at the
// service, people, faults and time. One seed is one history.
type world struct {
	rng      *rand.Rand
	kind     serviceKind
	planner  planner
	now      time.Time
	service  keyRing
	subjects []*subject
	odds     odds
	// well: no more faults, and people leave things alone but for what they are asked to do.
	well bool
	// downUntil is when the operator runs again.
	downUntil time.Time
	// writes and calls of the operator to Kubernetes and to the service.
	writes, calls int
	violation     *violation
	// history has a line per step; kept only to be printed.
	history []string
	tracing bool
}

// odds of the faults of a world, percent.
type odds struct{ crash, lostAnswer, failedWrite, staleCache, meanwhile int }

// violation of one of the five promises.
type violation struct {
	promise int
	text    string
}

// subject is one AccessKey with its Secrets.
type subject struct {
	name string
	// stored is what the API server has; cached is what the operator's caches show of it.
	stored, cached view
	// written are the Secrets that the operator wrote, for people to restore.
	written       []storedSecret
	granted, held bool
	// operation that the operator began last.
	operation *operation
	// due is when the operator looks at it next, if nothing else happens.
	due time.Time
	// calmSince is since when nothing kept the operator from revoking; freeSince, nor from making a new pair.
	calmSince, freeSince time.Time
	// disturbed: something happened since the live look of the pass.
	disturbed bool
	// renamed while the intent was open.
	renamed bool
	// excused: people took away what the operator would need to know that the published pair does not work.
	excused bool
	// last is what the planner answered last, but for its Until.
	last Action
	// blocked is what the operator last asked a person for.
	blocked Action
}

// operation is the making of one key, from its intent on.
type operation struct {
	subject   *subject
	revision  int64
	startedAt time.Time
	forgiven  bool
	// keyID that was chosen, or is to be renewed; uid that the key is marked with; ttl that the service is told.
	keyID, uid string
	ttl        time.Duration
	// replaces: it may take away the published pair before the next is there.
	replaces bool
}

func newWorld(kind serviceKind, seed uint64, p planner, tracing bool) *world {
	w := &world{
		kind:    kind,
		rng:     rand.New(rand.NewPCG(seed, 0)),
		planner: p,
		now:     time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		tracing: tracing,
	}
	w.odds = odds{
		crash:       pick(w, 0, 1, 5, 15),
		lostAnswer:  pick(w, 0, 10, 30),
		failedWrite: pick(w, 0, 0, 10),
		staleCache:  pick(w, 0, 10, 50),
		meanwhile:   pick(w, 0, 0, 2, 8),
	}
	w.downUntil = w.now
	w.service = keyRing{quota: pick(w, kind.quotas...), skew: time.Duration(w.rng.IntN(1200)-600) * time.Second, downUntil: w.now}
	names := []string{"a"}
	if len(kind.shared) > 0 && w.chance(40) {
		names = append(names, "b")
		w.service.quota = pick(w, kind.shared...)
	}
	for _, age := range []time.Duration{720 * time.Hour, time.Hour, 5 * time.Minute} {
		if w.chance(20) && w.service.room() {
			w.makeKey(nil, -age)
		}
	}
	for _, name := range names {
		w.subjects = append(w.subjects, w.newSubject(name))
	}
	return w
}

func (w *world) run(steps int) {
	for range steps {
		if w.violation != nil {
			return
		}
		if w.chance(60) {
			w.people(w.subjects[w.rng.IntN(len(w.subjects))])
		}
		w.advance(w.someTime())
		w.wake()
	}
	w.turnWell()
}

func (w *world) someTime() time.Duration {
	switch n := w.rng.IntN(100); {
	case n < 45:
		return w.between(1, 30) * time.Second
	case n < 80:
		return w.between(1, 30) * time.Minute
	case n < 97:
		return w.between(1, 8) * time.Hour
	default:
		return w.between(24, 72) * time.Hour
	}
}

// advance lets time pass, and the operator do what is due.
func (w *world) advance(d time.Duration) {
	end := w.now.Add(d)
	for w.violation == nil {
		next := w.service.nextLanding()
		for _, s := range w.subjects {
			next = earliest(next, w.upAt(s.due))
		}
		if next.IsZero() || next.After(end) {
			break
		}
		w.passTime(next)
		for _, s := range w.subjects {
			if !s.due.IsZero() && !w.now.Before(s.due) {
				w.reconcile(s)
			}
		}
	}
	w.passTime(end)
}

// upAt is when the operator can do what is due; the zero time is never.
func (w *world) upAt(due time.Time) time.Time {
	if !due.IsZero() && due.Before(w.downUntil) {
		return w.downUntil
	}
	return due
}

// passTime moves the clock on, and lets late requests land.
func (w *world) passTime(now time.Time) {
	if now.After(w.now) {
		if now.Sub(w.now) > time.Second {
			w.refreshCaches()
		}
		w.now = now
	}
	w.land()
}

// wake is an event for every AccessKey.
func (w *world) wake() {
	for _, s := range w.subjects {
		w.reconcile(s)
	}
}

func (w *world) log(format string, args ...any) {
	if w.tracing {
		w.history = append(w.history, w.now.Format("02 15:04:05 ")+fmt.Sprintf(format, args...))
	}
}

func (w *world) violate(promise int, format string, args ...any) {
	if w.violation == nil {
		w.violation = &violation{promise: promise, text: fmt.Sprintf(format, args...)}
		w.log("VIOLATION of promise %d: %s", promise, w.violation.text)
	}
}

func (v *violation) String() string { return fmt.Sprintf("promise %d: %s", v.promise, v.text) }

func (w *world) story() string { return strings.Join(w.history, "\n") }

// chance of percent; none once things are well.
func (w *world) chance(percent int) bool { return !w.well && w.rng.IntN(100) < percent }

func (w *world) between(low, high int) time.Duration {
	return time.Duration(low + w.rng.IntN(high-low+1))
}

func pick[T any](w *world, choices ...T) T { return choices[w.rng.IntN(len(choices))] }
