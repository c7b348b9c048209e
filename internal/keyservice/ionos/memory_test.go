// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestAKeyThatTheServiceDoesNotListYetIsListed(t *testing.T) {
	for name, options := range map[string]cloud.Options{
		"when it works":                     {Unseen: 10 * time.Second},
		"when it is provisioned":            {Unseen: 10 * time.Second, Provisioning: 20 * time.Second},
		"and what is unseen is unexplained": {Unseen: 10 * time.Second, BareErrors: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			made := b.create(t, 1)
			all, err := b.ListAll(t.Context())
			if err != nil || len(all[""]) != 1 || all[""][0] != made.Key || b.list(t)[made.ID] != made.Key {
				t.Errorf("got %v, %v", all, err)
			}
			expectKind(t, b.Delete(t.Context(), "", made.ID), keyservice.Unavailable,
				"delete key: key "+made.ID+": the service does not know the key yet that it has just made")
			b.after(10 * time.Second)
			if err := b.Delete(t.Context(), "", made.ID); err != nil {
				t.Fatal(err)
			}
			if keys := b.list(t); len(keys) != 0 || b.valid(made) {
				t.Errorf("got %v", keys)
			}
		})
	}
}

func TestAKeyThatIsGoneIsListedUntilTheListLagIsOverOrItWasListedBefore(t *testing.T) {
	b := newBed(t, cloud.Options{})
	made, seen := b.create(t, 1), b.create(t, 2)
	b.cloud.RemoveKey(made.ID) // before any list
	if len(b.list(t)) != 2 {
		t.Error("it is given up at once")
	}
	b.cloud.RemoveKey(seen.ID)
	if keys := b.list(t); len(keys) != 1 || keys[made.ID] != made.Key {
		t.Errorf("got %v", keys)
	}
	b.after(listLag)
	if keys := b.list(t); len(keys) != 0 {
		t.Errorf("after the list lag: %v", keys)
	}
	for _, key := range []keyservice.Credential{made, seen} {
		if err := b.Delete(t.Context(), "", key.ID); err != nil {
			t.Error(err)
		}
	}
}

func TestARegeneratedKeyThatIsNotListedYetHasItsNewAccessKey(t *testing.T) {
	b := newBed(t, cloud.Options{Unseen: 10 * time.Second, RenewChangesAccessKey: true})
	made := b.create(t, 1)
	b.after(10 * time.Second) // known to a regeneration, and to a list that is kept back
	hide := b.cloud.Inject(anyList, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Date", b.clock.Now().Format(http.TimeFormat))
		_, _ = w.Write([]byte(`{"items":[]}`))
	})
	regenerated, err := b.Regenerate(t.Context(), "", made.ID, 0)
	if err != nil || regenerated.AccessKeyID == made.AccessKeyID || b.list(t)[made.ID] != regenerated.Key {
		t.Errorf("got %+v, %v, listed %v", regenerated.Key, err, b.list(t))
	}
	hide()
	if b.list(t)[made.ID] != regenerated.Key {
		t.Errorf("listed %v", b.list(t))
	}
}

func TestTheMemoryIsBounded(t *testing.T) {
	m := &memory{made: map[string]madeKey{}, taken: map[string]bool{}}
	for i := range 100 {
		m.remember(keyservice.Key{ID: fmt.Sprint(i)}, start.Add(time.Duration(i)*listLag))
	}
	if len(m.made) != 1 {
		t.Errorf("%d keys remembered", len(m.made))
	}
	for i := range 5*maxTaken + 1 {
		m.take(fmt.Sprint(i))
	}
	if len(m.taken) > maxTaken || !m.isTaken(fmt.Sprint(5*maxTaken)) {
		t.Errorf("%d UUIDs remembered", len(m.taken))
	}
}

func TestWithoutADateNothingIsRemembered(t *testing.T) {
	m := &memory{made: map[string]madeKey{}, taken: map[string]bool{}}
	for name, times := range map[string][2]time.Time{
		"of the create":          {{}, start},
		"of the list":            {start, {}},
		"of both":                {{}, {}},
		"that is a minute later": {start, start.Add(listLag)},
		"that is before it":      {start, start.Add(-listLag)},
	} {
		m.remember(keyservice.Key{ID: name}, times[0])
		if m.isNew(name, times[1]) || len(m.complete(nil, times[1])) != 0 {
			t.Errorf("%s: remembered", name)
		}
	}
	m.remember(keyservice.Key{ID: "x"}, start)
	if !m.isNew("x", start.Add(-time.Second)) || m.isNew("y", start) {
		t.Error("clocks that differ by a second make a key old, or an unknown key new")
	}
}
