// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// completeNames completes the names of objects in the namespace: as many as most, or any number if it is 0. It leaves out those that
// are in the command line already.
func (s *session) completeNames(list client.ObjectList, most int) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		namespace, err := s.namespace()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		names, err := s.names(command, list, namespace)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) }), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeAccessKeys completes the names of AccessKeys: as many as most, or any number if it is 0.
func (s *session) completeAccessKeys(most int) cobra.CompletionFunc {
	return s.completeNames(&v1alpha1.AccessKeyList{}, most)
}

// completeServices completes SERVICE: the names of KeyServices, and those of ClusterKeyServices with their kind, if the user may list them.
func (s *session) completeServices(a *serviceArgument) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if a.cluster {
			return s.completeNames(&v1alpha1.ClusterKeyServiceList{}, 1)(command, args, word)
		}
		names, directive := s.completeNames(&v1alpha1.KeyServiceList{}, 1)(command, args, word)
		if len(args) > 0 {
			return names, directive
		}
		shared, err := s.names(command, &v1alpha1.ClusterKeyServiceList{}, "")
		for _, name := range shared {
			names = append(names, "clusterkeyservice/"+name)
		}
		if err == nil {
			directive = cobra.ShellCompDirectiveNoFileComp
		}
		return names, directive
	}
}

// names lists the names of objects; in the whole cluster if the namespace is empty.
func (s *session) names(command *cobra.Command, list client.ObjectList, namespace string) (names []string, err error) {
	c, err := s.client()
	if err != nil {
		return nil, err
	}
	if err := c.List(command.Context(), list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	objects, err := meta.ExtractList(list)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if accessor, err := meta.Accessor(object); err == nil {
			names = append(names, accessor.GetName())
		}
	}
	return names, nil
}

// completeFlags completes the flags of kubectl that name something: namespaces in the cluster, and the parts of the kubeconfig.
func (s *session) completeFlags(root *cobra.Command) {
	complete := map[string]cobra.CompletionFunc{
		"namespace": func(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			names, err := s.names(command, &corev1.NamespaceList{}, "")
			if err != nil { // many users may not list namespaces
				return nil, cobra.ShellCompDirectiveError
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		"context": func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			config, err := s.config.ToRawKubeConfigLoader().RawConfig()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return slices.Sorted(maps.Keys(config.Contexts)), cobra.ShellCompDirectiveNoFileComp
		},
	}
	for flag, function := range complete {
		if err := root.RegisterFlagCompletionFunc(flag, function); err != nil {
			panic(err) // the flag does not exist: a defect of the program
		}
	}
}
