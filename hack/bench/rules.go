// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"accesskey.dev/operator/api/v1alpha1"
)

const (
	// patched are the AccessKeys whose statuses are patched, patches how often each of them.
	patched = 200
	patches = 10
)

// rulesRun is what a status patch takes of the API server, in milliseconds of CPU, with the CRD's rules and without.
type rulesRun struct{ with, without float64 }

// measureRules patches statuses in turn in the group with rules and in the one without, twice.
func (w *world) measureRules(ctx context.Context, p pattern, r *round) error {
	r.rules = &rulesRun{}
	b, err := w.newBatch(ctx, "rules", patched)
	if err != nil {
		return err
	}
	for _, group := range []string{floorGroup, bareGroup} {
		kube, err := w.clientOf(group)
		if err != nil {
			return err
		}
		if err := each(ctx, w.clients, patched, func(i int) error { return kube.Create(ctx, b.accessKey(i)) }); err != nil {
			return err
		}
	}
	for range 2 {
		with, err := w.measurePatches(ctx, floorGroup, b, p)
		if err != nil {
			return err
		}
		without, err := w.measurePatches(ctx, bareGroup, b, p)
		if err != nil {
			return err
		}
		r.rules.with, r.rules.without = r.rules.with+with/2, r.rules.without+without/2
	}
	return nil
}

// measurePatches returns the milliseconds of the API server's CPU that one patch takes.
func (w *world) measurePatches(ctx context.Context, group string, b batch, p pattern) (float64, error) {
	kube, err := w.clientOf(group)
	if err != nil {
		return 0, err
	}
	took, err := w.measure(ctx, "Status patches in "+group, func() (pace, error) {
		return pace{}, each(ctx, w.clients, patched, func(i int) error {
			ak := b.accessKey(i)
			for n := range patches {
				base := ak.DeepCopy()
				status := []*v1alpha1.AccessKeyStatus{&p.intent, &p.issued}[n%2]
				status.DeepCopyInto(&ak.Status)
				if err := kube.Status().Patch(ctx, ak, client.MergeFrom(base)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return 1000 * took.serverCPU / (patched * patches), err
}

// withoutRules returns a CRD without its rules in CEL.
func withoutRules(crd []byte) ([]byte, error) {
	var object map[string]any
	if err := yaml.Unmarshal(crd, &object); err != nil {
		return nil, err
	}
	removeRules(object)
	return yaml.Marshal(object)
}

func removeRules(value any) {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "x-kubernetes-validations")
		for _, each := range value {
			removeRules(each)
		}
	case []any:
		for _, each := range value {
			removeRules(each)
		}
	}
}
