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

// listOptions are the flags of list.
type listOptions struct {
	selector             string
	allNamespaces, watch bool
	output               *output
}

// newListCommand returns the command list.
func newListCommand(s *session) *cobra.Command {
	o := &listOptions{}
	command := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List AccessKeys: those that need a person first, then by what happens next",
		Long: `List AccessKeys. Those that are stalled come first, because a person must act. The others follow in the order in which
something happens to them: a rotation, a revocation, or another attempt after a failure.

With --watch, each AccessKey that changes is printed again, until you press Ctrl-C.`,
		Example: `  kubectl accesskey list
  kubectl accesskey list --all-namespaces -o wide
  kubectl accesskey list --watch
  kubectl accesskey list -l app=shop -o name`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	flags := command.Flags()
	flags.StringVarP(&o.selector, "selector", "l", "", "List AccessKeys with these labels, as in kubectl get -l.")
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "List the AccessKeys of all namespaces.")
	flags.BoolVarP(&o.watch, "watch", "w", false, "Also print each AccessKey that changes, until you press Ctrl-C.")
	o.output = newOutput(command, formatWide)
	command.RunE = func(command *cobra.Command, _ []string) error { return s.list(command.Context(), o) }
	return command
}

func (s *session) list(ctx context.Context, o *listOptions) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	list, err := s.listAccessKeys(ctx, c, o.selector, o.allNamespaces)
	if err != nil {
		return err
	}
	entries := byUrgency(list.Items, s.now())
	show := s.entryPrinter(o)
	switch table, _ := o.output.table(); {
	case o.watch:
		if err := show(entries...); err != nil {
			return err
		}
		return s.watch(ctx, c, list, o, show)
	case !table:
		for i := range entries {
			list.Items[i] = *entries[i].ak
		}
		return o.output.print(s, list)
	case len(entries) == 0:
		return s.noAccessKeys(o.allNamespaces)
	default:
		return show(entries...)
	}
}

// entryPrinter returns what prints entries one after another: as rows of one table, or as objects.
func (s *session) entryPrinter(o *listOptions) func(...entry) error {
	isTable, wide := o.output.table()
	table := s.newTable(listColumns(o.allNamespaces), wide, "")
	return func(entries ...entry) error {
		rows := make([]row, 0, len(entries))
		for _, each := range entries {
			if !isTable {
				if err := o.output.print(s, each.ak); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, each.row(o.allNamespaces, s.now()))
		}
		return table.print(rows)
	}
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

func entryOf(ak *v1alpha1.AccessKey, now time.Time) entry {
	each := entry{ak: ak, health: healthOf(ak)}
	if steps := timeline(ak, nil, now); len(steps) > 0 {
		each.next = &steps[0]
	}
	return each
}

// byUrgency sorts AccessKeys: stalled ones first, then by when the next thing happens, then by name. Those for which nothing is
// planned come last.
func byUrgency(aks []v1alpha1.AccessKey, now time.Time) []entry {
	entries := make([]entry, 0, len(aks))
	for i := range aks {
		entries = append(entries, entryOf(aks[i].DeepCopy(), now))
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
