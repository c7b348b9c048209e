// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// sent are the events of a pass, "Type Reason text" each.
func sent(p *pass) []string {
	recorder := events.NewFakeRecorder(16)
	p.emit(recorder)
	return drain(recorder)
}

func drain(recorder *events.FakeRecorder) (all []string) {
	for {
		select {
		case event := <-recorder.Events:
			all = append(all, event)
		default:
			return all
		}
	}
}

func expectEvents(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func inOnePlace(p *pass) { p.in.Service.KeysPerUser, p.in.Service.Overlap = 1, false }

func TestAnIssuedPairIsTold(t *testing.T) {
	overlap := func(p *pass) {
		p.ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "K0", AccessKeyID: "AKIA0", RevokeAt: metav1.NewTime(noon)}}
	}
	for name, test := range map[string]struct {
		change   []func(*pass)
		reason   string
		previous string
		want     []string
	}{
		"the first": {nil, v1alpha1.ReasonIssuing, "", []string{`Normal Issued Issued access key AKIA1 of user "local:backup" into Secret backup`}},
		"a rotation": {
			[]func(*pass){overlap}, v1alpha1.ReasonRotating, "AKIA0",
			[]string{
				"Normal Rotated Issued access key AKIA1 into Secret backup (its renewal time had come); " +
					"the previous one, AKIA0, works until 2026-03-01T12:00:00Z",
			},
		},
		"the first where rotations have no overlap": {
			[]func(*pass){inOnePlace}, v1alpha1.ReasonIssuing, "",
			[]string{
				"Normal Issued Issued access key AKIA1 of user \"local:backup\" into Secret backup",
				"Warning ReplacesInPlace Rotations replace the pair in place: the service holds 1 key per user, so the old pair stops working " +
					"as soon as the new one is made, and consumers have to take up the new one at once",
			},
		},
		"the first where no overlap is wanted": {
			[]func(*pass){func(p *pass) { p.ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: v1alpha1.StrategyReplace} }}, v1alpha1.ReasonIssuing, "",
			[]string{
				"Normal Issued Issued access key AKIA1 of user \"local:backup\" into Secret backup",
				"Warning ReplacesInPlace Rotations replace the pair in place: rotation.strategy is Replace, so the old pair stops working " +
					"as soon as the new one is made, and consumers have to take up the new one at once",
			},
		},
		"a rotation that somebody asked for": {
			[]func(*pass){overlap}, v1alpha1.ReasonRenewing, "AKIA0",
			[]string{
				"Normal Rotated Issued access key AKIA1 into Secret backup (asked for by the annotation accesskey.dev/renew); " +
					"the previous one, AKIA0, works until 2026-03-01T12:00:00Z",
			},
		},
		"the replacement of a key that is gone": {
			nil, v1alpha1.ReasonRestoring, "AKIA0",
			[]string{
				"Normal Rotated Issued access key AKIA1 into Secret backup (the Secret or the key was lost)",
			},
		},
		"the replacement of a key that was given up": {
			nil, v1alpha1.ReasonIssuing, "AKIA0",
			[]string{
				"Normal Rotated Issued access key AKIA1 into Secret backup (the former pair was given up)",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := passOf(test.change...)
			p.noteIssued(plan.Action{Verb: plan.Create, Reason: test.reason}, test.previous)
			expectEvents(t, sent(p), test.want...)
			expectEvents(t, sent(p)) // once
		})
	}
}

func TestEventsStayWithinTheirBounds(t *testing.T) {
	p := passOf()
	p.note("Normal", "Issued", "Create", "%s", "100% of "+strings.Repeat("ä", 1000))
	all := sent(p)
	if len(all) != 1 {
		t.Fatalf("got %q", all)
	}
	text := strings.TrimPrefix(all[0], "Normal Issued ")
	if len(text) > 1024 || !strings.HasPrefix(text, "100% of ä") || !strings.HasSuffix(text, "ä…") {
		t.Errorf("got %d bytes: %q", len(text), text)
	}
}

func TestATroubleIsToldOnceAndToldAgainWhenItChanges(t *testing.T) {
	const text = "create key: the service said no"
	p := passOf()
	for _, step := range []struct {
		what   string
		action plan.Action
		err    error
		want   []string
	}{
		{"at rest", plan.Action{Verb: plan.Wait}, nil, nil},
		{"the service is away", plan.Action{Verb: plan.Look}, failing(keyservice.Unavailable), []string{"Warning Unavailable " + text}},
		{"it is away still", plan.Action{Verb: plan.Look}, failing(keyservice.Unavailable), nil},
		{"it asks for patience", plan.Action{Verb: plan.Look}, failing(keyservice.Throttled), []string{"Warning Throttled " + text}},
		{"it refuses the credentials, told of once", plan.Action{Verb: plan.Look}, failing(keyservice.Unauthorized), []string{"Warning Unauthorized " + text}},
		{"all is well", plan.Action{Verb: plan.Wait}, nil, nil},
		{"it is away again", plan.Action{Verb: plan.Look}, failing(keyservice.Unavailable), []string{"Warning Unavailable " + text}},
		{"all is well again", plan.Action{Verb: plan.Wait}, nil, nil},
		{"a person is needed", plan.Action{Verb: plan.Block, Reason: v1alpha1.ReasonNotGranted, Detail: "ask"}, nil, []string{"Warning NotGranted ask"}},
		{"a person is needed still", plan.Action{Verb: plan.Block, Reason: v1alpha1.ReasonNotGranted, Detail: "ask"}, nil, nil},
		{"more than one key could be the one, which is told when it is known what to do", plan.Action{Verb: plan.MarkAmbiguous, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "K1, K2"}, nil, nil},
		{"it is known", plan.Action{Verb: plan.Block, Reason: v1alpha1.ReasonAmbiguousKeys, Detail: "delete one"}, nil, []string{"Warning AmbiguousKeys delete one"}},
		{"the service is away once more", plan.Action{Verb: plan.Look}, failing(keyservice.Unavailable), []string{"Warning Unavailable " + text}},
		{"for something else, without contact", plan.Action{Verb: plan.Look}, connectError(v1alpha1.ReasonKeyServiceInvalid), []string{"Warning KeyServiceInvalid mend the KeyService"}},
	} {
		p.contacted = step.err == nil
		recordOutcome(p, step.action, step.err)
		if got := sent(p); !slices.Equal(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.what, got, step.want)
		}
		stored(t, p)
	}
}
