// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestAKeyThatIsThereAlreadyGetsANewPair(t *testing.T) {
	for _, hidden := range []cloud.Hidden{cloud.HiddenEmpty, cloud.HiddenAbsent, cloud.HiddenNull, cloud.HiddenNot} {
		for _, ensureHides := range []bool{false, true} {
			t.Run(fmt.Sprint("the secret is ", hidden, ", also after a create ", ensureHides), func(t *testing.T) {
				b := newBed(t, cloud.Options{Secrets: hidden, EnsureHides: ensureHides})
				first := b.create(t, 1)
				crashed := b.connect(t, b.alice)
				second, err := crashed.Create(t.Context(), "", keyOf(crashed, 1))
				if err != nil || !b.valid(second) || b.valid(first) {
					t.Fatalf("got %+v, %v", second.Key, err)
				}
				if second.Key != first.Key || b.list(t)[second.ID] != second.Key {
					t.Errorf("got %+v after %+v", second.Key, first.Key)
				}
				if live := len(b.cloud.Keys("alice")); live != 1 {
					t.Errorf("%d keys", live)
				}
				b.calls(t, putKey, 2)
			})
		}
	}
}

func TestACreateWithoutASecretIsFollowedByARegeneration(t *testing.T) {
	for name, test := range map[string]struct {
		options       cloud.Options
		regenerations int
	}{
		"not when the secret is shown":       {cloud.Options{}, 0},
		"when it is empty":                   {cloud.Options{EnsureHides: true}, 1},
		"when it is absent":                  {cloud.Options{EnsureHides: true, Secrets: cloud.HiddenAbsent}, 1},
		"not when it is shown in any answer": {cloud.Options{EnsureHides: true, Secrets: cloud.HiddenNot}, 0},
		"which answers 201":                  {cloud.Options{EnsureHides: true, RenewStatus: 201}, 1},
		"which changes the access key":       {cloud.Options{EnsureHides: true, RenewChangesAccessKey: true}, 1},
		"while it is provisioned":            {cloud.Options{EnsureHides: true, Provisioning: time.Second}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options)
			made := b.create(t, 1)
			b.after(time.Second)
			listed := b.list(t)[made.ID]
			if !b.valid(made) || listed.AccessKeyID != made.AccessKeyID || listed.OwnerUID != owner.UID {
				t.Errorf("got %+v, listed %+v", made.Key, listed)
			}
			b.calls(t, putRenew, test.regenerations)
		})
	}
}

// TestAFailedTakeOverIsAmbiguous checks that the create is Ambiguous, since the key exists.
func TestAFailedTakeOverIsAmbiguous(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		text   string
	}{
		"no answer":         {simulator.DropAnswer(), "closed the connection"},
		"no secret":         {simulator.ReplaceAnswer(`{"properties":{"accessKey":"A","secretKey":""}}`), "no pair in the answer"},
		"no access key":     {simulator.ReplaceAnswer(`{"properties":{"secretKey":"geheim"}}`), "no pair in the answer"},
		"throttled":         {simulator.Throttle("7"), "429"},
		"refused":           {simulator.Answer(422, nil, ""), "422"},
		"of another server": {simulator.Answer(302, nil, ""), "302"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{EnsureHides: true})
			req := keyOf(b.Service, 1)
			b.cloud.Inject(anyRenew(req.ID), test.effect)
			_, err := b.Create(t.Context(), "", req)
			expectKind(t, err, keyservice.Ambiguous,
				"create key: key "+req.ID+": the key exists, but it could not be given a pair yet: regenerate key: key "+req.ID, test.text)
			if after := keyservice.RetryAfterOf(err); (after == 7*time.Second) != (name == "throttled") {
				t.Errorf("RetryAfter %s", after)
			}
			_, again := b.Create(t.Context(), "", req)
			b.calls(t, putRenew, 2)
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the text changes:\n%v\n%v", err, again)
			}
			b.cloud.LiftAll()
			made, err := b.Create(t.Context(), "", req)
			if err != nil || !b.valid(made) || len(b.cloud.Keys("alice")) != 1 {
				t.Errorf("the same create afterwards: %+v, %v", made.Key, err)
			}
		})
	}
}

func TestAKeyThatCannotBeRegeneratedYetIsRegeneratedLater(t *testing.T) {
	for name, options := range map[string]cloud.Options{
		"since it is not known yet":        {EnsureHides: true, Unseen: 10 * time.Second},
		"nor known in words":               {EnsureHides: true, Unseen: 10 * time.Second, BareErrors: true},
		"since it is provisioned, 409":     {EnsureHides: true, Provisioning: 10 * time.Second, RenewEarlyStatus: 409},
		"since it is provisioned, 422":     {EnsureHides: true, Provisioning: 10 * time.Second, RenewEarlyStatus: 422},
		"since it is provisioned, 400":     {EnsureHides: true, Provisioning: 10 * time.Second, RenewEarlyStatus: 400},
		"and it is provisioned once more":  {EnsureHides: true, Provisioning: 10 * time.Second, RenewEarlyStatus: 409, ChangesProvision: true},
		"and its secret is always visible": {Secrets: cloud.HiddenNot, EnsureHides: true, Unseen: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, options)
			req := keyOf(b.Service, 1)
			made, err := b.Create(t.Context(), "", req)
			if err != nil {
				expectKind(t, err, keyservice.Ambiguous, "the key exists")
				b.after(10 * time.Second)
				// The planner may regenerate what it finds, or make the same create again.
				made, err = b.Regenerate(t.Context(), "", req.ID, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			b.after(time.Minute)
			if !b.valid(made) || b.list(t)[req.ID].AccessKeyID != made.AccessKeyID || len(b.cloud.Keys("alice")) != 1 {
				t.Errorf("got %+v, listed %v", made.Key, b.list(t))
			}
		})
	}
}

func TestAnIDWhoseKeyIsBeingDestroyedIsNotUsed(t *testing.T) {
	for _, status := range []int{200, 400, 403, 409, 422} {
		t.Run(fmt.Sprint("PUT is answered ", status), func(t *testing.T) {
			b := newBed(t, cloud.Options{Destroying: 10 * time.Second, DestroyingStatus: status})
			req := keyOf(b.Service, 1)
			gone := b.create(t, 1)
			if err := b.Delete(t.Context(), "", gone.ID); err != nil {
				t.Fatal(err)
			}
			_, err := b.Create(t.Context(), "", req)
			expectKind(t, err, keyservice.Unavailable, "create key: key "+req.ID+": an earlier key of this ID is still being deleted")
			b.calls(t, putRenew, 0)

			keys, err := b.List(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			made, err := b.Create(t.Context(), "", keyOf(b.Service, 1, keys...))
			if err != nil || made.ID == req.ID || !b.valid(made) {
				t.Errorf("got %+v, %v", made.Key, err)
			}
			b.after(10 * time.Second)
			if made, err := b.Create(t.Context(), "", req); err != nil || !b.valid(made) {
				t.Errorf("when it is gone: %+v, %v", made.Key, err)
			}
		})
	}
}

func TestAUUIDThatIsTakenIsReportedAndNotChosenAgain(t *testing.T) {
	b := newBed(t, cloud.Options{})
	req := keyOf(b.Service, 1)
	theirs, err := b.connect(t, b.bob).Create(t.Context(), "", req) // the KeyService's former token was bob's
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Create(t.Context(), "", req)
	expectKind(t, err, keyservice.Invalid, "create key: key "+req.ID+": the UUID is taken by another party", "409 Conflict")
	if made := b.create(t, 1); made.ID == req.ID || !b.valid(made) || !b.valid(theirs) {
		t.Errorf("got %+v", made.Key)
	}
}

func TestTheOperatorsKeyAmongFiveIsTakenOver(t *testing.T) {
	for _, status := range []int{400, 403, 409, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			b := newBed(t, cloud.Options{LimitFirst: true, LimitStatus: status})
			b.makeKeys(t, 4)
			first := b.create(t, 1)
			crashed := b.connect(t, b.alice)
			second, err := crashed.Create(t.Context(), "", keyOf(crashed, 1))
			if err != nil || !b.valid(second) || b.valid(first) {
				t.Errorf("got %+v, %v", second.Key, err)
			}
		})
	}
}

func TestAKeyWithoutOurMarkIsNotTakenOver(t *testing.T) {
	for name, spoil := range map[string]func(*testBed, string){
		"since its description was edited": func(b *testBed, id string) { b.cloud.Describe(id, "mine now") },
		"since it failed":                  func(b *testBed, id string) { b.cloud.FailKey(id, "no space") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{LimitFirst: true})
			b.makeKeys(t, 4)
			first := b.create(t, 1)
			spoil(b, first.ID)
			_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
			expectKind(t, err, keyservice.QuotaExceeded)
			b.calls(t, putRenew, 0)
		})
	}
}

func TestKeysThatAreBeingDestroyedMayCountAgainstTheLimit(t *testing.T) {
	b := newBed(t, cloud.Options{Destroying: time.Minute})
	for _, key := range b.makeKeys(t, 5)[:2] {
		if err := b.Delete(t.Context(), "", key.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.Unavailable, "(5), of which 2 are still being deleted")
	b.after(time.Minute)
	b.create(t, 1)
}
