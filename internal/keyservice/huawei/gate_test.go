// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
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
	list := func() error {
		_, err := wrong.List(t.Context(), b.alice)
		return err
	}
	first := list()
	expectKind(t, first, keyservice.Unauthorized, "list keys: user "+b.alice+": the service answered 401 Unauthorized: "+
		"APIGW.0301: Incorrect IAM authentication information: verify aksk signature fail; check the access key",
		"nothing is sent for five minutes")
	if wait := keyservice.RetryAfterOf(first); wait != 5*time.Minute {
		t.Errorf("RetryAfter %s", wait)
	}
	b.pass(2 * time.Minute)
	second := list()
	if second == nil || second.Error() != first.Error() {
		t.Errorf("the text changes:\n%v\n%v", first, second)
	}
	if wait := keyservice.RetryAfterOf(second); wait != 3*time.Minute {
		t.Errorf("RetryAfter %s", wait)
	}
	_, err := wrong.Create(t.Context(), "alice", ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "find user: user alice: ", "verify aksk signature fail")
	_, err = wrong.Create(t.Context(), b.alice, ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "create key: user ", "verify aksk signature fail")
	b.calls(t, getKeys, 1)
	b.calls(t, postKeys, 0)
	b.pass(3*time.Minute - 1)
	_ = list()
	b.calls(t, getKeys, 1)
	b.pass(1)
	expectKind(t, list(), keyservice.Unauthorized, "verify aksk signature fail")
	b.calls(t, getKeys, 2)
}

func TestAKeyThatWorksAgainIsNoticedByTheNextTry(t *testing.T) {
	b := newBed(t, account.Options{})
	b.create(t, "alice")
	b.account.SetActive(account.DefaultAccessKeyID, false)
	_, err := b.List(t.Context(), "alice")
	expectKind(t, err, keyservice.Unauthorized, "ak is inactive")
	b.account.SetActive(account.DefaultAccessKeyID, true)
	_, err = b.List(t.Context(), "alice")
	expectKind(t, err, keyservice.Unauthorized, "ak is inactive")
	b.pass(5 * time.Minute)
	for range 2 {
		if _, err := b.List(t.Context(), "alice"); err != nil {
			t.Error(err)
		}
	}
	b.calls(t, getKeys, 3)
}

func TestEveryKindOf401StopsTheRequests(t *testing.T) {
	for name, body := range map[string]string{
		"without a body":     "",
		"of a proxy":         "<html>",
		"of the token check": `{"error_code":"APIGW.0303","error_msg":"Incorrect app authentication information"}`,
		"of classic IAM":     `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, account.Options{})
			b.account.Inject(anyCreate, b.answer(401, body))
			for range 3 {
				_, err := b.Create(t.Context(), b.alice, ttlIgnored)
				expectKind(t, err, keyservice.Unauthorized, "create key: ", "401", "check the access key")
			}
			b.calls(t, postKeys, 1)
		})
	}
}

func TestALockedKeyIsReportedAndUsedAfterTheLock(t *testing.T) {
	b := newBed(t, account.Options{})
	for range 6 { // somebody else
		_, _ = b.connect(t, account.DefaultAccessKeyID, "wrong").List(t.Context(), b.alice)
	}
	_, err := b.List(t.Context(), b.alice)
	expectKind(t, err, keyservice.Unauthorized, "AK access failed to reach the limit,forbidden")
	b.pass(5 * time.Minute)
	b.create(t, b.alice)
}

func TestAWrongSecretDoesNotLockTheKeyForOthers(t *testing.T) {
	b := newBed(t, account.Options{})
	wrong := b.connect(t, account.DefaultAccessKeyID, "wrong")
	var waiting sync.WaitGroup
	for range 50 {
		waiting.Go(func() {
			_, err := wrong.List(t.Context(), b.alice)
			if keyservice.KindOf(err) != keyservice.Unauthorized {
				t.Errorf("got %v", err)
			}
		})
	}
	waiting.Wait()
	b.calls(t, getKeys, 1)
	b.create(t, b.alice)
}

// blocked is a service whose answers wait for the status that they are to have.
type blocked struct {
	*Service

	clock  *clocktesting.FakePassiveClock
	answer chan int
	mu     sync.Mutex
	sent   int
}

func newBlocked(t *testing.T) *blocked {
	t.Helper()
	b := &blocked{clock: clocktesting.NewFakePassiveClock(start), answer: make(chan int)}
	service, err := New(Config{
		URL: "https://iam.example", DomainID: "d", AccessKeyID: "A", SecretAccessKey: "s", Now: b.clock.Now,
		HTTP: &http.Client{Transport: bed.RoundTripper(func(*http.Request) (*http.Response, error) {
			b.mu.Lock()
			b.sent++
			b.mu.Unlock()
			recorder := httptest.NewRecorder()
			recorder.WriteHeader(<-b.answer)
			_, err := recorder.WriteString(`{"access_keys":[]}`)
			return recorder.Result(), err
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Service = service
	return b
}

func TestUntilASignatureWasAcceptedOneRequestIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked(t)
		errs := make(chan error, 20)
		for range 20 {
			go func() {
				_, err := b.List(t.Context(), someID)
				errs <- err
			}()
		}
		synctest.Wait()
		if b.sent != 1 {
			t.Errorf("%d requests are under way", b.sent)
		}
		b.answer <- 401
		for range 20 {
			expectKind(t, <-errs, keyservice.Unauthorized, "401")
		}
		if b.sent != 1 {
			t.Errorf("%d requests went out", b.sent)
		}
	})
}

func TestAKeyThatGoesBadUnderLoadIsNotLocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked(t)
		errs := make(chan error, 20)
		list := func() {
			_, err := b.List(t.Context(), someID)
			errs <- err
		}
		go list()
		b.answer <- 200
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		b.sent = 0
		for range 20 {
			go list()
		}
		synctest.Wait()
		if b.sent != 5 {
			t.Errorf("%d requests are under way", b.sent)
		}
		for range 4 {
			b.answer <- 401
		}
		synctest.Wait()
		b.answer <- 200 // to a request from before: the gate stays closed
		synctest.Wait()
		go list()
		synctest.Wait()
		good := 0
		for range 21 {
			if <-errs == nil {
				good++
			}
		}
		if good != 1 || b.sent != 5 {
			t.Errorf("%d of %d requests succeeded", good, b.sent)
		}
		b.clock.SetTime(start.Add(5 * time.Minute))
		for range 20 {
			go list()
		}
		synctest.Wait()
		if b.sent != 6 {
			t.Errorf("%d requests went out after the pause", b.sent-5)
		}
		b.answer <- 401
		for range 20 {
			expectKind(t, <-errs, keyservice.Unauthorized)
		}
	})
}

const someID = "0123456789abcdef0123456789abcdef"

func TestACallerStopsWaitingAtTheGateWhenItsContextEnds(t *testing.T) {
	for name, test := range map[string]struct {
		context func(context.Context) (context.Context, context.CancelFunc)
		text    string
	}{
		"canceled": {context.WithCancel, "canceled before the service answered"},
		"a deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, "did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBlocked(t)
				first := make(chan error)
				go func() {
					_, err := b.List(t.Context(), someID)
					first <- err
				}()
				synctest.Wait()
				ctx, cancel := test.context(t.Context())
				defer cancel()
				second := make(chan error)
				go func() {
					_, err := b.Create(ctx, someID, ttlIgnored)
					second <- err
				}()
				synctest.Wait()
				if name == "canceled" {
					cancel()
				}
				expectKind(t, <-second, keyservice.Unavailable, "create key: user "+someID+": ", test.text)
				b.answer <- 200
				if err := <-first; err != nil || b.sent != 1 {
					t.Errorf("%d requests, %v", b.sent, err)
				}
			})
		})
	}
}
