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

// quarantines asks for a quarantine.
func quarantines(d time.Duration) change {
	return func(in *Input) {
		if in.AccessKey.Spec.Rotation == nil {
			in.AccessKey.Spec.Rotation = &v1alpha1.Rotation{}
		}
		in.AccessKey.Spec.Rotation.Quarantine = &metav1.Duration{Duration: d}
	}
}

func disables(in *Input) { in.Service.Quarantines = true }

// inQuarantine adds a previous key that was disabled an hour ago, and that the service lists so.
func inQuarantine(id string, deleteAt time.Time) change {
	return func(in *Input) {
		disables(in)
		previous(id, noon.Add(-time.Hour), func(p *v1alpha1.PreviousKey) {
			p.State, p.DeleteAt = v1alpha1.KeyDisabled, metav1.NewTime(deleteAt)
		})(in)
		being(keyservice.Disabled, id)(in)
	}
}

// enabledAgain adds a previous key whose ttl is over, and that a person let work until a time.
func enabledAgain(id string, until time.Time) change {
	return previous(id, until, func(p *v1alpha1.PreviousKey) {
		p.IssuedAt, p.EnabledAt = metav1.NewTime(noon.Add(-2*ttl)), metav1.NewTime(noon.Add(-time.Hour))
	})
}

func asksToEnable(value string) change {
	return func(in *Input) { in.AccessKey.Annotations = map[string]string{v1alpha1.EnableAnnotation: value} }
}

func answeredEnable(value string) change {
	return func(in *Input) { in.AccessKey.Status.LastHandledEnable = value }
}

// quarantineCases are about keys that are kept disabled before they are deleted.
var quarantineCases = []decision{
	{"a previous key is disabled at revokeAt if the spec asks for a quarantine", quiet(keys("K0", "K1"), disables, quarantines(day), previous("K0", noon)),
		byRevokePrevious(Disable, "K0")},
	{"where keys cannot be disabled, it is revoked", quiet(keys("K0", "K1"), quarantines(day), previous("K0", noon)), byRevokePrevious(Revoke, "K0")},
	{"a previous key is disabled while the AccessKey is suspended", quiet(suspending, keys("K0", "K1"), disables, quarantines(day), previous("K0", noon)),
		answer{ruleSuspended, do(Disable, v1alpha1.ReasonRevoking, "K0")}},
	{"a key in quarantine is left alone until its deleteAt", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day))), rests(noon.Add(day))},
	{"also if the listing is older than the quarantine", quiet(cached, keys("K0", "K1"), inQuarantine("K0", noon.Add(day))), rests(noon.Add(day))},
	{"at its deleteAt it is revoked", quiet(keys("K0", "K1"), inQuarantine("K0", noon)), byRevokePrevious(Revoke, "K0")},
	{"although the spec asks for a quarantine", quiet(keys("K0", "K1"), quarantines(day), inQuarantine("K0", noon)), byRevokePrevious(Revoke, "K0")},
	{"a quarantine that was announced lasts although the spec asks for none any more", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(time.Second))), rests(noon.Add(time.Second))},
	{"a key that no longer exists is forgotten when its quarantine ends", quiet(keys("K0", "K1"), inQuarantine("K0", noon), keys("K1")), byRevokePrevious(Forget, "K0")},
	{"a key in quarantine that somebody enabled at the service is disabled again", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), being(keyservice.Active, "K0")),
		byRevokePrevious(Disable, "K0")},
	{"but not one that another key has taken the place of", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), being(keyservice.Active, "K0"), pairAt("K0", "AKIAX")),
		byRevokePrevious(Forget, "K0")},
	{"a deleted AccessKey revokes a key in quarantine at once", quiet(deleting, keys("K0"), inQuarantine("K0", noon.Add(day))), byRevokeAll(Revoke, "K0")},

	{"a rotation that needs the place ends the quarantine", quiet(at(renewal), keys("K0", "K1"), inQuarantine("K0", renewal.Add(day))), makesRoom(ruleRotate, "K0")},
	{"a quarantine that fills the quota does not delay the rotation", quiet(keys("K0", "K1"), inQuarantine("K0", renewal.Add(day))), rests(renewal)},
	{"so does a repair, whoever changed the Secret", quiet(secret(SecretEdited), keys("K0", "K1"), inQuarantine("K0", noon.Add(day))), makesRoom(ruleRestore, "K0")},
	{"the key in quarantine goes before an older one that works", quiet(asksFor("now"), quota(3), keys("K0", "K1", "K2"), previousFrom("K2", issued.Add(-20*day)), inQuarantine("K0", noon.Add(day))),
		makesRoom(ruleRenewNow, "K0")},

	{"the annotation enables a key in quarantine", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("K0")), byEnable(Enable, "K0")},
	{"by its access key ID, too, and with a text after it", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("AKIAK0 again")), byEnable(Enable, "K0")},
	{"also while the AccessKey is suspended", quiet(suspending, keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("K0")), byEnable(Enable, "K0")},
	{"also at the last moment", quiet(keys("K0", "K1"), inQuarantine("K0", noon), asksToEnable("K0")), byEnable(Enable, "K0")},
	{"once per value", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("K0"), answeredEnable("K0")), rests(noon.Add(day))},
	{"not while the AccessKey is being deleted", quiet(deleting, keys("K0"), inQuarantine("K0", noon.Add(day)), asksToEnable("K0")), byRevokeAll(Revoke, "K0")},
	{"not if the service no longer has the key", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), keys("K1"), asksToEnable("K0")), rests(noon.Add(day))},
	{"nor if another key has taken its place", quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), pairAt("K0", "AKIAX"), asksToEnable("K0")), rests(noon.Add(day))},
	{"a key that is not in quarantine is not enabled", quiet(keys("K0", "K1"), overlapping("K0"), asksToEnable("K0")), rests(noon.Add(day))},
	{"a key that was enabled works for another overlap, although its ttl is over", quiet(keys("K0", "K1"), enabledAgain("K0", noon.Add(day))), rests(noon.Add(day))},
	{"after that, it is disabled again", quiet(keys("K0", "K1"), disables, quarantines(day), enabledAgain("K0", noon)), byRevokePrevious(Disable, "K0")},
}

func TestARequestToEnableAKeyIsAnsweredWhy(t *testing.T) {
	for name, test := range map[string]struct {
		in   Input
		says string
	}{
		"there is no request":           {quiet(), ""},
		"the request is blank":          {quiet(asksToEnable(" ")), ""},
		"it was answered":               {quiet(asksToEnable("K9"), answeredEnable("K9")), ""},
		"it can be met":                 {quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("K0")), ""},
		"the AccessKey is deleted":      {quiet(deleting, asksToEnable("K9")), ""},
		"the key is unknown":            {quiet(asksToEnable("K9")), "it is no previous key of this AccessKey; a key that was deleted cannot be enabled"},
		"another key is in quarantine":  {quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("K9")), "; in quarantine: AKIAK0"},
		"the key is the current one":    {quiet(asksToEnable("AKIAK1")), "it is the current key"},
		"the key works":                 {quiet(keys("K0", "K1"), overlapping("K0"), asksToEnable("K0")), "it is not in quarantine, and works until 2026-03-02T13:00:00Z"},
		"the service has it no more":    {quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), keys("K1"), asksToEnable("K0")), "the service no longer has it"},
		"the cached listing lacks it":   {quiet(cached, keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), keys("K1"), asksToEnable("K0")), ""},
		"the service is deleting it":    {quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), being(keyservice.Deleting, "K0"), asksToEnable("K0")), "the service no longer has it"},
		"another key is in its place":   {quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), pairAt("K0", "AKIAX"), asksToEnable("K0")), "the service no longer has it"},
		"nothing is recorded, restored": {unissued(asksToEnable("K0")), "it is no previous key"},
	} {
		t.Run(name, func(t *testing.T) {
			value, why := test.in.EnableRefusal()
			if !strings.Contains(why, test.says) || (why == "") != (test.says == "") || (value == "") != (why == "") {
				t.Errorf("got %q, %q, want %q", value, why, test.says)
			}
		})
	}
}

func TestAQuarantineBeginsAndEnds(t *testing.T) {
	in := quiet(keys("K0", "K1"), disables, quarantines(3*day), previous("K0", noon.Add(-time.Minute)), asksToEnable("K0 please"))
	began := Quarantine(in.AccessKey, "K0", noon.Add(time.Millisecond))
	if began.State != v1alpha1.KeyDisabled || !began.RevokeAt.Equal(new(metav1.NewTime(noon))) || !began.DeleteAt.Equal(new(metav1.NewTime(noon.Add(3*day)))) {
		t.Errorf("after it began: %+v", began)
	}
	if at := DisabledAt(&in.AccessKey.Status, "K0"); !at.Equal(noon) {
		t.Errorf("disabled at %s", at)
	}
	if until := QuarantineEnd(&in.AccessKey.Status, "K0"); !until.Equal(noon.Add(3 * day)) {
		t.Errorf("ends at %s", until)
	}
	quarantines(day)(&in)
	if again := Quarantine(in.AccessKey, "K0", noon.Add(time.Hour)); !again.DeleteAt.Equal(&began.DeleteAt) {
		t.Errorf("a quarantine that was announced was changed to %s", again.DeleteAt)
	}
}

func TestAQuarantineIsEndedByAPerson(t *testing.T) {
	in := quiet(keys("K0", "K1"), inQuarantine("K0", noon.Add(day)), asksToEnable("K0 please"))
	ended := EndQuarantine(in.AccessKey, "K0", noon)
	if ended.State != v1alpha1.KeyActive || !ended.DeleteAt.IsZero() || !ended.EnabledAt.Equal(new(metav1.NewTime(noon))) ||
		!ended.RevokeAt.Equal(new(metav1.NewTime(noon.Add(overlap)))) || in.AccessKey.Status.LastHandledEnable != "K0 please" {
		t.Errorf("after it ended: %+v", in.AccessKey.Status)
	}
	if recorded := in.AccessKey.Status.PreviousKeys[0]; recorded != ended {
		t.Errorf("recorded: %+v", recorded)
	}
	if !QuarantineEnd(&in.AccessKey.Status, "K0").IsZero() || !QuarantineEnd(&in.AccessKey.Status, "K9").IsZero() || !DisabledAt(&in.AccessKey.Status, "K0").IsZero() {
		t.Error("there is still a quarantine")
	}
}

func TestReadySaysThatAQuarantineHasNoEffect(t *testing.T) {
	for name, test := range map[string]struct {
		in   Input
		says bool
	}{
		"the service cannot disable keys": {quiet(quarantines(day)), true},
		"the service can":                 {quiet(quarantines(day), disables), false},
		"it is not known yet":             {quiet(quarantines(day), unlimited), false},
		"the spec asks for none":          {quiet(), false},
	} {
		if message := Ready(test.in, "").Message; strings.Contains(message, QuarantineUnsupported) != test.says {
			t.Errorf("%s: %s", name, message)
		}
	}
}
