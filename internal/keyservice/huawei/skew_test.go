// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/bed"
	account "accesskey.dev/operator/test/simulator/huawei"
)

func TestAfterARefusedSignatureNothingIsSentForAWhile(t *testing.T) {
	b := newBed(t, account.Options{})
	wrong := b.connect(t, account.DefaultAccessKeyID, "wrong")
	list := func(sent int, until string) {
		t.Helper()
		_, err := wrong.List(t.Context(), b.alice)
		expectKind(t, err, keyservice.Unauthorized, "list keys: ", "APIGW.0301: Incorrect IAM authentication information: verify aksk signature fail; "+
			"check the access key in the credentials Secret and the KeyService's domainID; the operator tries the credentials again at "+until)
		b.calls(t, getKeys, sent)
	}
	list(1, "2026-03-01T12:01:00Z")
	b.pass(59 * time.Second)
	list(1, "2026-03-01T12:01:00Z")
	_, err := wrong.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "find user: ", "verify aksk signature fail")
	_, err = wrong.Create(t.Context(), b.alice, ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "create key: ", "verify aksk signature fail")
	b.calls(t, postKeys, 0)
	b.pass(time.Second)
	list(2, "2026-03-01T12:03:00Z")
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
	b.pass(5 * time.Minute) // the lock has ended
	list(2, "")
	b.account.SetActive(account.DefaultAccessKeyID, false)
	list(3, "ak is inactive")
	b.account.SetActive(account.DefaultAccessKeyID, true)
	list(3, "ak is inactive")
	b.pass(time.Minute)
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

// TestAKeyThatBecomesBadUnderLoadIsNotLocked: more than five bad signatures in a row lock it.
func TestAKeyThatBecomesBadUnderLoadIsNotLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, errs := make(chan int), make(chan error, 20)
		var sent atomic.Int64
		config := goodConfig
		config.Now = clocktesting.NewFakePassiveClock(start).Now
		config.Gate = rest.NewGate(config.Now, rest.Refusals{})
		config.HTTP = &http.Client{Transport: bed.RoundTripper(func(*http.Request) (*http.Response, error) {
			sent.Add(1)
			return &http.Response{StatusCode: <-answer, Body: io.NopCloser(strings.NewReader(`{"access_keys":[]}`))}, nil
		})}
		service, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		list := func(calls int, underWay int64) {
			t.Helper()
			sent.Store(0)
			for range calls {
				go func() {
					_, err := service.List(t.Context(), "0123456789abcdef0123456789abcdef")
					errs <- err
				}()
			}
			synctest.Wait()
			if got := sent.Load(); got != underWay {
				t.Errorf("of %d requests, %d are under way, want %d", calls, got, underWay)
			}
		}
		list(1, 1)
		answer <- 200
		if err := <-errs; err != nil {
			t.Error(err)
		}
		list(20, 5)
		for range 5 {
			answer <- 401
		}
		for range 20 {
			expectKind(t, <-errs, keyservice.Unauthorized, "401")
		}
		if got := sent.Load(); got != 5 {
			t.Errorf("%d requests were sent", got)
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
		text, _, _ := strings.Cut(err.Error(), "; the operator tries the credentials again")
		texts[text] = true
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
