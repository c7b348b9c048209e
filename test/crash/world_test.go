// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	published "accesskey.dev/operator/internal/secret"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/dataplane"
)

const (
	namespace         = "team-a"
	operatorNamespace = "accesskey-operator"
)

// world is one history: an API server, a key service, people, and one process of the operator after another. It runs in a
// bubble of testing/synctest, so all time in it is simulated, including request timeouts and the rate limiter. Each call of the
// operator waits for its turn, so the same world always takes the same course.
type world struct {
	// landsLate is when the last write to the API server lands whose process has died.
	landsLate time.Time
	// carriedOut is when the last request to the service is carried out that hangs.
	carriedOut time.Time
	kube       *kube.Server
	site       *site
	process    *process
	// plane is the data plane of the site. Pairs are verified there once the KeyService says so.
	plane *dataplane.Plane
	// workers is how many AccessKeys are reconciled at once. With more than one they take turns at each call.
	workers int
	// lag of the caches, by kind.
	lag map[string]time.Duration
	// restartAfter is how long the operator is down after a crash.
	restartAfter time.Duration
	// chance decides whose turn it is. If it is nil, the first one's.
	chance *rand.Rand

	// failures by the number of the call that they hit. calls are all calls so far.
	failures map[int]failure
	calls    []call
	// odds of failures in a random world, by call.
	odds func(write, service bool) failure
	// wild: failures are random, so there is no deadline for a repair.
	wild bool
	// imported are the access key IDs of foreign keys that a person told the operator to import.
	imported []string
	// hiddenKeys are foreign keys that looked like the operator's because the service listed them late.
	hiddenKeys map[string]bool
	// targets are restarted by the AccessKeys that are applied.
	targets []v1alpha1.RolloutRestartTarget
	// announced is what was announced for each pair, by its access key ID.
	announced map[string]announcement
	// nextLandsLate: the next request to the service that changes something hangs, and is carried out late.
	nextLandsLate bool
	// late: such a request was sent.
	late bool
	// kubeDown: the API server is down.
	kubeDown bool
	// serviceDown: the key service is down.
	serviceDown bool

	mu      sync.Mutex
	waiting []*turn
	stirred chan struct{}

	appointments []appointment
	subjects     map[string]*subject
	// pairs are the pairs in Secrets, by the version of the Secret.
	pairs map[string]published.Pair
	// touched: something has changed since the last check of the promises.
	touched   bool
	violation string
	history   []string
	tracing   bool
	// passesNow counts turns at the same moment, to detect a hot loop.
	passesNow int
	// passesInMinute counts turns in the current minute.
	minute         time.Time
	passesInMinute int
	moment         time.Time
}

// call is a call of the operator.
type call struct {
	name  string
	write bool
}

// appointment is something that happens at a given time.
type appointment struct {
	at time.Time
	do func()
}

func newWorld(s *site) *world {
	w := &world{
		kube: kube.NewServer(), site: s, workers: 1, restartAfter: time.Second,
		stirred: make(chan struct{}, 1), subjects: map[string]*subject{}, failures: map[int]failure{},
		lag: map[string]time.Duration{}, pairs: map[string]published.Pair{},
	}
	w.plane = &dataplane.Plane{Now: time.Now, Services: func() []dataplane.Service { return []dataplane.Service{s.Server} }}
	return w
}

// behind returns the lag of the cache of a kind.
func (w *world) behind(kind string) time.Duration { return w.lag[kind] }

// after makes an appointment.
func (w *world) after(d time.Duration, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.appointments = append(w.appointments, appointment{time.Now().Add(d), do})
}

// log adds a line to the history.
func (w *world) log(who, format string, args ...any) {
	if !w.tracing {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history = append(w.history, fmt.Sprintf("%s %-8s ", time.Now().Format("02 15:04:05.000"), who)+fmt.Sprintf(format, args...))
}

// violate records the first broken promise, which ends the world.
func (w *world) violate(format string, args ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, args...)
		w.log("PROMISE", "broken: %s", w.violation)
	}
}

func (w *world) story() string { return strings.Join(w.history, "\n") }
