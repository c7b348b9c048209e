// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestAfterARefusedSignatureNothingIsSentForFiveMinutes(t *testing.T) {
	b := newBed(t, account.Options{})
	wrong := b.connect(t, account.DefaultAccessKeyID, "wrong")
	list := func(sent int, wait time.Duration) {
		t.Helper()
		_, err := wrong.List(t.Context(), b.alice)
		want := "list keys: user " + b.alice + ": the service answered 401 Unauthorized: APIGW.0301: Incorrect IAM authentication " +
			"information: verify aksk signature fail; check the access key in the credentials Secret and the KeyService's domainID; " +
			"nothing is sent for five minutes after that, since the service locks a key that goes on signing badly"
		if expectKind(t, err, keyservice.Unauthorized); err.Error() != want || keyservice.RetryAfterOf(err) != wait {
			t.Errorf("got %v, retry after %s", err, keyservice.RetryAfterOf(err))
		}
		b.calls(t, getKeys, sent)
	}
	list(1, 5*time.Minute)
	b.pass(2 * time.Minute)
	list(1, 3*time.Minute)
	_, err := wrong.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "find user: user alice: ", "verify aksk signature fail")
	_, err = wrong.Create(t.Context(), b.alice, ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "create key: user ", "verify aksk signature fail")
	b.calls(t, postKeys, 0)
	b.pass(3*time.Minute - 1)
	list(1, 1)
	b.pass(1)
	list(2, 5*time.Minute)
}

func TestAKeyThatWorksAgainIsNoticedByTheNextTry(t *testing.T) {
	b := newBed(t, account.Options{})
	for range 6 { // somebody else
		_, _ = b.connect(t, account.DefaultAccessKeyID, "wrong").List(t.Context(), b.alice)
	}
	b.account.ResetCalls()
	list := func(sent int, text string) {
		t.Helper()
		if _, err := b.List(t.Context(), b.alice); text != "" || err != nil {
			expectKind(t, err, keyservice.Unauthorized, text)
		}
		b.calls(t, getKeys, sent)
	}
	list(1, "AK access failed to reach the limit,forbidden")
	b.pass(5 * time.Minute)
	list(2, "")
	b.account.SetActive(account.DefaultAccessKeyID, false)
	list(3, "ak is inactive")
	b.account.SetActive(account.DefaultAccessKeyID, true)
	list(3, "ak is inactive")
	b.pass(5 * time.Minute)
	list(4, "")
	list(5, "")
}

func TestEveryKindOf401StopsTheRequests(t *testing.T) {
	for _, body := range []string{"", "<html>", `{"error":{"code":401,"message":"The request you have made requires authentication."}}`} {
		b := newBed(t, account.Options{})
		b.account.Inject(anyCreate, b.answer(401, body))
		for range 2 {
			_, err := b.Create(t.Context(), b.alice, ttlIgnored)
			expectKind(t, err, keyservice.Unauthorized, "create key: ", "401", "check the access key")
		}
		b.calls(t, postKeys, 1)
	}
}

// blocked is a service whose answers wait for the status that they are to have.
type blocked struct {
	*Service

	clock  *clocktesting.FakePassiveClock
	answer chan int
	sent   atomic.Int64
	errs   chan error
}

func newBlocked(t *testing.T) *blocked {
	t.Helper()
	b := &blocked{clock: clocktesting.NewFakePassiveClock(start), answer: make(chan int), errs: make(chan error, 20)}
	config := goodConfig
	config.Now = b.clock.Now
	config.HTTP = &http.Client{Transport: bed.RoundTripper(func(*http.Request) (*http.Response, error) {
		b.sent.Add(1)
		return &http.Response{StatusCode: <-b.answer, Body: io.NopCloser(strings.NewReader(`{"access_keys":[]}`))}, nil
	})}
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	b.Service = service
	return b
}

// list makes so many calls at once, of which so many are sent, and waits until nothing goes on.
func (b *blocked) list(t *testing.T, calls int, sent int64) {
	t.Helper()
	before := b.sent.Load()
	for range calls {
		go func() {
			_, err := b.List(t.Context(), someID)
			b.errs <- err
		}()
	}
	synctest.Wait()
	if got := b.sent.Load() - before; got != sent {
		t.Errorf("of %d requests, %d are under way, want %d", calls, got, sent)
	}
}

// ended returns how many of so many calls ended well. The others ended with a 401.
func (b *blocked) ended(t *testing.T, calls int) (good int) {
	t.Helper()
	for range calls {
		if err := <-b.errs; err == nil {
			good++
		} else {
			expectKind(t, err, keyservice.Unauthorized, "401")
		}
	}
	return good
}

const someID = "0123456789abcdef0123456789abcdef"

func TestABadKeyIsNotLockedUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked(t)
		refusedAlone := func() { // while no signature was accepted since the last 401, one request is under way
			b.list(t, 20, 1)
			b.answer <- 401
			if good := b.ended(t, 20); good != 0 {
				t.Errorf("%d requests succeeded", good)
			}
			b.clock.SetTime(b.clock.Now().Add(5 * time.Minute))
		}
		refusedAlone()
		b.list(t, 1, 1)
		b.answer <- 200
		if good := b.ended(t, 1); good != 1 {
			t.Error("the signature was not accepted")
		}
		b.list(t, 20, 5)
		for range 4 {
			b.answer <- 401
		}
		synctest.Wait()
		b.answer <- 200 // to a request from before: the gate stays closed
		good := b.ended(t, 20)
		b.list(t, 1, 0)
		if good += b.ended(t, 1); good != 1 {
			t.Errorf("%d requests succeeded", good)
		}
		b.clock.SetTime(b.clock.Now().Add(5 * time.Minute))
		refusedAlone()
	})
}

func TestACallerStopsWaitingAtTheGateWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked(t)
		b.list(t, 1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := b.Create(ctx, someID, ttlIgnored)
		expectKind(t, err, keyservice.Unavailable, "create key: user "+someID+": ", "did not answer in time")
		b.answer <- 200
		if good := b.ended(t, 1); good != 1 || b.sent.Load() != 1 {
			t.Errorf("%d requests", b.sent.Load())
		}
	})
}

func TestAClockThatIsWrongIsReportedWithTheDifference(t *testing.T) {
	for name, test := range map[string]struct {
		ahead   time.Duration
		options account.Options
		text    string
	}{
		"ahead":                    {20 * time.Minute, account.Options{}, "is 20 minutes ahead of the service's, which allows 15: set the operator's clock right"},
		"behind":                   {-26 * time.Hour, account.Options{}, "is 1560 minutes behind the service's"},
		"with the other code":      {20 * time.Minute, account.Options{SkewCode: "APIGW.0303"}, "APIGW.0303: Incorrect IAM authentication information: calc ak sk signature fail:signature expired, signature time, server time; the operator's clock is 20 minutes"},
		"where less is allowed":    {6 * time.Minute, account.Options{Skew: time.Minute}, "is 6 minutes ahead"},
		"too little to be blamed":  {4*time.Minute + 58*time.Second, account.Options{Skew: time.Minute}, "check the access key"},
		"where the answer is dull": {20 * time.Minute, account.Options{NoDate: true}, "check the access key"},
		"where errors are empty":   {20 * time.Minute, account.Options{Shape: account.ShapeBare}, "is 20 minutes ahead"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, test.options)
			b.own.SetTime(start.Add(test.ahead))
			_, err := b.List(t.Context(), b.alice)
			expectKind(t, err, keyservice.Unauthorized, test.text)
		})
	}
}

func TestADriftingClockIsReportedWithTheSameText(t *testing.T) {
	b := newBed(t, account.Options{})
	texts := map[string]bool{}
	for _, ahead := range []time.Duration{20*time.Minute + 29*time.Second, 20*time.Minute + 31*time.Second, 20 * time.Minute, 19*time.Minute + 10*time.Second} {
		b.own.SetTime(b.clock.Now().Add(ahead))
		_, err := b.List(t.Context(), b.alice)
		expectKind(t, err, keyservice.Unauthorized)
		texts[err.Error()] = true
		b.pass(6 * time.Minute)
	}
	if len(texts) != 1 {
		t.Errorf("got %v", texts)
	}
	b.own.SetTime(b.clock.Now())
	b.account.SetActive(account.DefaultAccessKeyID, false)
	_, err := b.List(t.Context(), b.alice)
	expectKind(t, err, keyservice.Unauthorized, "ak is inactive; check the access key")
}

func TestAClockThatIsSetRightIsEnough(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, 16 * time.Minute, -time.Hour} {
		b := newBed(t, account.Options{})
		b.own.SetTime(start.Add(ahead))
		_, err := b.List(t.Context(), b.alice)
		expectKind(t, err, keyservice.Unauthorized, "set the operator's clock right")
		b.own.SetTime(start)
		b.create(t, b.alice)
	}
}
