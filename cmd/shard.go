// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	"accesskey.dev/operator/internal/controller"
)

const (
	// defaultLease is the one that a leader is elected by.
	defaultLease = "accesskey-operator"
	// servicesLease is held by the shard that looks after the key services.
	servicesLease = "accesskey-operator-services"
)

// parseShard reads --shard-selector, nil for none. What would make two shards one, or one of nothing, is refused.
func parseShard(text string, o options) (labels.Selector, error) {
	if o.lease == "" || o.lease == servicesLease {
		return nil, fmt.Errorf("--leader-election-id can't be %q", o.lease)
	}
	if text == "" {
		return nil, nil // all AccessKeys
	}
	selector, err := labels.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--shard-selector is no label selector: %w", err)
	case selector.Empty():
		return nil, fmt.Errorf("--shard-selector=%q selects every AccessKey: leave it out for that", text)
	case o.leaderElect && o.lease == defaultLease:
		return nil, fmt.Errorf("--shard-selector needs a --leader-election-id other than %s: with one lease, one of the shards works only", defaultLease)
	}
	return selector, nil
}

func (o options) newShard() *controller.Shard {
	if o.shard == nil {
		return nil
	}
	return &controller.Shard{Selector: o.shard}
}

// servicesElection is nil for a manager that is the only one.
func (o options) servicesElection() *controller.Election {
	if o.shard == nil {
		return nil
	}
	return &controller.Election{
		Namespace: clusterNamespace(), Name: servicesLease,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
	}
}
