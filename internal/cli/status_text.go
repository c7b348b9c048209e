// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// statusText prints a report for people.
type statusText struct {
	*session
	*accessKeyReport
	time time.Time
}

// print prints all sections about the AccessKey with this name.
func (t statusText) print(name string) error {
	t.headline(name)
	for _, problem := range t.Problems {
		t.problem(problem)
	}
	t.facts()
	t.timeline()
	for _, section := range []func() error{t.previousKeys, t.containers, t.events} {
		if err := section(); err != nil {
			return err
		}
	}
	return nil
}

func (t statusText) headline(name string) {
	word, tone := "Ready", good
	switch {
	case t.Stalled:
		word, tone = "Stalled", bad
	case t.Ready == string(metav1.ConditionFalse):
		word, tone = "Not ready", bad
	case t.Ready != string(metav1.ConditionTrue):
		word, tone = "Not ready", warn
	}
	if t.Suspended {
		word += ", suspended"
	}
	t.printf("AccessKey %s: %s\n", t.paint(bold, name), t.paint(tone, word))
	if t.Outdated {
		t.printf("The operator has not acted on the last change of the spec yet.\n")
	}
}

// problem prints what is wrong, and what the documentation says about it.
func (t statusText) problem(problem reportedProblem) {
	tone := warn
	if problem.Type == v1alpha1.ConditionStalled {
		tone = bad
	}
	t.printf("\n%s\n", t.paint(tone, problem.Type+"="+problem.Status+": "+problem.Reason))
	t.printf("  %s\n", problem.Message)
	if problem.Advice != "" {
		t.printf("  What to do: %s.\n", problem.Advice)
	}
}

// facts prints what the AccessKey has.
func (t statusText) facts() {
	fact := func(name, format string, args ...any) {
		t.printf("%-9s "+format+"\n", append([]any{name + ":"}, args...)...)
	}
	t.printf("\n")
	key := t.Key
	if key == nil {
		fact("Key", "none yet")
		fact("Secret", "%s, not written yet", t.SecretName)
	} else {
		fact("Key", "%s, revision %d, issued %s (%s)", plan.ShortID(key.AccessKeyID), key.Revision, ago(key.IssuedAt.Time, t.time), key.IssueReason)
		if key.KeyID != key.AccessKeyID {
			fact("Key ID", "%s", key.KeyID)
		}
		fact("Secret", "%s", t.SecretName)
	}
	fact("User", "%s", cmp.Or(t.User, "the user of the service's credentials"))
	switch {
	case key == nil:
	case key.ExpiresAt.IsZero():
		fact("Expires", "never, and is not rotated by itself: spec.ttl is not set")
	default:
		fact("Expires", "%s", stamp(key.ExpiresAt.Time))
	}
	fact("Service", "%s", t.service())
	if t.Restart != nil {
		fact("Restart", "not done for %s: %s", strings.Join(t.Restart.Pending, ", "), cmp.Or(t.Restart.Message, "under way"))
	}
}

// service sums up what the operator sees of the key service.
func (t statusText) service() string {
	service := t.Service
	parts := []string{service.Kind + " " + service.Name}
	switch why := t.NotShown[partService]; {
	case why != "":
		parts = append(parts, why)
	case service.Ready == "":
		parts = append(parts, "not checked yet")
	case service.Ready == string(metav1.ConditionTrue):
		parts = append(parts, "ready")
	default:
		parts = append(parts, fmt.Sprintf("not ready since %s (%s: %s)", stamp(service.Since.Time), service.Reason, service.Message))
	}
	if service.Version != "" {
		parts = append(parts, service.Version)
	}
	if service.Overlap != nil {
		rotates := map[bool]string{true: "an old and a new pair can work side by side", false: "a rotation replaces the pair in place"}
		parts = append(parts, count(int(service.KeysPerUser), "key per user", "keys per user"), rotates[*service.Overlap])
	}
	return strings.Join(parts, ", ")
}

// timeline prints what comes next.
func (t statusText) timeline() {
	t.printf("\n%s\n", t.paint(bold, "What comes next"))
	if len(t.Next) == 0 {
		t.printf("  Nothing is planned.\n")
	}
	for _, each := range t.Next {
		next := step{at: each.At.Time, held: each.At.IsZero()}
		tone, at := plain, stamp(next.at)
		if next.held || next.at.Before(t.time.Add(-time.Minute)) {
			tone = warn
		}
		if next.held {
			at = "-"
		}
		t.printf("  %s  %s  %s\n", t.paint(tone, pad(next.when(t.time), 12)), pad(at, len(time.RFC3339)-5), each.Detail)
	}
}

func pad(text string, width int) string { return text + strings.Repeat(" ", max(width-len(text), 0)) }

// previousKeys prints the keys in their overlap and in quarantine.
func (t statusText) previousKeys() error {
	if len(t.PreviousKeys) == 0 {
		return nil
	}
	rows := make([]row, 0, len(t.PreviousKeys))
	for _, previous := range t.PreviousKeys {
		rows = append(rows, row{cells: []any{
			plan.ShortID(previous.AccessKeyID), previous.State, duration.HumanDuration(t.time.Sub(previous.IssuedAt.Time)) + " ago",
			cmp.Or(previous.ReplaceReason, "-"), ago(previous.LastUsedAt.Time, t.time), step{at: previous.EndsAt.Time}.when(t.time),
		}})
	}
	t.printf("\n%s\n", t.paint(bold, "Previous keys"))
	columns := []metav1.TableColumnDefinition{
		column("Access key"), column("State"), column("Issued"), column("Replaced because"), column("Last used"), column("Ends"),
	}
	return t.printTable(columns, rows, false, "  ")
}

// containers prints which running containers use the Secret, and which of them need a restart.
func (t statusText) containers() error {
	if t.Key == nil {
		return nil
	}
	t.printf("\n%s\n", t.paint(bold, "Containers that use Secret "+t.SecretName))
	if why := t.NotShown[partContainers]; why != "" {
		t.printf("  %s\n", sentence(why))
		return nil
	}
	if len(t.Containers) == 0 {
		t.printf("  None in this namespace.\n")
		return nil
	}
	rows := make([]row, 0, len(t.Containers))
	outdated := false
	for _, each := range t.Containers {
		entry := row{cells: []any{each.Pod, each.Container, each.Uses, ago(each.StartedAt.Time, t.time), "the current pair"}}
		switch {
		case each.Outdated:
			outdated = true
			entry.cells[4], entry.tone = "an earlier pair, until it is restarted", warn
		case each.Uses == usesFiles:
			entry.cells[4] = "the current pair, if it reads the files again"
		}
		rows = append(rows, entry)
	}
	columns := []metav1.TableColumnDefinition{column("Pod"), column("Container"), column("Uses"), column("Started"), column("Has")}
	if err := t.printTable(columns, rows, false, "  "); err != nil {
		return err
	}
	if outdated {
		t.printf("  %s\n", t.earlierPairs())
	}
	return nil
}

// earlierPairs says until when containers that were not restarted can work.
func (t statusText) earlierPairs() string {
	last := t.time
	for _, previous := range t.PreviousKeys {
		if previous.State == string(v1alpha1.KeyActive) && previous.EndsAt.After(last) {
			last = previous.EndsAt.Time
		}
	}
	if last.Equal(t.time) {
		return "No earlier pair works any more. Restart these Pods, for example with kubectl rollout restart."
	}
	return "The last earlier pair works until " + stamp(last) + ". Restart these Pods before, for example with kubectl rollout restart."
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// events prints the last events of the AccessKey.
func (t statusText) events() error {
	t.printf("\n%s\n", t.paint(bold, "Events"))
	if why := t.NotShown[partEvents]; why != "" {
		t.printf("  %s\n", sentence(why))
		return nil
	}
	if len(t.Events) == 0 {
		t.printf("  None.\n")
		return nil
	}
	rows := make([]row, 0, len(t.Events))
	for _, event := range t.Events {
		tone := plain
		if event.Type == corev1.EventTypeWarning {
			tone = warn
		}
		rows = append(rows, row{[]any{duration.HumanDuration(max(t.time.Sub(event.At.Time), 0)), event.Type, event.Reason, event.Message}, tone})
	}
	return t.printTable([]metav1.TableColumnDefinition{column("Age"), column("Type"), column("Reason"), column("Message")}, rows, false, "  ")
}
