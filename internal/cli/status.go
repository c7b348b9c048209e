// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// newStatusCommand returns the command status.
func newStatusCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "status NAME",
		Short: "Show an AccessKey: what is wrong, what comes next and when, who still uses an old key",
		Long: `Show an AccessKey: its pair and its key service, what is wrong and what to do about it, what comes next and when, the previous
keys, the containers that use the Secret, and the last events.

The containers come from the Pods of the namespace, and the state of the service from the KeyService. If you may not read one of them, the
output leaves it out and names the missing right.`,
		Example: `  kubectl accesskey status backup
  kubectl accesskey status backup --namespace team-a`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.completeAccessKeys(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			ak, err := s.accessKey(command.Context(), c, args[0])
			if err != nil {
				return err
			}
			return s.status(command.Context(), c, ak)
		},
	}
}

// status prints all sections about an AccessKey.
func (s *session) status(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey) error {
	now, view := s.now(), readService(ctx, c, ak)
	s.headline(ak)
	s.troubles(ak)
	s.facts(ak, view, now)
	s.timeline(timeline(ak, view.limits, now), now)
	if err := s.previousKeys(ak, now); err != nil {
		return err
	}
	if err := s.consumers(ctx, c, ak, now); err != nil {
		return err
	}
	return s.events(ctx, c, ak, now)
}

func (s *session) headline(ak *v1alpha1.AccessKey) {
	health := healthOf(ak)
	word, t := "Ready", good
	switch {
	case health.stalled:
		word, t = "Stalled", bad
	case health.ready != string(metav1.ConditionTrue):
		word, t = "Not ready", health.tone
	}
	if ak.Suspended() {
		word += ", suspended"
	}
	s.printf("AccessKey %s: %s\n", s.paint(bold, ref(ak)), s.paint(t, word))
	if ak.Generation != ak.Status.ObservedGeneration {
		s.printf("The operator has not acted on the last change of the spec yet.\n")
	}
}

// troubles prints what is wrong, and what the documentation says about it.
func (s *session) troubles(ak *v1alpha1.AccessKey) {
	for _, condition := range troubles(ak) {
		t := warn
		if condition.Type == v1alpha1.ConditionStalled {
			t = bad
		}
		s.printf("\n%s\n", s.paint(t, condition.Type+"="+string(condition.Status)+": "+condition.Reason))
		s.printf("  %s\n", condition.Message)
		if advice, ok := adviceOn(condition.Type, string(condition.Status), condition.Reason); ok && advice.todo != "" {
			s.printf("  What to do: %s.\n", strings.TrimSuffix(advice.todo, "."))
		}
	}
}

// facts prints what the AccessKey has.
func (s *session) facts(ak *v1alpha1.AccessKey, view serviceView, now time.Time) {
	status := &ak.Status
	fact := func(name, format string, args ...any) {
		s.printf("%-9s "+format+"\n", append([]any{name + ":"}, args...)...)
	}
	s.printf("\n")
	if status.KeyID == "" {
		fact("Key", "none yet")
	} else {
		fact("Key", "%s, revision %d, issued %s (%s)", plan.ShortID(status.AccessKeyID), status.Revision, ago(status.IssuedAt.Time, now), status.IssueReason)
	}
	if status.KeyID != "" && status.KeyID != status.AccessKeyID {
		fact("Key ID", "%s", status.KeyID)
	}
	fact("Secret", "%s", orElse(status.SecretName, ak.SecretName()+", not written yet"))
	fact("User", "%s", orElse(ak.Spec.User, "the user of the service's credentials"))
	if !status.ExpiresAt.IsZero() {
		fact("Expires", "%s", stamp(status.ExpiresAt.Time))
	} else if status.KeyID != "" {
		fact("Expires", "never, and is not rotated by itself: spec.ttl is not set")
	}
	fact("Service", "%s", view.text)
	if restart := status.Restart; restart != nil && len(restart.Pending) > 0 {
		fact("Restart", "not done for %s: %s", join(restart.Pending), orElse(restart.Message, "under way"))
	}
}

// join lists workloads.
func join(workloads []v1alpha1.Workload) string {
	names := make([]string, len(workloads))
	for i, workload := range workloads {
		names[i] = workload.String()
	}
	return strings.Join(names, ", ")
}

// timeline prints what comes next.
func (s *session) timeline(steps []step, now time.Time) {
	s.printf("\n%s\n", s.paint(bold, "What comes next"))
	if len(steps) == 0 {
		s.printf("  Nothing is planned.\n")
	}
	for _, each := range steps {
		t, at := plain, stamp(each.at)
		if each.held || each.at.Before(now.Add(-time.Minute)) {
			t = warn
		}
		if each.held {
			at = "-"
		}
		s.printf("  %s  %s  %s\n", s.paint(t, pad(each.when(now), 12)), pad(at, len(time.RFC3339)-5), each.detail)
	}
}

func pad(text string, width int) string { return text + strings.Repeat(" ", max(width-len(text), 0)) }

// previousKeys prints the keys in their overlap and in quarantine.
func (s *session) previousKeys(ak *v1alpha1.AccessKey, now time.Time) error {
	if len(ak.Status.PreviousKeys) == 0 {
		return nil
	}
	rows := make([]row, 0, len(ak.Status.PreviousKeys))
	for i := range ak.Status.PreviousKeys {
		previous := &ak.Status.PreviousKeys[i]
		ends := step{at: plan.EndOfPrevious(ak, previous)}
		if ak.Compromised(previous.KeyID, previous.AccessKeyID) {
			ends.at = now
		}
		rows = append(rows, row{cells: []any{
			plan.ShortID(previous.AccessKeyID), orElse(string(previous.State), string(v1alpha1.KeyActive)), duration.HumanDuration(now.Sub(previous.IssuedAt.Time)) + " ago",
			orElse(string(previous.ReplaceReason), "-"), ago(previous.LastUsedAt.Time, now), ends.when(now),
		}})
	}
	s.printf("\n%s\n", s.paint(bold, "Previous keys"))
	columns := []metav1.TableColumnDefinition{
		column("Access key"), column("State"), column("Issued"), column("Replaced because"), column("Last used"), column("Ends"),
	}
	return s.printTable(columns, rows, false, "  ")
}
