// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/crash/kube"
)

// resync is the operator's --resync-period.
const resync = 10 * time.Minute

var scheme = controller.Scheme()

// process is one process of the operator: the real controllers with their real watches, set up like the manager's.
type process struct {
	world  *world
	cancel context.CancelFunc
	caches []*kube.Cache
	queues []*queue
	dead   bool
}

// start starts a process with empty memory.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.process = &process{world: w, cancel: cancel}
	w.log("operator", "starts")
	go w.process.setUp(ctx)
}

// setUp is what the manager does when it starts. One that fails is started again.
func (p *process) setUp(ctx context.Context) {
	w := p.world
	seen := kube.NewCache(w.kube, controller.CacheOptions(nil), w.behind)
	// After a restart, the open intents in the cache take the place of the locks between AccessKeys of one user. The stories with
	// lag have one AccessKey.
	seen.Consistent = w.wild
	p.caches = append(p.caches, seen)
	client := &kube.Client{Server: w.kube, Cache: seen, Gate: p.kubeGate}
	manager := &kube.Manager{Types: scheme, Client: client, Cache: seen, Logger: w.logger()}
	err := controller.Setup(ctx, manager, controller.Config{
		ClusterNamespace: operatorNamespace,
		ResyncPeriod:     resync,
		Concurrency:      4 * w.workers, // a KeyService gets a quarter of them as slots
		Clock:            clock.RealClock{},
		NewQueue:         p.newQueue,
		Transport:        transport{p},
		Recorder:         recorder{w},
	})
	if err != nil {
		w.log("operator", "fails to start: %s", err)
		p.die()
	}
	manager.Run(ctx)
}

func (p *process) newQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	q := &queue{
		world: p.world, controller: name, limiter: limiter, hand: make(chan reconcile.Request),
		ready: map[reconcile.Request]bool{}, later: map[reconcile.Request]time.Time{}, taken: map[reconcile.Request]bool{},
	}
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.queues = append(p.queues, q)
	return q
}

// stop ends the process at once: nothing that it still does has an effect.
func (p *process) stop() {
	p.dead = true
	p.cancel()
	p.world.dismiss(p)
}

// end stops the operator and waits until its timers have run out.
func (w *world) end() {
	w.process.stop()
	time.Sleep(10 * time.Minute)
}

// die stops the process from inside one of its calls, and restarts it later.
func (p *process) die() {
	p.stop()
	p.world.log("operator", "dies")
	p.world.after(p.world.restartAfter, p.world.start)
	runtime.Goexit()
}

// turn is a call that waits for its turn.
type turn struct {
	process *process
	came    time.Time
	wants   string
	granted chan struct{}
}

// await waits for the turn of a call. In a dead process it ends the goroutine.
func (p *process) await(wants string) {
	mine := &turn{process: p, came: time.Now(), wants: wants, granted: make(chan struct{})}
	if !p.world.queueUp(mine) {
		runtime.Goexit()
	}
	<-mine.granted
	if p.dead {
		runtime.Goexit()
	}
}

// kubeGate carries out a call to the API server, or lets it fail.
func (p *process) kubeGate(call kube.Call, carryOut func() error) error {
	p.await(call.String())
	failure := p.world.fateOf(call.String(), call.Write)
	if p.world.kubeDown && failure == none {
		failure = refuse
	}
	var err error
	switch failure {
	case dieLate:
		p.world.landsLate = time.Now().Add(landing)
		p.world.after(landing, func() { p.world.log("kube", "%s lands late%s", call, outcome(carryOut())) })
	case dieBefore, refuse:
	case meddled:
		p.world.meddle(call.Ref)
		err = carryOut()
	default:
		err = carryOut()
		p.world.touched = true
	}
	err = p.answered(call, failure, err)
	p.world.log("kube", "%s%s", call, outcome(err))
	return err
}

// answered returns what the process learns about a call.
func (p *process) answered(call kube.Call, failure failure, err error) error {
	switch failure {
	case dieBefore, dieAfter, dieLate:
		p.world.log("kube", "%s: the operator is gone", call)
		p.die()
	case refuse:
		return apierrors.NewInternalError(errors.New("etcdserver: no leader"))
	case cutOff:
		p.world.takeKubeDown(time.Minute)
		return lost(err)
	case loseAnswer, late:
		return lost(err)
	default:
	}
	return err
}

func lost(err error) error {
	if err == nil {
		err = apierrors.NewTimeoutError("the response was lost", 0)
	}
	return err
}

func outcome(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// logger adds the operator's actions to the history.
func (w *world) logger() logr.Logger {
	if !w.tracing {
		return logr.Discard()
	}
	return funcr.New(func(_, args string) {
		if _, details, found := strings.Cut(args, `"verb"=`); found {
			_, name, _ := strings.Cut(args, `"name"=`)
			w.log("operator", "%s: %s", name[:strings.Index(name+" ", " ")], details)
		}
	}, funcr.Options{Verbosity: 1})
}

// recorder adds the operator's events to the history.
type recorder struct{ world *world }

// Eventf implements events.EventRecorder.
func (r recorder) Eventf(_, _ kruntime.Object, eventType, reason, _, note string, args ...any) { //nolint:revive // the interface has so many
	r.world.log("event", eventType+" "+reason+": "+note, args...)
}
