// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/admin"
)

const (
	// resync is the period of the manager that is observed while it is idle: sixty times the default's pace.
	resync = 10 * time.Second
	// warmUp is how many keys the operator issues, and the floor writes, before anything is measured.
	warmUp = 32
	// fullSpeed is a rateLimit that does not limit.
	fullSpeed = 10000
	// mostRotated bounds how many keys are rotated.
	mostRotated = 1000
	// pageSize is Qumulo's, and listRoute its route for the keys of one user and for a page of all keys.
	pageSize  = 10000
	listRoute = "GET /v1/s3/access-keys/"
)

// round is what was measured with one number of keys.
type round struct {
	keys   int
	sizes  sizes
	floors []figures
	issue  figures
	// yardstick is of the generator, which only creates a Secret and writes a status.
	yardstick figures
	// rotate is of mostRotated keys at most.
	rotate figures
	// restart has the default flags, idle a resync period of ten seconds. observed are the keys of both.
	restart, idle figures
	observed      int
	verified      *figures
	slow          *slowRun
	rules         *rulesRun
}

// figures are what some work took.
type figures struct {
	pace
	reading

	cpu    float64 // seconds
	passes int
	// probes are requests to the data plane.
	probes int
	// rss and peak are what the process took of the system at the end, and at most, and binary is what the pages of its binary took at the
	// end. Bytes.
	rss, peak, binary int
}

// runRound measures on its own control plane: the floor, the operator, the floor again. The first round also measures what
// does not depend on the number of keys.
func runRound(ctx context.Context, o options, keys int, first bool) (r round, err error) {
	r.keys = keys
	say("%d keys: starting a control plane", keys)
	w, err := newWorld(ctx, o, 4*keys+2*warmUp+1+verifiedKeys+slowUsers+patched)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	p, err := w.prepare(ctx)
	if err != nil {
		return r, err
	}
	r.sizes = p.sizes
	steps := []func(context.Context, pattern, *round) error{w.measureYardstick, w.measureFloor, w.measureIssue, w.measureRotate, w.measureRestart, w.measureIdle, w.measureFloor}
	if first {
		steps = append(steps, w.measureRules)
	}
	if first && o.verify {
		steps = append(steps, w.measureVerified)
	}
	if first && o.slow {
		steps = append(steps, w.measureSlow)
	}
	for _, step := range steps {
		if err := step(ctx, p, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// prepare fills the cluster and lets the operator issue a few keys, to learn what it writes and to warm everything up.
func (w *world) prepare(ctx context.Context) (p pattern, err error) {
	if err := w.fill(ctx); err != nil {
		return p, fmt.Errorf("creating unrelated Secrets: %w", err)
	}
	if err := w.keyService(ctx, "qumulo", "qumulo", fillQumulo); err != nil {
		return p, err
	}
	if err := w.startManager(ctx); err != nil {
		return p, err
	}
	b, err := w.newBatch(ctx, "warm", warmUp)
	if err != nil {
		return p, err
	}
	if p, err = w.learn(ctx, b); err != nil {
		return p, err
	}
	if err := w.stopManager(); err != nil {
		return p, err
	}
	floor, err := w.newFloor(ctx, p, "warm-floor", warmUp)
	if err != nil {
		return p, err
	}
	_, err = floor.run(ctx)
	return p, errors.Join(err, floor.clean(ctx))
}

// fillQumulo writes the part of a spec that is only Qumulo's.
func fillQumulo(spec *v1alpha1.KeyServiceSpec, account admin.Account) {
	spec.Qumulo = &v1alpha1.QumuloService{URL: account.Spec["url"], TokenSecretRef: &v1alpha1.TokenReference{Name: "qumulo", Key: "token"}}
}

// keyService creates a ClusterKeyService of a simulator, which everybody may use, with its credentials.
func (w *world) keyService(ctx context.Context, name, simulator string, fill func(*v1alpha1.KeyServiceSpec, admin.Account)) error {
	account := w.simulators.Accounts[simulator]
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name}, StringData: account.Secret}
	service := &v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: name}}
	spec := service.GetSpec()
	spec.TLS = &v1alpha1.TLS{CABundle: account.CA}
	spec.RateLimit = v1alpha1.RateLimit{QPS: fullSpeed, Burst: fullSpeed}
	fill(spec, account)
	service.Spec.Grants = []v1alpha1.Grant{{NamespaceSelector: &metav1.LabelSelector{}, Users: []string{"*"}}}
	return errors.Join(w.kube.Create(ctx, credentials), w.kube.Create(ctx, service))
}

// measure what some work takes. A manager that it starts counts from its start.
func (w *world) measure(ctx context.Context, what string, do func() (pace, error)) (f figures, err error) {
	reading, err := w.read(ctx)
	if err != nil {
		return f, err
	}
	var before, after usage
	if w.manager != nil {
		if before, err = w.manager.usage(ctx); err != nil {
			return f, err
		}
	}
	if f.pace, err = do(); err != nil {
		return f, fmt.Errorf("%s: %w", what, err)
	}
	if w.manager != nil {
		if after, err = w.manager.usage(ctx); err != nil {
			return f, err
		}
	}
	now, err := w.read(ctx)
	f.reading = now.since(reading)
	f.cpu, f.passes, f.probes = after.cpu-before.cpu, after.passes-before.passes, after.probes-before.probes
	f.rss, f.peak, f.binary = after.rss, after.peak, after.binary
	say("%s: %.1f keys/s (%.1f s), %.1f s CPU of the manager and %.1f s of the API server, %d passes, peak RSS %.0f MiB; kube %s; service %s",
		what, f.perSecond, f.seconds, f.cpu, f.serverCPU, f.passes, mib(f.peak), f.kube, f.service)
	return f, err
}

// work measures what do makes the operator do, up to the last event and the last pass that it causes.
func (w *world) work(ctx context.Context, what string, do func() (pace, error)) (figures, error) {
	if err := w.manager.settle(ctx); err != nil {
		return figures{}, err
	}
	return w.measure(ctx, what, func() (pace, error) {
		p, err := do()
		if err != nil {
			return p, err
		}
		return p, w.manager.settle(ctx)
	})
}

func (w *world) measureFloor(ctx context.Context, p pattern, r *round) error {
	floor, err := w.newFloor(ctx, p, fmt.Sprintf("floor-%d", len(r.floors)), r.keys)
	if err != nil {
		return err
	}
	took, err := w.measure(ctx, "The floor", func() (pace, error) { return floor.run(ctx) })
	r.floors = append(r.floors, took)
	return errors.Join(err, floor.clean(ctx))
}

// measureIssue lets a fresh manager issue keys that clients apply as fast as they can.
func (w *world) measureIssue(ctx context.Context, _ pattern, r *round) error {
	if err := w.startManager(ctx); err != nil {
		return err
	}
	b, err := w.newBatch(ctx, "keys", r.keys)
	if err != nil {
		return err
	}
	r.issue, err = w.work(ctx, "Issuing", func() (pace, error) { return w.apply(ctx, b) })
	return err
}

// measureRotate requests rotations with an overlap of a second: all that a rotation takes, without the wait for it.
func (w *world) measureRotate(ctx context.Context, _ pattern, r *round) error {
	var issued v1alpha1.AccessKeyList
	if err := w.kube.List(ctx, &issued, client.MatchingLabels{batchLabel: "keys"}); err != nil {
		return err
	}
	chosen := issued.Items[:min(len(issued.Items), mostRotated)]
	old := map[types.UID]string{}
	for i := range chosen {
		old[chosen[i].UID] = chosen[i].Status.KeyID
	}
	rotated := func(ak *v1alpha1.AccessKey) bool {
		keyID, known := old[ak.UID]
		return known && isReady(ak) && ak.Status.KeyID != keyID && ak.Status.Intent == nil && len(ak.Status.PreviousKeys) == 0
	}
	var err error
	r.rotate, err = w.work(ctx, "Rotating", func() (pace, error) {
		return w.track(ctx, batch{name: "keys", count: len(chosen)}, rotated, func(t *tracker) error {
			return each(ctx, w.clients, len(chosen), func(i int) error {
				base := chosen[i].DeepCopy()
				chosen[i].Annotations = map[string]string{v1alpha1.RenewAnnotation: "now"}
				chosen[i].Spec.RenewBefore.Duration = time.Second
				t.start(base)
				return w.kube.Patch(ctx, &chosen[i], client.MergeFrom(base))
			})
		})
	})
	if err != nil {
		return err
	}
	event, err := w.eventOf(ctx, &chosen[0])
	r.sizes.event = event.Size()
	return err
}

// measureRestart stops the manager and starts another one, with the default flags. It lasts until each AccessKey had its first
// pass and none waits for one.
func (w *world) measureRestart(ctx context.Context, _ pattern, r *round) error {
	var all v1alpha1.AccessKeyList
	if err := errors.Join(w.stopManager(), w.kube.List(ctx, &all, client.UnsafeDisableDeepCopy)); err != nil {
		return err
	}
	r.observed = len(all.Items)
	var err error
	r.restart, err = w.measure(ctx, "Restart", func() (p pace, err error) {
		if err := w.startManager(ctx); err != nil {
			return p, err
		}
		if err := w.manager.observed(ctx, r.observed); err != nil {
			return p, err
		}
		p.seconds = time.Since(w.manager.started).Seconds()
		return p, w.manager.settle(ctx)
	})
	return err
}

// measureIdle observes a manager that has nothing to do. It resyncs every ten seconds instead of every ten minutes, because
// its clock cannot be moved from outside.
func (w *world) measureIdle(ctx context.Context, _ pattern, r *round) error {
	if err := errors.Join(w.stopManager(), w.startManager(ctx, "--resync-period="+resync.String())); err != nil {
		return err
	}
	if err := w.manager.observed(ctx, r.observed); err != nil {
		return err
	}
	var err error
	r.idle, err = w.measure(ctx, "Idle", func() (p pace, err error) {
		start := time.Now()
		select {
		case <-time.After(w.observe):
		case <-ctx.Done():
		}
		p.seconds = time.Since(start).Seconds()
		return p, ctx.Err()
	})
	return errors.Join(err, w.stopManager())
}
