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
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/crash/kube"
)

// resync is the operator's --resync-period.
const resync = 10 * time.Minute

var scheme = controller.Scheme()

// process is one life of the operator: the real controllers with their real watches, set up as the manager sets them up.
// What it remembers dies with it.
type process struct {
	world  *world
	cancel context.CancelFunc
	caches []*kube.Cache
	queues []*queue
	dead   bool
}

// start begins a life with empty memory.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.process = &process{world: w, cancel: cancel}
	w.lives++
	w.log("operator", "starts")
	go w.process.setUp(ctx)
}

// setUp is what the manager does when it starts. One that fails is started again.
func (p *process) setUp(ctx context.Context) {
	w := p.world
	seen := p.newCache(controller.CacheOptions(nil))
	client := &kube.Client{Server: w.kube, Cache: seen, Gate: p.kubeGate}
	manager := &kube.Manager{Types: scheme, Client: client, Cache: seen, Logger: w.logger()}
	err := controller.Setup(ctx, manager, controller.Config{
		ClusterNamespace: operatorNamespace,
		ResyncPeriod:     resync,
		Concurrency:      w.workers,
		Clock:            w.clock,
		NewQueue:         p.newQueue,
		NewCache:         func(_ *rest.Config, options cache.Options) (cache.Cache, error) { return p.newCache(options), nil },
		Transport:        transport{p},
		Recorder:         recorder{w},
	})
	if err != nil {
		w.log("operator", "fails to start: %s", err)
		p.die()
	}
	manager.Run(ctx)
}

func (p *process) newCache(options cache.Options) *kube.Cache {
	made := kube.NewCache(p.world.kube, options, p.world.behind)
	p.caches = append(p.caches, made)
	return made
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

// stop ends the process where it stands: nothing that it still does has an effect.
func (p *process) stop() {
	p.dead = true
	p.cancel()
	p.world.dismiss(p)
}

// end stops the operator for good, and waits until the timers that it leaves behind have run out.
func (w *world) end() {
	w.process.stop()
	time.Sleep(10 * time.Minute)
}

// die is stop, from inside a call of the process.
func (p *process) die() {
	p.stop()
	p.world.log("operator", "dies")
	p.world.after(p.world.restartAfter, p.world.start)
	runtime.Goexit()
}

// turn is a call that waits for the world to let it go on.
type turn struct {
	process *process
	came    time.Time
	wants   string
	granted chan struct{}
}

// await waits for the turn of a call. A dead process gets none: its goroutine ends here.
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

// kubeGate is what a call to the API server meets.
func (p *process) kubeGate(call kube.Call, carryOut func() error) error {
	p.await(call.String())
	failure := p.world.fateOf(call.String(), call.Write)
	if p.world.kubeDown && failure == none {
		failure = refuse
	}
	var err error
	switch failure {
	case dieLate:
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

// answered is what the process hears of a call.
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
		err = apierrors.NewTimeoutError("the answer was lost", 0)
	}
	return err
}

func outcome(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// logger writes what the operator carried out into the world's history.
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

// recorder writes the operator's events into the world's history.
type recorder struct{ world *world }

// Eventf implements events.EventRecorder.
func (r recorder) Eventf(_, _ kruntime.Object, eventType, reason, _, note string, args ...any) { //nolint:revive // the interface has so many
	r.world.log("event", eventType+" "+reason+": "+note, args...)
}
