// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// unrenderable says that the Secret cannot be rendered from its template.
func unrenderable(in *Input) { in.TemplateProblem = "data key config, line 3" }

// invalid is the answer to that.
func invalid(rule string, until ...time.Time) answer {
	return stalled(rule, v1alpha1.ReasonInvalidTemplate, "data key config, line 3; the Secret stays as it is until that is corrected", until...)
}

// templateCases are about a template that cannot be rendered.
var templateCases = []decision{
	{"no first key is created for a template that cannot be rendered", unissued(unrenderable, cached), invalid(ruleIssue)},
	{"nor is the finalizer added", unissued(unrenderable, func(in *Input) { in.AccessKey.Finalizers = nil }), invalid(ruleIssue)},
	{"the published pair stays, and the next step is still scheduled", quiet(unrenderable, outOfDate), invalid(ruleUpdateSecret, renewal)},
	{"as is the next revocation", quiet(unrenderable, outOfDate, keys("K1", "K0"), overlapping("K0")), invalid(ruleUpdateSecret, noon.Add(day))},
	{"whoever changed the Secret", quiet(unrenderable, touchedBy(kubectl), repaired(1, time.Second)), invalid(ruleUpdateSecret, renewal)},
	{"no key is created for a rotation", quiet(unrenderable, at(renewal)), invalid(ruleRotate)},
	{"or given up for one in place", quiet(unrenderable, oneSlot, regenerates, asksFor("today")), invalid(ruleRenewNow)},
	{"a previous key is revoked on time", quiet(unrenderable, outOfDate, keys("K1", "K0"), previous("K0", noon)), byRevokePrevious(Revoke, "K0")},
	{"a deleted AccessKey revokes its keys", quiet(unrenderable, deleting), answer{ruleRevokeAll, do(Revoke, v1alpha1.ReasonDeleting, "K1")}},
	{"a pair that this process still has waits for the correction", quiet(held, unrenderable, intends(2, time.Minute, "K1"), key("K2", noon)), invalid(ruleSettle)},
	{"while previous keys are revoked", quiet(held, unrenderable, intends(2, time.Minute, "K1"), key("K2", noon), key("K0", issued), previous("K0", noon)),
		makesRoom(ruleSettle, "K0")},
	{"a pair that waits in the next Secret waits for the correction", quiet(unrenderable, intends(2, time.Minute, "K1"), key("K2", noon), stages("K2", 2, time.Minute)), invalid(ruleSettle)},
	{"a published pair is recorded all the same", quiet(unrenderable, intends(2, time.Minute, "K1"), key("K2", noon), holds("K2", 2)), bySettle(RecordPublished)},
	{"an orphan is deleted all the same", quiet(unrenderable, intends(2, 2*time.Minute, "K1"), key("K2", noon)), bySettle(DeleteOrphan, "K2")},
}

func TestTemplateProblems(t *testing.T) {
	for _, c := range templateCases {
		t.Run(c.name, c.check)
	}
}

func TestPreviousAccessKeyID(t *testing.T) {
	for want, previous := range map[string][]v1alpha1.PreviousKey{
		"":       nil,
		"AKIAK0": {previousKey("K0", noon)},
		"AKIAK2": {previousKey("K0", noon), func() v1alpha1.PreviousKey {
			newer := previousKey("K2", noon)
			newer.IssuedAt.Time = newer.IssuedAt.Add(time.Hour)
			return newer
		}(), previousKey("K1", noon)},
	} {
		if got := (Record{PreviousKeys: previous}).PreviousAccessKeyID(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
