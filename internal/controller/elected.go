// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Election is how several shards agree which of them looks after the key services.
type Election struct {
	// Namespace and Name of the lease.
	Namespace, Name                           string
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration
}

// elected is a manager whose controllers run while it holds a lease of their own.
type elected struct {
	ctrl.Manager
	election    Election
	controllers []manager.Runnable
}

// Add keeps a controller for later.
func (e *elected) Add(controller manager.Runnable) error {
	e.controllers = append(e.controllers, controller)
	return nil
}

// Start waits for the lease and runs the controllers. The end of the lease is an error, which ends the manager.
func (e *elected) Start(ctx context.Context) error {
	lock, err := e.lock()
	if err != nil {
		return err
	}
	leading, cancel := context.WithCancel(ctx)
	defer cancel()
	var led atomic.Bool
	ended := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		Name:            e.election.Name,
		LeaseDuration:   e.election.LeaseDuration,
		RenewDeadline:   e.election.RenewDeadline,
		RetryPeriod:     e.election.RetryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				led.Store(true)
				ended <- e.run(ctx)
				cancel()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("electing who looks after the key services: %w", err)
	}
	elector.Run(leading)
	if led.Load() {
		err = <-ended
	}
	if err == nil && ctx.Err() == nil {
		err = fmt.Errorf("lost the lease %s", e.election.Name)
	}
	return err
}

func (e *elected) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, controller := range e.controllers {
		group.Go(func() error { return controller.Start(ctx) })
	}
	return group.Wait()
}

func (e *elected) lock() (resourcelock.Interface, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("electing who looks after the key services: %w", err)
	}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, e.election.Namespace, e.election.Name,
		resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())}, rest.CopyConfig(e.GetConfig()), e.election.RenewDeadline)
	if err != nil {
		return nil, fmt.Errorf("electing who looks after the key services: %w", err)
	}
	return lock, nil
}
