// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"accesskey.dev/operator/api/v1alpha1"
)

// newStatusCommand returns the command status.
func newStatusCommand(s *session) *cobra.Command {
	command := &cobra.Command{
		Use:   "status NAME",
		Short: "Show an AccessKey: what is wrong, what comes next and when, who still uses an old key",
		Long: `Show an AccessKey: its pair and its key service, what is wrong and what to do about it, what comes next and when, the previous
keys, the containers that use the Secret, and the last events.

The containers come from the Pods of the namespace, and the state of the service from the KeyService. If you may not read one of them, the
output leaves it out and names the missing right.`,
		Example: `  kubectl accesskey status backup
  kubectl accesskey status backup --namespace team-a
  kubectl accesskey status backup -o jsonpath='{.key.expiresAt}'`,
		Args:              arguments("NAME"),
		ValidArgsFunction: s.completeAccessKeys(1),
	}
	o := newOutput(command)
	command.RunE = func(command *cobra.Command, args []string) error { return s.status(command.Context(), args[0], o) }
	return command
}

// status prints what is known about an AccessKey.
func (s *session) status(ctx context.Context, name string, o *output) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	ak, err := s.accessKey(ctx, c, name)
	if err != nil {
		return err
	}
	r := s.report(ctx, c, ak)
	if o.text() {
		return statusText{s, r, s.now()}.print(ref(ak))
	}
	return s.printReport(ak, r, o)
}

// printReport prints a report as an object.
func (s *session) printReport(ak *v1alpha1.AccessKey, r *accessKeyReport, o *output) error {
	object, err := newObject("AccessKeyReport", ak.Name, r)
	if err != nil {
		return err
	}
	object.SetNamespace(ak.Namespace)
	return o.print(s, object)
}
