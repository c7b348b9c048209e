// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"accesskey.dev/operator/api/v1alpha1"
)

// newListCommand returns the command list.
func newListCommand(s *session) *cobra.Command {
	var selector string
	var allNamespaces bool
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List AccessKeys: those that need a person first, then by what happens next",
		Long: `List AccessKeys. Those that are stalled come first, because a person must act. The others follow in the order in which
something happens to them: a rotation, a revocation, or another attempt after a failure.`,
		Example: `  kubectl accesskey list
  kubectl accesskey list --all-namespaces -o wide
  kubectl accesskey list -l app=shop -o name`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	command.Flags().StringVarP(&selector, "selector", "l", "", "List AccessKeys with these labels, as in kubectl get -l.")
	command.Flags().BoolVarP(&allNamespaces, "all-namespaces", "A", false, "List the AccessKeys of all namespaces.")
	out := newOutput(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		return s.list(command.Context(), selector, allNamespaces, out)
	}
	return command
}

func (s *session) list(ctx context.Context, selector string, allNamespaces bool, out *output) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	list, err := s.listAccessKeys(ctx, c, selector, allNamespaces)
	if err != nil {
		return err
	}
	now := s.now()
	entries := byUrgency(list.Items, now)
	for i := range entries {
		list.Items[i] = *entries[i].ak
	}
	table, wide := out.table()
	switch {
	case !table:
		return out.print(s, list)
	case len(list.Items) == 0:
		return s.noAccessKeys(allNamespaces)
	}
	rows := make([]row, 0, len(entries))
	for _, each := range entries {
		rows = append(rows, each.row(allNamespaces, now))
	}
	return s.printTable(listColumns(allNamespaces), rows, wide, "")
}

func (s *session) noAccessKeys(allNamespaces bool) error {
	if allNamespaces {
		s.notef("No AccessKeys found.\n")
		return nil
	}
	namespace, err := s.namespace()
	s.notef("No AccessKeys found in namespace %s.\n", namespace)
	return err
}

// entry is an AccessKey in the list.
type entry struct {
	ak     *v1alpha1.AccessKey
	health health
	// next is what happens next; nil if nothing is planned.
	next *step
}

// byUrgency sorts AccessKeys: stalled ones first, then by when the next thing happens, then by name. Those for which nothing is
// planned come last.
func byUrgency(aks []v1alpha1.AccessKey, now time.Time) []entry {
	entries := make([]entry, 0, len(aks))
	for i := range aks {
		each := entry{ak: aks[i].DeepCopy(), health: healthOf(&aks[i])}
		if steps := timeline(&aks[i], nil, now); len(steps) > 0 {
			each.next = &steps[0]
		}
		entries = append(entries, each)
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(
			-compareBool(a.health.stalled, b.health.stalled),
			-compareBool(a.next != nil, b.next != nil),
			compareNext(a.next, b.next),
			cmp.Compare(a.ak.Namespace, b.ak.Namespace),
			cmp.Compare(a.ak.Name, b.ak.Name),
		)
	})
	return entries
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func compareNext(a, b *step) int {
	if a == nil || b == nil {
		return 0
	}
	return a.at.Compare(b.at)
}

func listColumns(allNamespaces bool) []metav1.TableColumnDefinition {
	columns := []metav1.TableColumnDefinition{
		column("Name"), column("Ready"), column("Service"), column("Next"), column("When"), column("Reason"),
		wideColumn("User"), wideColumn("Secret"), wideColumn("Key ID"), wideColumn("Revision"), wideColumn("Expires"), wideColumn("Age"),
	}
	if allNamespaces {
		columns = slices.Insert(columns, 0, column("Namespace"))
	}
	return columns
}

func (e entry) row(allNamespaces bool, now time.Time) row {
	ak := e.ak
	next, when := "-", "-"
	if e.next != nil {
		next, when = e.next.what, e.next.when(now)
	}
	expires := "-"
	if !ak.Status.ExpiresAt.IsZero() {
		expires = stamp(ak.Status.ExpiresAt.Time)
	}
	cells := []any{
		ak.Name, e.health.ready, serviceName(ak), next, when, e.health.reason,
		orElse(ak.Spec.User, "-"), orElse(ak.Status.SecretName, "-"), orElse(ak.Status.AccessKeyID, "-"), strconv.FormatInt(ak.Status.Revision, 10),
		expires, duration.HumanDuration(now.Sub(ak.CreationTimestamp.Time)),
	}
	if allNamespaces {
		cells = slices.Insert(cells, 0, any(ak.Namespace))
	}
	return row{cells, e.health.tone}
}

// serviceName names the service of an AccessKey. The kind is usually KeyService.
func serviceName(ak *v1alpha1.AccessKey) string {
	if ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService {
		return fmt.Sprintf("%s/%s", v1alpha1.KindClusterKeyService, ak.Spec.ServiceRef.Name)
	}
	return ak.Spec.ServiceRef.Name
}
