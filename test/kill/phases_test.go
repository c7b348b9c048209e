// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// trade is a way in which the leader stops to lead.
type trade struct {
	name string
	// down ends the leadership, and up is what happens once another leads; nil for nothing.
	down, up func(k *keeper) error
	// away is how long the leader stays down after another has taken over.
	away time.Duration
}

// killed: the leader dies.
var killed = trade{name: "killed", down: func(k *keeper) error {
	k.kill()
	return nil
}}

// released: the leader is told to stop, and gives its lease back.
var released = trade{name: "released", down: func(k *keeper) error {
	manager, _ := k.current()
	return manager.Stop()
}}

// paused: the leader's node hangs. It wakes up in the middle of what it was doing, and takes itself for the leader.
func paused(away time.Duration) trade {
	return trade{
		name: fmt.Sprintf("paused until %s after the other took over", away),
		down: func(k *keeper) error {
			manager, _ := k.current()
			return manager.Pause()
		},
		up: func(k *keeper) error {
			manager, _ := k.current()
			return manager.Resume()
		},
		away: away,
	}
}

// ask for rotations by hand until ctx ends, of one AccessKey after the other, beside those that are due.
func (w *world) ask(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		it := w.subjects[rand.IntN(len(w.subjects))]
		if err := w.askFor(ctx, it, fmt.Sprintf("token-%d", n)); err == nil {
			w.counted(func(c *counts) { c.asked++ })
		}
		pause(ctx, w.form.askEvery)
	}
}

func (w *world) askFor(ctx context.Context, it *subject, token string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	accessKey := &v1alpha1.AccessKey{}
	accessKey.Namespace, accessKey.Name = namespace, it.name
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.RenewAnnotation, token)
	return w.kube.Patch(ctx, accessKey, client.RawPatch("application/merge-patch+json", patch))
}

// killManagers kills the manager again and again. The waits are exponential, so that some kills meet a manager that has
// just started.
func (w *world) killManagers(ctx context.Context, random *rand.Rand) {
	k := w.keep(ctx, "alone")
	defer k.end()
	// Half of the first pairs, so that the kills meet the others.
	w.wait(ctx, "half of the first pairs", func() bool { return len(w.operatorKeys()) > len(w.subjects)/2 })
	for range w.form.kills {
		pause(ctx, time.Duration(random.ExpFloat64()*float64(w.form.killEvery)))
		k.kill()
	}
}

// restartPlane kills etcd and kube-apiserver under a manager that works, each for a moment, and the manager at one of them.
func (w *world) restartPlane(ctx context.Context, random *rand.Rand) {
	k := w.keep(ctx, "restarts")
	defer k.end()
	for range w.form.restarts {
		pause(ctx, time.Duration(random.ExpFloat64()*float64(w.form.killEvery)))
		w.must(w.plane.KillEtcd())
		pause(ctx, time.Duration(random.Int64N(int64(2*time.Second))))
		w.must(w.plane.StartEtcd())
		w.counted(func(c *counts) { c.etcd++ })

		pause(ctx, time.Duration(random.ExpFloat64()*float64(w.form.killEvery)))
		w.must(w.plane.KillAPIServer())
		pause(ctx, time.Duration(random.Int64N(int64(2*time.Second))))
		w.must(w.plane.StartAPIServer())
		w.counted(func(c *counts) { c.apiServer++ })
		w.goesOn(ctx)
	}
}

// goesOn waits until a rotation that is asked for now is made.
func (w *world) goesOn(ctx context.Context) {
	token := fmt.Sprintf("goes-on-%d", time.Now().UnixNano())
	w.wait(ctx, "a rotation", func() bool {
		for _, it := range w.subjects {
			accessKey := &v1alpha1.AccessKey{}
			if w.get(ctx, it, accessKey) != nil {
				continue
			}
			if accessKey.Status.LastHandledRenewal == token {
				return true
			}
			if accessKey.Annotations[v1alpha1.RenewAnnotation] != token && accessKey.Status.Intent == nil && !it.user.crowded {
				_ = w.askFor(ctx, it, token) // asked again in the next round
			}
		}
		return false
	})
}

// tradeLeaders runs two managers that elect a leader, and takes the leader away in one way after the other.
func (w *world) tradeLeaders(ctx context.Context) {
	pair := []*keeper{w.keep(ctx, "a", "--leader-elect"), w.keep(ctx, "b", "--leader-elect")}
	defer func() {
		for _, k := range pair {
			k.end()
		}
	}()
	for _, trade := range w.form.trades {
		leader, other := w.leader(ctx, pair)
		w.t.Logf("The leader is %s", trade.name)
		was, _ := leader.current()
		w.must(trade.down(leader))
		w.wait(ctx, "another leader", func() bool { return other.leads() || restarted(leader, was) && leader.leads() })
		pause(ctx, trade.away)
		if trade.up != nil {
			w.must(trade.up(leader))
			w.wait(ctx, "the former leader to give up", func() bool { return restarted(leader, was) })
		}
		w.counted(func(c *counts) { c.trades++ })
		w.goesOn(ctx)
	}
}

func restarted(k *keeper, was any) bool {
	now, _ := k.current()
	return any(now) != was
}

// leader waits until one of the two leads.
func (w *world) leader(ctx context.Context, pair []*keeper) (leader, other *keeper) {
	w.wait(ctx, "a leader", func() bool {
		for i, k := range pair {
			if k.leads() {
				leader, other = k, pair[1-i]
				return true
			}
		}
		return false
	})
	return leader, other
}

// wait until the condition holds.
func (w *world) wait(ctx context.Context, what string, condition func() bool) {
	w.t.Helper()
	const limit = 2 * time.Minute
	for deadline := time.Now().Add(limit); !condition(); pause(ctx, samplePeriod) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			w.t.Fatalf("waited %s in vain for %s", limit, what)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
