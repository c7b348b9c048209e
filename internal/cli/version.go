// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/prometheus/common/version"
	"github.com/spf13/cobra"

	"accesskey.dev/operator/api/v1alpha1"
)

// newVersionCommand returns the command version.
func newVersionCommand(s *session) *cobra.Command {
	clientOnly := false
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the plugin, and the API that the cluster serves",
		Example: `  kubectl accesskey version
  kubectl accesskey version --client`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			s.printf("plugin:  %s (commit %s)\n", orElse(version.Version, "dev"), orElse(version.GetRevision(), "unknown"))
			if clientOnly {
				return nil
			}
			served, err := s.servedAPI()
			if err != nil {
				return err
			}
			s.printf("cluster: %s\n", served)
			return nil
		},
	}
	command.Flags().BoolVar(&clientOnly, "client", false, "Do not ask the cluster.")
	return command
}

// servedAPI returns the version of the API of accesskey-operator that the cluster serves.
func (s *session) servedAPI() (string, error) {
	c, err := s.client()
	if err != nil {
		return "", err
	}
	mapping, err := c.RESTMapper().RESTMapping(v1alpha1.GroupVersion.WithKind("AccessKey").GroupKind(), v1alpha1.GroupVersion.Version)
	if err != nil {
		return "", err
	}
	return mapping.GroupVersionKind.GroupVersion().String(), nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
