// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestARegenerationThatIsRefusedSendsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		version, person, without, id string
		ttl                          time.Duration
		kind                         keyservice.Kind
		text                         string
	}{
		"no user":                    {netapp.V9191, "other", "", "backup", 0, keyservice.NotFound, "no key backup to regenerate"},
		"no first key":               {netapp.V9191, "backup", "backup", "backup", 0, keyservice.NotFound, "no key backup to regenerate"},
		"no second key":              {netapp.V9191, "backup", "", "backup/2", 0, keyservice.NotFound, "no key backup/2 to regenerate"},
		"a key of another user":      {netapp.V9191, "other", "", "other", 0, keyservice.Invalid, "not the ID of a key of this user"},
		"no ID":                      {netapp.V9191, "backup", "", "", 0, keyservice.Invalid, "not the ID of a key of this user"},
		"one key in this version":    {netapp.V9161, "backup", "", "backup/2", 0, keyservice.Unavailable, "ONTAP 9.16.1 has no key 2"},
		"a longer ttl than possible": {netapp.V9161, "backup", "", "backup", maxTTL + time.Hour, keyservice.Invalid, "up to 1095 days"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: test.version})
			b.person(t, test.person)
			b.cluster.RemoveKey(test.without)
			_, err := b.Regenerate(t.Context(), "backup", test.id, test.ttl)
			expectKind(t, err, test.kind, "regenerate key: S3 user backup: ", test.text)
			b.calls(t, patchUser, 0)
		})
	}
}

func TestARegenerationThatCannotBeMadeAgainIsAmbiguous(t *testing.T) {
	for text, again := range map[string]simulator.Effect{
		"code 92406081":         problemAnswer(400, codeRegenerated),
		"code 92406197":         problemAnswer(400, "92406197"), // the service insists on a time to live
		"code 4":                problemAnswer(404, "4"),
		"429":                   simulator.Throttle("9"),
		"closed the connection": simulator.DropAnswer(),
		"in a job":              simulator.Answer(202, nil, "{}"),
	} {
		t.Run(text, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			b.create(t, "backup", month)
			b.cluster.Inject(anyGenerate.Once(), problemAnswer(400, codeRegenerated))
			b.cluster.Inject(anyGenerate, again)
			_, err := b.Regenerate(t.Context(), "backup", "backup", time.Hour)
			expectKind(t, err, keyservice.Ambiguous, "regenerate key: S3 user backup: ", codeRegenerated, "a second try failed too: ", text)
			if strings.Count(err.Error(), "S3 user backup") != 1 {
				t.Errorf("it repeats itself: %v", err)
			}
			if got := keyservice.RetryAfterOf(err); (got == 9*time.Second) != (text == "429") {
				t.Errorf("RetryAfter %s", got)
			}
			b.calls(t, patchUser, 2)
		})
	}
}

func TestTimeToLive(t *testing.T) {
	day := 24 * time.Hour
	for want, ttl := range map[string]time.Duration{
		"P0DT0H0M0S":    0,
		"P0DT0H0M1S":    time.Nanosecond, // not 0, which means no end
		"P0DT0H0M59S":   time.Minute - 1, // down, so that no key outlives its ttl
		"P2DT6H3M10S":   2*day + 6*time.Hour + 3*time.Minute + 10*time.Second,
		"P30DT0H0M0S":   720 * time.Hour,
		"P1095DT0H0M0S": 1095 * day,
	} {
		if got, err := (&task{}).timeToLive(ttl); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", ttl, got, err, want)
		}
	}
	for _, ttl := range []time.Duration{-1, 1095*day + 1} {
		_, err := (&task{}).timeToLive(ttl)
		expectKind(t, err, keyservice.Invalid, "up to 1095 days", fmt.Sprint(ttl), "set a shorter ttl")
		expectReason(t, err, ReasonTTLUnsupported)
	}
}
