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

// ask requests rotations until ctx ends, in addition to those that are due.
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

// killManagers kills the manager again and again. The waits are exponential, so that some kills hit a manager that has just
// started.
func (w *world) killManagers(ctx context.Context, random *rand.Rand) {
	k := w.keep(ctx, "alone")
	defer k.end()
	// The kills interrupt the other half.
	w.wait(ctx, "half of the first pairs", func() bool { return len(w.operatorKeys()) > len(w.subjects)/2 })
	for range w.form.kills {
		pause(ctx, time.Duration(random.ExpFloat64()*float64(w.form.killEvery)))
		k.kill()
	}
}

// restartPlane kills etcd and kube-apiserver under a working manager, each for a moment.
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

// goesOn waits until a rotation that is requested now is done.
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
				_ = w.askFor(ctx, it, token) // the next round asks again
			}
		}
		return false
	})
}

// pauseLeaders runs two managers that elect a leader, and pauses the leader again and again, as if its node hung. It resumes
// in the middle of what it was doing, and believes that it still leads.
func (w *world) pauseLeaders(ctx context.Context) {
	pair := []*keeper{w.keep(ctx, "a", "--leader-elect"), w.keep(ctx, "b", "--leader-elect")}
	defer func() {
		for _, k := range pair {
			k.end()
		}
	}()
	for _, away := range w.form.pauses {
		leader, other := w.leader(ctx, pair)
		paused, _ := leader.current()
		w.must(paused.Pause())
		w.wait(ctx, "another leader", other.leads)
		pause(ctx, away)
		w.must(paused.Resume())
		w.wait(ctx, "the former leader to stop", func() bool {
			now, _ := leader.current()
			return now != paused
		})
		w.counted(func(c *counts) { c.pauses++ })
		w.goesOn(ctx)
	}
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
			w.t.Fatalf("no %s after %s", what, limit)
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
