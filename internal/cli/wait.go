// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

const (
	// pollPeriod is how often a wait reads the AccessKeys.
	pollPeriod = time.Second
	// patience is how long an AccessKey must be stalled before a wait ends: it may have been stalled before, and recover.
	patience = 10 * time.Second
)

// waiting are the flags --wait and --timeout.
type waiting struct {
	wait    bool
	timeout time.Duration
}

func addWaiting(command *cobra.Command, what string) *waiting {
	w := &waiting{}
	command.Flags().BoolVar(&w.wait, "wait", false, "Wait until "+what+", and show the progress.")
	command.Flags().DurationVar(&w.timeout, "timeout", 5*time.Minute, "How long --wait waits at most.")
	return w
}

// verdict is what a person who waits wants to know about an AccessKey.
type verdict struct {
	text string
	// done reports whether the wait is over, and stalled whether it will not be over unless a person acts.
	done, stalled bool
	// failed reports whether the wait can never succeed.
	failed bool
}

// judge tells how far an AccessKey is.
type judge func(*v1alpha1.AccessKey) verdict

// watched is an AccessKey that somebody waits for.
type watched struct {
	key client.ObjectKey
	verdict
	stalledSince time.Time
}

// wait waits until all AccessKeys are done, and prints each change. It returns an error that says why those that are not done are not.
func (s *session) wait(ctx context.Context, c client.Client, aks []v1alpha1.AccessKey, w *waiting, judge judge) error {
	open := make([]*watched, 0, len(aks))
	for i := range aks {
		open = append(open, &watched{key: client.ObjectKeyFromObject(&aks[i])})
	}
	var failures []error
	err := wait.PollUntilContextTimeout(ctx, pollPeriod, w.timeout, true, func(ctx context.Context) (bool, error) {
		for _, each := range open {
			if err := s.look(ctx, c, each, judge); err != nil {
				return false, err
			}
			if each.failed {
				failures = append(failures, fmt.Errorf("%s: %s", each.key, each.text))
			}
		}
		open = slices.DeleteFunc(open, func(each *watched) bool { return each.done || each.failed })
		return len(open) == 0, nil
	})
	if err != nil && !wait.Interrupted(err) {
		return errors.Join(append(failures, err)...)
	}
	end := "not done after " + w.timeout.String()
	if ctx.Err() != nil {
		end = "interrupted"
	}
	for _, each := range open {
		failures = append(failures, fmt.Errorf("%s: %s: %s", each.key, end, each.text))
	}
	return errors.Join(failures...)
}

// look reads an AccessKey, and prints how far it is if that changed.
func (s *session) look(ctx context.Context, c client.Client, each *watched, judge judge) error {
	ak := &v1alpha1.AccessKey{}
	switch err := c.Get(ctx, each.key, ak); {
	case apierrors.IsNotFound(err):
		each.verdict = verdict{text: "the AccessKey was deleted", failed: true}
		return nil
	case ctx.Err() != nil: // the time is over
		return ctx.Err()
	case err != nil:
		return err
	}
	before := each.text
	each.update(judge(ak), s.now())
	if each.text != before {
		s.printf("%s: %s\n", each.key, each.text)
	}
	return nil
}

// update records a verdict. The wait fails once the AccessKey has been stalled for a while.
func (w *watched) update(v verdict, now time.Time) {
	switch {
	case !v.stalled:
		w.stalledSince = time.Time{}
	case w.stalledSince.IsZero():
		w.stalledSince = now
	case now.Sub(w.stalledSince) >= patience:
		v.failed = true
	}
	w.verdict = v
}

// progress tells how far an AccessKey is that has not done yet what a person waits for.
func progress(ak *v1alpha1.AccessKey) verdict {
	if !ak.DeletionTimestamp.IsZero() {
		return verdict{text: "the AccessKey is being deleted", failed: true}
	}
	for _, name := range []string{v1alpha1.ConditionStalled, v1alpha1.ConditionReconciling} {
		if condition := meta.FindStatusCondition(ak.Status.Conditions, name); condition != nil {
			stalled := name == v1alpha1.ConditionStalled && ak.Status.Intent == nil
			return verdict{text: fmt.Sprintf("%s (%s): %s", name, condition.Reason, condition.Message), stalled: stalled}
		}
	}
	if ready := meta.FindStatusCondition(ak.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status != "True" {
		return verdict{text: fmt.Sprintf("not ready (%s): %s", ready.Reason, ready.Message)}
	}
	return verdict{text: "waiting for the operator"}
}
