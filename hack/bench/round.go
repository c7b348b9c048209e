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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/admin"
)

const (
	// resync is the period of the manager that is observed when it has nothing to do: sixty times the default's pace.
	resync = 10 * time.Second
	// warmUp is how many keys the operator issues, and the floor writes, before anything is measured.
	warmUp = 32
	// fullSpeed is a rateLimit that does not limit.
	fullSpeed = 10000
)

// round is what was measured with one number of keys.
type round struct {
	Keys int `json:"keys"`
	// Sizes of what is stored for one key, bytes.
	Sizes sizes `json:"sizes"`

	Floors []floorRun `json:"floors"`
	Issue  workRun    `json:"issue"`
	// Rotate is of a thousand keys at most.
	Rotate workRun `json:"rotate"`
	// Restart has the default flags, Idle a resync period of ten seconds.
	Restart restartRun `json:"restart"`
	Idle    idleRun    `json:"idle"`
	Slow    *slowRun   `json:"slow,omitempty"`
}

type floorRun struct {
	pace
	KubeWrites   float64 `json:"kubeWritesPerKey"`
	ServiceCalls float64 `json:"serviceCallsPerKey"`
	ServerCPUms  float64 `json:"serverCPUMillisecondsPerKey"`
}

// runRound measures on a control plane of its own: the floor, the operator, the floor again.
func runRound(ctx context.Context, o options, keys int, slow bool) (r round, err error) {
	r.Keys = keys
	say("%d keys: starting a control plane", keys)
	w, err := newWorld(ctx, o, 3*keys+2*warmUp+slowUsers)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	p, err := w.prepare(ctx)
	if err != nil {
		return r, err
	}
	r.Sizes = p.sizes
	steps := []func(context.Context, pattern, *round) error{w.measureFloor, w.measureIssue, w.measureRotate, w.measureRestart, w.measureIdle, w.measureFloor}
	if slow {
		steps = append(steps, w.measureSlow)
	}
	for _, step := range steps {
		if err := step(ctx, p, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

// prepare fills the cluster, and has a few keys issued, to learn what the operator writes and to warm everything up.
func (w *world) prepare(ctx context.Context) (p pattern, err error) {
	if err := w.fill(ctx); err != nil {
		return p, fmt.Errorf("making unrelated Secrets: %w", err)
	}
	if err := w.keyService(ctx, "qumulo", func(spec *v1alpha1.KeyServiceSpec, account admin.Account) {
		spec.Qumulo = &v1alpha1.QumuloService{URL: account.Spec["url"], TokenSecretRef: &v1alpha1.TokenReference{Name: "qumulo", Key: "token"}}
	}); err != nil {
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
	if b, err = w.newBatch(ctx, "warm-floor", warmUp); err != nil {
		return p, err
	}
	f, _, err := w.runFloor(ctx, p, b)
	if err != nil {
		return p, err
	}
	return p, f.clean(ctx)
}

// keyService makes a ClusterKeyService that everybody may use, with its credentials.
func (w *world) keyService(ctx context.Context, name string, fill func(*v1alpha1.KeyServiceSpec, admin.Account)) error {
	account := w.simulators.Accounts[name]
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name}, StringData: account.Secret}
	service := &v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: name}}
	spec := service.GetSpec()
	spec.TLS = &v1alpha1.TLS{CABundle: account.CA}
	spec.RateLimit = v1alpha1.RateLimit{QPS: fullSpeed, Burst: fullSpeed}
	spec.S3 = &v1alpha1.S3{Endpoint: "https://s3.example:9000", Region: "us-east-1"}
	fill(spec, account)
	service.Spec.Grants = []v1alpha1.Grant{{NamespaceSelector: &metav1.LabelSelector{}, Users: []string{"*"}}}
	return errors.Join(w.kube.Create(ctx, credentials), w.kube.Create(ctx, service))
}

func (w *world) measureFloor(ctx context.Context, p pattern, r *round) error {
	b, err := w.newBatch(ctx, fmt.Sprintf("floor-%d", len(r.Floors)), r.Keys)
	if err != nil {
		return err
	}
	before, err := w.read(ctx)
	if err != nil {
		return err
	}
	run := floorRun{}
	f, took, err := w.runFloor(ctx, p, b)
	if err != nil {
		return err
	}
	run.pace = took
	after, err := w.read(ctx)
	if err != nil {
		return err
	}
	taken := after.since(before)
	run.KubeWrites, run.ServiceCalls = perKey(taken.kube.writes(), r.Keys), perKey(taken.service.sum(), r.Keys)
	run.ServerCPUms = 1000 * taken.serverCPU / float64(r.Keys)
	r.Floors = append(r.Floors, run)
	say("%d keys: floor %.1f keys/s (%.1f s), %.2f writes and %.2f calls per key, %.1f ms CPU of the API server",
		r.Keys, run.KeysPerSecond, run.Seconds, run.KubeWrites, run.ServiceCalls, run.ServerCPUms)
	return f.clean(ctx)
}

func perKey(n, keys int) float64 { return float64(n) / float64(keys) }

func mib(bytes int) float64 { return float64(bytes) / (1 << 20) }

// issuedKeys are all that the operator has to look after.
func (w *world) issuedKeys(ctx context.Context) (int, error) {
	var all v1alpha1.AccessKeyList
	err := w.kube.List(ctx, &all, client.UnsafeDisableDeepCopy)
	return len(all.Items), err
}
