// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// revokesWhenIdle asks to revoke keys early that were idle for so long.
func revokesWhenIdle(d time.Duration) change {
	return func(in *Input) {
		if in.AccessKey.Spec.Rotation == nil {
			in.AccessKey.Spec.Rotation = &v1alpha1.Rotation{}
		}
		in.AccessKey.Spec.Rotation.RevokePrevious, in.AccessKey.Spec.Rotation.IdleFor = v1alpha1.RevokeWhenIdle, &metav1.Duration{Duration: d}
	}
}

func tellsLastUse(in *Input) { in.Service.TellsLastUse = true }

// replaced adds a previous key that was replaced, and is revoked ten days after that.
func replaced(id string, ago time.Duration) change {
	return func(in *Input) {
		tellsLastUse(in)
		previous(id, noon.Add(overlap-ago), func(p *v1alpha1.PreviousKey) {
			p.IssuedAt, p.ReplacedAt = metav1.NewTime(noon.Add(-ago-20*day)), metav1.NewTime(noon.Add(-ago))
		})(in)
	}
}

// told is what the service said of a key, and when.
func told(id string, ago time.Duration, lastUsed time.Time) change {
	return uses(id, Use{AskedAt: noon.Add(-ago), Known: true, LastUsedAt: lastUsed})
}

func uses(id string, use Use) change {
	return func(in *Input) { in.Uses = map[string]Use{id: use} }
}

func asks(ruleReason string) answer { return answer{ruleAskLastUse, do(AskLastUse, ruleReason)} }

var asksNow = asks(v1alpha1.ReasonRevoking)

// idleCases are about the last use of previous keys. K0 is revoked ten days after it was replaced.
var idleCases = []decision{
	{"nobody is asked for the last use in the first hour", quiet(keys("K0", "K1"), replaced("K0", 59*time.Minute)), rests(noon.Add(time.Minute))},
	{"after an hour the service is asked", quiet(keys("K0", "K1"), replaced("K0", time.Hour)), asksNow},
	{"also by what the cache says", quiet(cached, keys("K0", "K1"), replaced("K0", time.Hour)), asksNow},
	{"and then at most once an hour", quiet(keys("K0", "K1"), replaced("K0", 2*day), told("K0", time.Minute, noon.Add(-day))), rests(noon.Add(59 * time.Minute))},
	{"if it did not answer, it is asked again after ten minutes", quiet(keys("K0", "K1"), replaced("K0", 2*day), uses("K0", Use{AskedAt: noon.Add(-time.Minute)})), rests(noon.Add(9 * time.Minute))},
	{"a process that has just started asks", quiet(keys("K0", "K1"), replaced("K0", 2*day)), asksNow},
	{"a service that does not tell is not asked", quiet(keys("K0", "K1"), replaced("K0", day), without(tellsLastUse)), rests(noon.Add(9 * day))},
	{"nor one that refuses the credentials", quiet(cached, refusing, keys("K0", "K1"), replaced("K0", day)), rests(noon.Add(9 * day))},
	{"a suspended AccessKey asks nothing", quiet(suspending, keys("K0", "K1"), replaced("K0", day)), waiting(ruleSuspended, v1alpha1.ReasonSuspended, noon.Add(9*day), "")},
	{"and revokes nothing early", quiet(suspending, revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 2*day), told("K0", 0, time.Time{})),
		waiting(ruleSuspended, v1alpha1.ReasonSuspended, noon.Add(8*day), "")},
	{"a key that the service lost is not asked for", quiet(keys("K1"), replaced("K0", day)), rests(noon.Add(9 * day))},
	{"nor one that was disabled", quiet(keys("K0", "K1"), replaced("K0", day), being(keyservice.Disabled, "K0")), rests(noon.Add(9 * day))},
	{"a key of which nobody recorded when it was replaced is not asked for", quiet(tellsLastUse, revokesWhenIdle(day), keys("K0", "K1"), overlapping("K0")), rests(noon.Add(day))},
	{"at its revokeAt a key is revoked without a question", quiet(keys("K0", "K1"), replaced("K0", overlap)), byRevokePrevious(Revoke, "K0")},

	{"a key that was idle for long enough is revoked early", quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 2*day), told("K0", 0, noon.Add(-day))),
		byRevokePrevious(Revoke, "K0")},
	{"it is disabled if the spec asks for a quarantine", quiet(revokesWhenIdle(day), disables, quarantines(day), keys("K0", "K1"), replaced("K0", 2*day), told("K0", 0, noon.Add(-day))),
		byRevokePrevious(Disable, "K0")},
	{"a key that was never used is idle since it was replaced", quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", day), told("K0", 0, time.Time{})),
		byRevokePrevious(Revoke, "K0")},
	{"also if it was last used before that", quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 23*time.Hour), told("K0", 0, noon.Add(-5*day))), rests(noon.Add(time.Hour))},
	{"the service is asked when a key can have become idle", quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", day), told("K0", 10*time.Minute, time.Time{})), asksNow},
	{"a key that is not idle yet is asked for when it can be", quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 2*day), told("K0", 0, noon.Add(-day+30*time.Minute))),
		rests(noon.Add(30 * time.Minute))},
	{"an unknown use counts as a use", quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 2*day), uses("K0", Use{AskedAt: noon})), rests(noon.Add(10 * time.Minute))},
	{"also if the use was known before", quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 5*day), uses("K0", Use{AskedAt: noon, LastUsedAt: noon.Add(-2 * day)})), rests(noon.Add(10 * time.Minute))},
	{"without WhenIdle an idle key stays", quiet(keys("K0", "K1"), replaced("K0", 5*day), told("K0", 0, time.Time{})), rests(noon.Add(time.Hour))},
	{"a key that was enabled again is not idle before it was", quiet(revokesWhenIdle(2*time.Hour), keys("K0", "K1"), tellsLastUse, enabledAgain("K0", noon.Add(day)), told("K0", 0, time.Time{})),
		rests(noon.Add(time.Hour))},
	{"a published key is never idle", quiet(unlimited, revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 2*day), told("K0", 0, time.Time{}), holdsReplaced("K0")), byRestore(Create)},

	{"the service is asked in the middle of the end of a life", quiet(keys("K0", "K1"), replaced("K0", overlap-36*time.Hour), told("K0", time.Minute, time.Time{})), asksNow},
	{"once", quiet(keys("K0", "K1"), replaced("K0", overlap-36*time.Hour), told("K0", 0, time.Time{})), rests(noon.Add(time.Hour))},
}

// without undoes a fact of the service.
func without(func(*Input)) change { return func(in *Input) { in.Service.TellsLastUse = false } }

// holdsReplaced puts the pair of a previous key into the Secret.
func holdsReplaced(id string) change {
	return func(in *Input) {
		holds(id, 1)(in)
		in.Secret.Record.IssuedAt = findPrevious(&in.AccessKey.Status, id).IssuedAt
	}
}

func TestTheLastUseIsRecordedCoarsely(t *testing.T) {
	for name, test := range map[string]struct {
		recorded, used time.Time
		want           time.Time
		late           bool
	}{
		"an unused key has none":                       {time.Time{}, time.Time{}, time.Time{}, false},
		"the first use is recorded":                    {time.Time{}, noon.Add(-3 * day), noon.Add(-3 * day), false},
		"a use soon after it is not":                   {noon.Add(-3 * day), noon.Add(-3*day + 23*time.Hour), noon.Add(-3 * day), false},
		"a use a tenth of the overlap later is":        {noon.Add(-3 * day), noon.Add(-2 * day), noon.Add(-2 * day), false},
		"the first use in the last tenth of a life is": {noon.Add(-13 * time.Hour), noon.Add(-12 * time.Hour), noon.Add(-12 * time.Hour), true},
		"a second one is not told again":               {noon.Add(-12 * time.Hour), noon, noon.Add(-12 * time.Hour), false},
		"an earlier time is not":                       {noon.Add(-3 * day), noon.Add(-4 * day), noon.Add(-3 * day), false},
	} {
		t.Run(name, func(t *testing.T) {
			// A life of 30 days, of which 10 are the overlap: the last tenth begins 3 days before its end, 12 hours ago.
			in := quiet(keys("K0", "K1"), replaced("K0", overlap-3*day+12*time.Hour), told("K0", 0, test.used))
			previous := &in.AccessKey.Status.PreviousKeys[0]
			if !test.recorded.IsZero() {
				previous.LastUsedAt = metav1.NewTime(test.recorded)
			}
			late := in.RecordUse(previous)
			if !previous.LastUsedAt.Time.Equal(test.want) || late != test.late {
				t.Errorf("recorded %s, late: %t; want %s, %t", previous.LastUsedAt, late, test.want, test.late)
			}
			if told := in.UsedLate(); told != (late || !test.recorded.Before(noon.Add(-12*time.Hour))) {
				t.Errorf("used late: %t", told)
			}
		})
	}
}

func TestTheEndOfAShortOverlapIsItsSecondHalf(t *testing.T) {
	in := quiet(keys("K0", "K1"), tellsLastUse, previous("K0", noon.Add(time.Hour), func(p *v1alpha1.PreviousKey) {
		p.IssuedAt, p.ReplacedAt = metav1.NewTime(noon.Add(-29*day)), metav1.NewTime(noon.Add(-time.Hour))
	}))
	previous := &in.AccessKey.Status.PreviousKeys[0]
	if from, ask := in.lateFrom(previous), in.askAt(previous); !from.Equal(noon) || !ask.Equal(noon) {
		t.Errorf("from %s, asked at %s", from, ask)
	}
	told("K0", 0, noon)(&in)
	if ask := in.askAt(previous); !ask.Equal(noon.Add(30 * time.Minute)) {
		t.Errorf("asked again at %s", ask)
	}
}

func TestIdleSaysSinceWhen(t *testing.T) {
	in := quiet(revokesWhenIdle(day), keys("K0", "K1"), replaced("K0", 5*day), told("K0", 0, noon.Add(-2*day)))
	if since, idle := in.Idle("K0"); !idle || !since.Equal(noon.Add(-2*day)) {
		t.Errorf("got %s, %t", since, idle)
	}
	if _, idle := in.Idle("K9"); idle {
		t.Error("an unknown key is idle")
	}
	in.Now = noon.Add(5 * day)
	if _, idle := in.Idle("K0"); idle {
		t.Error("at its revokeAt a key is not revoked because it is idle")
	}
	in.AccessKey.Spec.Rotation.IdleFor = nil
	if at := in.idleAt(&in.AccessKey.Status.PreviousKeys[0]); !at.Equal(noon.Add(-day)) {
		t.Errorf("by default idle at %s", at)
	}
}

func TestReadySaysThatWhenIdleHasNoEffect(t *testing.T) {
	for name, test := range map[string]struct {
		in   Input
		says bool
	}{
		"the service does not tell the last use": {quiet(revokesWhenIdle(day)), true},
		"the service does":                       {quiet(revokesWhenIdle(day), tellsLastUse), false},
		"it is not known yet":                    {quiet(revokesWhenIdle(day), unlimited), false},
		"the spec does not ask for it":           {quiet(), false},
	} {
		if message := Ready(test.in, "").Message; strings.Contains(message, LastUseUnsupported) != test.says {
			t.Errorf("%s: %s", name, message)
		}
	}
}
