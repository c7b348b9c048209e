// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// selection is which AccessKeys a command is about: those that are named, those with certain labels, or all of them.
type selection struct {
	names              []string
	labels             string
	all, allNamespaces bool
}

// addSelection lets a command take NAME…, -l, --all and -A.
func addSelection(s *session, command *cobra.Command) *selection {
	selected := &selection{}
	flags := command.Flags()
	flags.StringVarP(&selected.labels, "selector", "l", "", "Select AccessKeys by their labels, as in kubectl get -l.")
	flags.BoolVar(&selected.all, "all", false, "Select all AccessKeys of the namespace.")
	flags.BoolVarP(&selected.allNamespaces, "all-namespaces", "A", false, "With --selector or --all, select in all namespaces.")
	command.ValidArgsFunction = s.completeAccessKeys(0)
	return selected
}

// check reports a selection that is empty or contradicts itself.
func (sel *selection) check() error {
	switch {
	case len(sel.names) == 0 && sel.labels == "" && !sel.all:
		return usageError("name an AccessKey, or use --selector or --all")
	case len(sel.names) > 0 && (sel.labels != "" || sel.all || sel.allNamespaces):
		return usageError("names go without --selector, --all and --all-namespaces")
	case sel.labels != "" && sel.all:
		return usageError("use either --selector or --all")
	}
	return nil
}

// open connects to the API server, and returns the AccessKeys of the command line.
func (sel *selection) open(ctx context.Context, s *session, names []string) (client.WithWatch, []v1alpha1.AccessKey, error) {
	sel.names = names
	c, err := s.client()
	if err != nil {
		return nil, nil, err
	}
	aks, err := sel.find(ctx, s, c)
	return c, aks, err
}

// find returns the selected AccessKeys. One that does not exist is an error, and so is a selection that finds nothing.
func (sel *selection) find(ctx context.Context, s *session, c client.Client) ([]v1alpha1.AccessKey, error) {
	if err := sel.check(); err != nil {
		return nil, err
	}
	if len(sel.names) == 0 {
		return sel.list(ctx, s, c)
	}
	var found []v1alpha1.AccessKey
	var errs []error
	for _, name := range sel.names {
		ak, err := s.accessKey(ctx, c, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !slices.ContainsFunc(found, func(other v1alpha1.AccessKey) bool { return other.Name == ak.Name }) {
			found = append(found, *ak)
		}
	}
	return found, errors.Join(errs...)
}

func (sel *selection) list(ctx context.Context, s *session, c client.Client) ([]v1alpha1.AccessKey, error) {
	list, err := s.listAccessKeys(ctx, c, sel.labels, sel.allNamespaces)
	if err == nil && len(list.Items) == 0 {
		err = errors.New("no AccessKey is selected; see kubectl accesskey list --all-namespaces")
	}
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// listAccessKeys lists the AccessKeys of the namespace, or of all namespaces, that have these labels.
func (s *session) listAccessKeys(ctx context.Context, c client.Client, selector string, allNamespaces bool) (*v1alpha1.AccessKeyList, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, usageError("--selector: %w", err)
	}
	namespace, err := s.namespaceOf(allNamespaces)
	if err != nil {
		return nil, err
	}
	list := &v1alpha1.AccessKeyList{}
	return list, c.List(ctx, list, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: parsed})
}

// accessKey returns the AccessKey with this name in the namespace. The name may have the kind before it, as list -o name prints it.
func (s *session) accessKey(ctx context.Context, c client.Client, name string) (*v1alpha1.AccessKey, error) {
	if kind, plain, both := strings.Cut(name, "/"); both && slices.Contains([]string{"accesskey", "accesskeys", "ak", "accesskey.accesskey.dev"}, kind) {
		name = plain
	}
	if err := checkName("AccessKey", name); err != nil {
		return nil, err
	}
	namespace, err := s.namespace()
	if err != nil {
		return nil, err
	}
	ak := &v1alpha1.AccessKey{}
	err = c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, ak)
	if apierrors.IsNotFound(err) {
		err = fmt.Errorf("namespace %s has no AccessKey %s; see kubectl accesskey list --all-namespaces", namespace, name)
	}
	return ak, err
}

// ref names an AccessKey in a message.
func ref(ak *v1alpha1.AccessKey) string { return ak.Namespace + "/" + ak.Name }
