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
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// newRenewCommand returns the command renew.
func newRenewCommand(s *session) *cobra.Command {
	command := &cobra.Command{
		Use:   "renew (NAME… | -l SELECTOR | --all)",
		Short: "Rotate the pairs of AccessKeys now",
		Long: `Rotate the pairs of AccessKeys now, whatever their schedule. The old pair works until the end of its overlap, as after a scheduled
rotation. If the old key has leaked, use kubectl accesskey compromised instead.

The command sets the annotation accesskey.dev/renew. The operator makes one rotation for each new value.`,
		Example: `  kubectl accesskey renew backup
  kubectl accesskey renew backup media --wait
  kubectl accesskey renew -l app=shop --all-namespaces --wait --timeout 10m`,
	}
	selected := addSelection(s, command)
	waiting := addWaiting(command, "the new pairs are published")
	command.RunE = func(command *cobra.Command, args []string) error {
		c, aks, err := selected.open(command.Context(), s, args)
		if err != nil {
			return err
		}
		return s.renew(command.Context(), c, aks, waiting)
	}
	return command
}

// renew requests a rotation of each AccessKey. One that cannot be rotated does not keep the others from it.
func (s *session) renew(ctx context.Context, c client.Client, aks []v1alpha1.AccessKey, w *waiting) error {
	token := s.now().Format(time.RFC3339Nano)
	var requested []v1alpha1.AccessKey
	var errs []error
	for i := range aks {
		ak := &aks[i]
		if err := renewable(ak); err != nil {
			errs = append(errs, err)
			continue
		}
		patch := client.MergeFrom(ak.DeepCopy())
		metav1.SetMetaDataAnnotation(&ak.ObjectMeta, v1alpha1.RenewAnnotation, token)
		if err := c.Patch(ctx, ak, patch, fieldOwner); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", ref(ak), err))
			continue
		}
		s.printf("%s: rotation requested\n", ref(ak))
		requested = append(requested, *ak)
	}
	if w.wait {
		errs = append(errs, s.wait(ctx, c, requested, w, func(ak *v1alpha1.AccessKey) verdict { return renewed(ak, token) }))
	}
	return errors.Join(errs...)
}

// renewable reports why the operator would not act on a request to rotate.
func renewable(ak *v1alpha1.AccessKey) error {
	switch {
	case !ak.DeletionTimestamp.IsZero():
		return fmt.Errorf("%s is being deleted, so it is not rotated", ref(ak))
	case ak.Suspended():
		return fmt.Errorf("%s is suspended, so it is not rotated; run kubectl accesskey resume %s first", ref(ak), ak.Name)
	}
	return nil
}

// renewed tells whether the rotation that the token requested is made.
func renewed(ak *v1alpha1.AccessKey, token string) verdict {
	if ak.Status.LastHandledRenewal != token || !meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady) {
		return progress(ak)
	}
	return verdict{done: true, text: fmt.Sprintf("rotated to access key %s; %s", plan.ShortID(ak.Status.AccessKeyID), fateOfFormer(ak))}
}

// fateOfFormer says what became of the pair that the current one replaced.
func fateOfFormer(ak *v1alpha1.AccessKey) string {
	i := slices.IndexFunc(ak.Status.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return p.ReplacedAt.Equal(&ak.Status.IssuedAt) })
	if i < 0 {
		return "the pair before does not work any more"
	}
	former := &ak.Status.PreviousKeys[i]
	return fmt.Sprintf("access key %s works until %s", plan.ShortID(former.AccessKeyID), stamp(plan.EndOfPrevious(ak, former)))
}
