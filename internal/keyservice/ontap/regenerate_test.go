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

func TestARegenerationLeavesTheOtherKey(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	first, second := b.create(t, "backup", month), b.create(t, "backup", month)
	regenerated, err := b.Regenerate(t.Context(), "backup", "backup/2", 0)
	if err != nil {
		t.Fatal(err)
	}
	b.works(t, first, true)
	b.works(t, second, false)
	b.works(t, regenerated, true)
	if !regenerated.ExpiresAt.IsZero() {
		t.Errorf("it ends at %s", regenerated.ExpiresAt)
	}
}

func TestAKeyThatIsGoneCannotBeRegenerated(t *testing.T) {
	for name, test := range map[string]struct {
		world func(*testing.T, *testBed)
		id    string
		kind  keyservice.Kind
	}{
		"no user":               {func(*testing.T, *testBed) {}, "backup", keyservice.NotFound},
		"no first key":          {func(t *testing.T, b *testBed) { b.person(t, "backup"); b.cluster.RemoveKey("backup") }, "backup", keyservice.NotFound},
		"no second key":         {func(t *testing.T, b *testBed) { b.person(t, "backup") }, "backup/2", keyservice.NotFound},
		"a key of another user": {func(t *testing.T, b *testBed) { b.person(t, "other") }, "other", keyservice.Invalid},
		"no key at all":         {func(*testing.T, *testBed) {}, "", keyservice.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: netapp.V9191})
			test.world(t, b)
			_, err := b.Regenerate(t.Context(), "backup", test.id, 0)
			expectKind(t, err, test.kind, "regenerate key: S3 user backup: ")
			b.calls(t, patchUser, 0)
		})
	}
	b := newBed(t, netapp.Options{})
	_, err := b.Regenerate(t.Context(), "backup", "backup/2", 0)
	expectKind(t, err, keyservice.Unavailable, "ONTAP 9.16.1 has no key 2")
}

func TestARegenerationWhoseOtherPropertiesFailIsMadeAgainWithoutThem(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version, PropertiesFail: true})
			b.create(t, "backup", month)
			regenerated, err := b.Regenerate(t.Context(), "backup", "backup", time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			b.works(t, regenerated, true)
			b.calls(t, patchUser, 2)
		})
	}
	b := newBed(t, netapp.Options{Version: netapp.V9191, PropertiesFail: true})
	first := b.create(t, "backup", month)
	second := b.create(t, "backup", month)
	b.works(t, first, true)
	b.works(t, second, true)
	if made := len(b.cluster.History()); made != 4 { // root's, the first, the lost second, the second
		t.Errorf("%d pairs were made", made)
	}
}

func TestARegenerationThatCannotBeMadeAgainIsAmbiguous(t *testing.T) {
	for text, again := range map[string]simulator.Effect{
		"code 92406081":         problemAnswer(400, codeRegenerated),
		"code 92406197":         problemAnswer(400, "92406197"), // the service insists on a time to live
		"code 4":                problemAnswer(404, "4"),
		"429":                   simulator.Throttle("9"),
		"closed the connection": simulator.DropAnswer(),
		"in a job":              simulator.Answer(202, nil, `{"job":{}}`),
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

func TestATTLThatTheServiceDoesNotAllowIsInvalid(t *testing.T) {
	for name, test := range map[string]struct {
		most time.Duration
		ttl  time.Duration
		text string
	}{
		"longer than the service can":     {0, 1096 * 24 * time.Hour, "up to 1095 days"},
		"longer than the server allows":   {time.Hour, 2 * time.Hour, "raise max_key_time_to_live of the SVM's S3 server"},
		"none where the server wants one": {time.Hour, 0, "set a ttl in the AccessKey"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{MaxTTL: test.most})
			_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{TTL: test.ttl})
			expectKind(t, err, keyservice.Invalid, "create key: S3 user backup: ", test.text)
			expectReason(t, err, ReasonTTLUnsupported)
			key := b.create(t, "backup", keyservice.CreateRequest{TTL: time.Hour})
			_, err = b.Regenerate(t.Context(), "backup", "backup", test.ttl)
			expectKind(t, err, keyservice.Invalid, "regenerate key: S3 user backup: ", test.text)
			expectReason(t, err, ReasonTTLUnsupported)
			b.works(t, key, true)
		})
	}
}
