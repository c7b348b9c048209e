// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// newSuspendCommand returns the command suspend.
func newSuspendCommand(s *session) *cobra.Command {
	command := &cobra.Command{
		Use:   "suspend (NAME… | -l SELECTOR | --all)",
		Short: "Pause AccessKeys: no rotation and no repair until they are resumed",
		Long: `Pause AccessKeys: the operator rotates and repairs nothing until they are resumed. Previous keys are still revoked on time, and deletion
still works. The current pair is not rotated before it expires.`,
		Example: `  kubectl accesskey suspend backup
  kubectl accesskey suspend --all --namespace team-a`,
	}
	return s.withSuspend(command, true)
}

// newResumeCommand returns the command resume.
func newResumeCommand(s *session) *cobra.Command {
	command := &cobra.Command{
		Use:   "resume (NAME… | -l SELECTOR | --all)",
		Short: "Let the operator work on suspended AccessKeys again",
		Long:  `Let the operator work on suspended AccessKeys again. It makes up at once for what was due meanwhile.`,
		Example: `  kubectl accesskey resume backup
  kubectl accesskey resume -l app=shop`,
	}
	return s.withSuspend(command, false)
}

// withSuspend lets a command set spec.suspend.
func (s *session) withSuspend(command *cobra.Command, suspend bool) *cobra.Command {
	selected := addSelection(s, command)
	command.RunE = func(command *cobra.Command, args []string) error {
		c, aks, err := selected.open(command.Context(), s, args)
		if err != nil {
			return err
		}
		var errs []error
		for i := range aks {
			errs = append(errs, s.setSuspend(command.Context(), c, &aks[i], suspend))
		}
		return errors.Join(errs...)
	}
	return command
}

func (s *session) setSuspend(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey, suspend bool) error {
	words := map[bool]string{true: "suspended", false: "resumed"}
	if ak.Suspended() == suspend {
		s.printf("%s: %s (unchanged)\n", ref(ak), words[suspend])
		return nil
	}
	patch := client.MergeFrom(ak.DeepCopy())
	ak.Spec.Suspend = nil
	if suspend {
		ak.Spec.Suspend = ptr.To(true)
	}
	if err := c.Patch(ctx, ak, patch, fieldOwner); err != nil {
		return fmt.Errorf("%s: %w", ref(ak), err)
	}
	s.printf("%s: %s\n", ref(ak), words[suspend])
	s.warnManaged(ak, "spec.suspend")
	return nil
}
