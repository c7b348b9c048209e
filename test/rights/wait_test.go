// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// issued waits until an AccessKey is at rest with this revision.
func (s *story) issued(ctx context.Context, name string, revision int64) error {
	return s.eventually(ctx, func() error {
		ak, err := s.get(ctx, name)
		if err == nil && (ak.Status.Revision != revision || !atRest(ak)) {
			err = fmt.Errorf("revision %d is not issued; %w", revision, s.describe(ctx, name))
		}
		return err
	})
}

// atRest reports whether an AccessKey is Ready and nothing is in progress or failing.
func atRest(ak *v1alpha1.AccessKey) bool {
	is := func(condition string) bool { return meta.IsStatusConditionTrue(ak.Status.Conditions, condition) }
	return is(v1alpha1.ConditionReady) && is(v1alpha1.ConditionSynced) && !is(v1alpha1.ConditionReconciling) && !is(v1alpha1.ConditionStalled)
}

func (s *story) get(ctx context.Context, name string) (*v1alpha1.AccessKey, error) {
	ak := s.named(name)
	err := kube.Get(ctx, client.ObjectKeyFromObject(ak), ak)
	return ak, err
}

// describe returns an error with the status of an AccessKey.
func (s *story) describe(ctx context.Context, name string) error {
	ak, err := s.get(ctx, name)
	return errors.Join(err, fmt.Errorf("AccessKey %s has %+v", name, ak.Status))
}

func (s *story) stalled(ctx context.Context, name string) error {
	ak, err := s.get(ctx, name)
	if err == nil && !meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionStalled) {
		err = fmt.Errorf("not stalled; %w", s.describe(ctx, name))
	}
	return err
}

func (s *story) gone(ctx context.Context, objects ...client.Object) error {
	for _, object := range objects {
		if err := s.eventually(ctx, func() error {
			err := kube.Get(ctx, client.ObjectKeyFromObject(object), object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(err, fmt.Errorf("%T %s still exists", object, object.GetName()))
		}); err != nil {
			return err
		}
	}
	return nil
}

// eventually waits until the check returns no error. It moves the clock forward while it waits.
func (s *story) eventually(ctx context.Context, check func() error) error {
	const patience, poll = 90 * time.Second, 20 * time.Millisecond
	for begin := time.Now(); ; time.Sleep(poll) {
		s.clock.Step(50 * time.Millisecond)
		if s.until() {
			return errEnough
		}
		err := check()
		if err == nil || ctx.Err() != nil || time.Since(begin) > patience {
			return err
		}
	}
}
