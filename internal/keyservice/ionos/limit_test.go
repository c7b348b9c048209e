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

func TestTheFiveKeysLimitIsSeenHoweverItIsAnswered(t *testing.T) {
	for _, status := range []int{400, 403, 405, 409, 412, 422, 499} {
		for _, bare := range []bool{false, true} {
			t.Run(fmt.Sprint(status, " bare ", bare), func(t *testing.T) {
				b := newBed(t, cloud.Options{LimitStatus: status, BareErrors: bare})
				foreign := b.makeKeys(t, 4)
				ours := b.create(t, 1)
				_, err := b.Create(t.Context(), "", keyOf(b.Service, 2))
				expectKind(t, err, keyservice.QuotaExceeded, "as many keys as the service allows (5: ", ours.ID, foreign[0].ID, foreign[3].ID,
					"delete one that is not needed", fmt.Sprint(status))
				_, again := b.Create(t.Context(), "", keyOf(b.Service, 2))
				if again == nil || again.Error() != err.Error() {
					t.Errorf("the text changes:\n%v\n%v", err, again)
				}
				b.cloud.RemoveKey(foreign[0].ID)
				b.create(t, 2)
			})
		}
	}
}

func TestTheLimitIsReportedInTheSameWordsEveryTime(t *testing.T) {
	b := newBed(t, cloud.Options{})
	b.makeKeys(t, 5)
	for _, ids := range []string{"ABCDE", "EDACB"} { // the order of a list is not specified
		items := ""
		for _, id := range ids {
			items += fmt.Sprintf(`,{"id":"%c"}`, id)
		}
		b.cloud.Inject(anyList.Once(), simulator.Answer(200, nil, `{"items":[`+items[1:]+`]}`))
		_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
		expectKind(t, err, keyservice.QuotaExceeded, "(5: a, b, c, d, e)")
	}
}

func TestAKeyOfOursAmongFiveIsTakenOver(t *testing.T) {
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
	for name, spoil := range map[string]func(*bed, string){
		"since its description was edited": func(b *bed, id string) { b.cloud.Describe(id, "mine now") },
		"since it failed":                  func(b *bed, id string) { b.cloud.FailKey(id, "no space") },
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
	for name, test := range map[string]struct {
		options cloud.Options
		made    bool
	}{
		"if they do, the place is waited for": {cloud.Options{}, false},
		"if they do not, the key is made":     {cloud.Options{DestroyingUncounted: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Destroying = time.Minute
			b := newBed(t, test.options)
			foreign := b.makeKeys(t, 5)
			for _, key := range foreign[:2] {
				if err := b.Delete(t.Context(), "", key.ID); err != nil {
					t.Fatal(err)
				}
			}
			made, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
			if test.made {
				if err != nil || !b.valid(made) {
					t.Errorf("got %v", err)
				}
				return
			}
			expectKind(t, err, keyservice.Unavailable, "(5), of which 2 are still being deleted")
			b.after(time.Minute)
			b.create(t, 1)
		})
	}
}

func TestFiveKeysDoNotMakeEveryFailureALimit(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
	}{
		"not a wrong token":     {simulator.Answer(401, nil, ""), keyservice.Unauthorized},
		"not throttling":        {simulator.Throttle("1"), keyservice.Throttled},
		"not a request timeout": {simulator.Answer(408, nil, ""), keyservice.Ambiguous},
		"not a server error":    {simulator.Answer(500, nil, ""), keyservice.Ambiguous},
		"not another server":    {simulator.Answer(404, nil, ""), keyservice.Unavailable},
		"not a privilege": {
			simulator.Answer(422, nil, `{"messages":[{"message":"ACCESS_S3_OBJECT_STORAGE"}]}`), keyservice.Unauthorized,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cloud.Options{})
			b.makeKeys(t, 5)
			b.cloud.Inject(anyCreate, test.effect)
			_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
			expectKind(t, err, test.kind)
			b.calls(t, getKeys, 0)
		})
	}
}

func TestALimitThatCannotBeCountedIsTriedAgain(t *testing.T) {
	b := newBed(t, cloud.Options{})
	b.makeKeys(t, 5)
	b.cloud.Inject(anyList, simulator.Throttle("30"))
	_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.Throttled, "422", "could not be listed")
	if keyservice.RetryAfterOf(err) != 30*time.Second {
		t.Errorf("RetryAfter %s", keyservice.RetryAfterOf(err))
	}
	b.cloud.LiftAll()
	_, err = b.Create(t.Context(), "", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.QuotaExceeded)
}

func TestAMissingPrivilegeIsNamed(t *testing.T) {
	for _, status := range []int{403, 422} {
		for _, bare := range []bool{false, true} {
			t.Run(fmt.Sprint(status, " bare ", bare), func(t *testing.T) {
				b := newBed(t, cloud.Options{PrivilegeStatus: status, BareErrors: bare})
				b.cloud.SetPrivilege("alice", false)
				_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
				if status == 422 && bare {
					expectKind(t, err, keyservice.Invalid, "422") // nothing tells what it is about
					return
				}
				expectKind(t, err, keyservice.Unauthorized, "a group with the privilege to use the Object Storage (ACCESS_S3_OBJECT_STORAGE)")
			})
		}
	}
}
