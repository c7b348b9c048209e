// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// workRun is what the operator needed for a number of keys: to issue them, or to replace them.
type workRun struct {
	pace
	KubeWrites   float64 `json:"kubeWritesPerKey"`
	KubeReads    float64 `json:"kubeReadsPerKey"`
	ServiceCalls float64 `json:"serviceCallsPerKey"`
	CPUms        float64 `json:"cpuMillisecondsPerKey"`
	ServerCPUms  float64 `json:"serverCPUMillisecondsPerKey"`
	Passes       float64 `json:"passesPerKey"`
	PeakRSS      int     `json:"peakRSSBytes"`
	Kube         counts  `json:"kubeRequests"`
	Service      counts  `json:"serviceRequests"`
}

// spent is what it took to do something.
type spent struct {
	reading

	cpu    float64
	passes int
	// after is what the manager says of itself at the end.
	after usage
}

// spend measures what do takes. A manager that it starts counts from its start.
func (w *world) spend(ctx context.Context, do func() error) (s spent, err error) {
	reading, err := w.read(ctx)
	if err != nil {
		return s, err
	}
	var before usage
	if w.manager != nil {
		if before, err = w.manager.usage(ctx); err != nil {
			return s, err
		}
	}
	if err := do(); err != nil {
		return s, err
	}
	if s.after, err = w.manager.usage(ctx); err != nil {
		return s, err
	}
	after, err := w.read(ctx)
	s.reading = after.since(reading)
	s.cpu, s.passes = s.after.CPU-before.CPU, s.after.Passes-before.Passes
	return s, err
}

// work measures what do has the operator do to some keys, up to the last event and the last pass that it causes.
func (w *world) work(ctx context.Context, keys int, do func() (pace, error)) (run workRun, err error) {
	if err := w.manager.settle(ctx); err != nil {
		return run, err
	}
	s, err := w.spend(ctx, func() (err error) {
		if run.pace, err = do(); err != nil {
			return err
		}
		return w.manager.settle(ctx)
	})
	run.Kube, run.Service = s.kube, s.service
	run.KubeWrites, run.KubeReads = perKey(s.kube.writes(), keys), perKey(s.kube.reads(), keys)
	run.ServiceCalls = perKey(s.service.sum(), keys)
	run.ServerCPUms = 1000 * s.serverCPU / float64(keys)
	run.CPUms, run.Passes = 1000*s.cpu/float64(keys), perKey(s.passes, keys)
	run.PeakRSS = s.after.Peak
	return run, err
}

func (r workRun) say(what string) {
	say("%d keys: %s %.1f keys/s (%.1f s), %.1f ms CPU and %.1f passes per key, %.1f ms CPU of the API server, peak RSS %.0f MiB",
		r.Keys, what, r.KeysPerSecond, r.Seconds, r.CPUms, r.Passes, r.ServerCPUms, mib(r.PeakRSS))
	say("%d keys: %s: kube %s; service %s", r.Keys, what, r.Kube, r.Service)
}

// measureIssue has a fresh manager issue keys that clients apply as fast as they can.
func (w *world) measureIssue(ctx context.Context, _ pattern, r *round) error {
	if err := w.startManager(ctx); err != nil {
		return err
	}
	b, err := w.newBatch(ctx, "keys", r.Keys)
	if err != nil {
		return err
	}
	r.Issue, err = w.work(ctx, r.Keys, func() (p pace, err error) {
		err = w.profiles(ctx, fmt.Sprintf("issue-%d", r.Keys), r.Keys/120+1, func() error {
			p, err = w.apply(ctx, b)
			return err
		})
		return p, err
	})
	if err == nil {
		r.Issue.say("issued")
	}
	return err
}

// mostRotated are as many keys as are replaced.
const mostRotated = 1000

// measureRotate asks for new keys, with an overlap of a second: all that a rotation takes, without the wait for it.
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
	var err error
	r.Rotate, err = w.work(ctx, len(chosen), func() (pace, error) {
		t, err := trackUntil(ctx, w.kube, batch{name: "keys", count: len(chosen)}, func(ak *v1alpha1.AccessKey) bool {
			keyID, known := old[ak.UID]
			return known && isReady(ak) && ak.Status.KeyID != keyID && ak.Status.Intent == nil && len(ak.Status.PreviousKeys) == 0
		})
		if err != nil {
			return pace{}, err
		}
		err = each(ctx, w.clients, len(chosen), func(i int) error {
			base := chosen[i].DeepCopy()
			chosen[i].Annotations = map[string]string{v1alpha1.RenewAnnotation: "now"}
			chosen[i].Spec.RenewBefore.Duration = time.Second
			t.apply(base)
			return w.kube.Patch(ctx, &chosen[i], client.MergeFrom(base))
		})
		if err != nil {
			t.stop()
			return pace{}, err
		}
		return t.wait(ctx, workLimit(len(chosen)))
	})
	if err == nil {
		r.Rotate.say("replaced")
	}
	return err
}
