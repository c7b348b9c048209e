// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/test/crash/kube"
)

const (
	namespace         = "team-a"
	operatorNamespace = "accesskey-operator"
)

// world is one history: an API server, a key service, people, and one life of the operator after another. It runs in a
// bubble of testing/synctest, so that all time in it is simulated, down to the timeouts of requests and the rate limiter.
// Whatever the operator does waits at each of its calls for its turn, so the same world always goes the same way.
type world struct {
	kube    *kube.Server
	site    *site
	process *process
	// lives that the operator has had.
	lives int
	clock *jumpingClock
	// workers is how many AccessKeys are worked on at once. With more than one, passes take turns at each call.
	workers int
	// lag is how far the caches are behind, by kind.
	lag map[string]time.Duration
	// restartAfter is how long the operator is away after a crash.
	restartAfter time.Duration
	// chance decides what else is left open; nil: the first of all choices.
	chance *rand.Rand

	// failures by the number of the call that meets them; calls are all calls so far.
	failures map[int]failure
	calls    []call
	// odds of failures in a random world, by call.
	odds func(write, service bool) failure
	// beforeCall is done when a call's turn has come.
	beforeCall func()
	// wild: failures have no number, so that nothing is done by a known time.
	wild bool
	// clockError is how wrong the operator's clock was at most.
	clockError time.Duration
	// hiddenKeys are people's that were taken for the operator's because they were not listed yet.
	hiddenKeys map[string]bool
	// kubeDown: the API server answers no call.
	kubeDown bool
	// serviceDown: nobody answers there.
	serviceDown bool

	mu      sync.Mutex
	waiting []*turn
	stirred chan struct{}

	appointments []appointment
	subjects     map[string]*subject
	// touched: something was changed since the promises were checked last.
	touched   bool
	violation string
	history   []string
	tracing   bool
	// passes at the same moment without an end are a hot loop.
	passesNow int
	// minute and passesInMinute are the same for a minute.
	minute         time.Time
	passesInMinute int
	moment         time.Time
}

// call is one call that the operator made.
type call struct {
	name  string
	write bool
}

// appointment is something that happens at a moment.
type appointment struct {
	at time.Time
	do func()
}

func newWorld(s *site) *world {
	w := &world{
		kube: kube.NewServer(), site: s, clock: newClock(), workers: 1, restartAfter: time.Second,
		stirred: make(chan struct{}, 1), subjects: map[string]*subject{}, failures: map[int]failure{},
		lag: map[string]time.Duration{},
	}
	return w
}

// behind is how far the cache of a kind lags.
func (w *world) behind(kind string) time.Duration { return w.lag[kind] }

// after makes an appointment.
func (w *world) after(d time.Duration, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.appointments = append(w.appointments, appointment{time.Now().Add(d), do})
}

// log adds a line to the history: who did what.
func (w *world) log(who, format string, args ...any) {
	if !w.tracing {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history = append(w.history, fmt.Sprintf("%s %-8s ", time.Now().Format("02 15:04:05.000"), who)+fmt.Sprintf(format, args...))
}

// violate notes the first broken promise. The world ends with it.
func (w *world) violate(format string, args ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, args...)
		w.log("PROMISE", "broken: %s", w.violation)
	}
}

func (w *world) story() string { return strings.Join(w.history, "\n") }
