// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

func TestOneLoginServesEveryRequest(t *testing.T) {
	b := newBed(t, cluster.Options{})
	b.inParallel(t, func() error {
		_, err := b.List(t.Context(), "local:alice")
		return err
	})
	b.calls(t, postLogin, 1)
}

func TestAnEndedSessionIsRenewedOnceHoweverManyNoticeIt(t *testing.T) {
	for _, bare := range []bool{false, true} {
		t.Run(fmt.Sprint("the 401 is without a body: ", bare), func(t *testing.T) {
			b := newBed(t, cluster.Options{BareErrors: bare})
			if _, err := b.List(t.Context(), "local:alice"); err != nil {
				t.Fatal(err)
			}
			b.clock.SetTime(start.Add(10 * time.Hour))
			b.inParallel(t, func() error {
				_, err := b.ListAll(t.Context())
				return err
			})
			b.calls(t, postLogin, 2)
		})
	}
}

func TestACreateThatMeetsAnEndedSessionMakesOneKey(t *testing.T) {
	b := newBed(t, cluster.Options{})
	if _, err := b.List(t.Context(), "local:alice"); err != nil {
		t.Fatal(err)
	}
	b.cluster.RevokeTokens()
	b.create(t, "local:alice")
	b.calls(t, postKeys, 2)
	if made := len(b.cluster.History()); made != 1 {
		t.Errorf("%d keys were made", made)
	}
}

func TestADeleteThatMeetsAnEndedSessionIsCarriedOut(t *testing.T) {
	b := newBed(t, cluster.Options{})
	made := b.create(t, "local:alice")
	b.clock.SetTime(start.Add(11 * time.Hour))
	if err := b.Delete(t.Context(), "local:alice", made.ID); err != nil {
		t.Error(err)
	}
}

func TestAServiceThatRefusesEverySessionIsUnauthorized(t *testing.T) {
	b := newBed(t, cluster.Options{})
	b.cluster.Inject(anyCreate, simulator.Answer(401, nil, ""))
	_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "create key: user local:alice: ", "even a new session")
	b.calls(t, postLogin, 2)
	b.calls(t, postKeys, 2)
}

func TestAWrongPasswordIsTriedOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins, answer := 0, make(chan struct{})
		service, err := New(Config{
			URL: "https://qumulo.example", Username: "admin", Password: "geheim",
			HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				logins++
				<-answer
				return &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody}, nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		const waiting = 8
		errs := make(chan error, waiting)
		for range waiting {
			go func() {
				_, err := service.Create(t.Context(), "local:alice", ttlIgnored)
				errs <- err
			}()
		}
		synctest.Wait() // all of them wait for the one login
		close(answer)
		for range waiting {
			err := <-errs
			expectKind(t, err, keyservice.Unauthorized, "log in: the service does not accept the username and password")
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error tells the password: %v", err)
			}
		}
		if logins != 1 {
			t.Errorf("%d logins", logins)
		}
	})
}

func TestFailuresOfALogin(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"a 401 without a body": {simulator.Answer(401, nil, ""), keyservice.Unauthorized, "username and password"},
		"a 400":                {simulator.Answer(400, nil, ""), keyservice.Unauthorized, "username and password"},
		"a 403":                {simulator.Answer(403, nil, `{"description":"locked"}`), keyservice.Unauthorized, "locked"},
		"a 404":                {simulator.Answer(404, nil, ""), keyservice.Unavailable, "URL"},
		"throttling":           {simulator.Throttle("9"), keyservice.Throttled, "429"},
		"a server error":       {simulator.Answer(500, nil, ""), keyservice.Unavailable, "500"},
		"a proxy's page":       {simulator.Answer(200, nil, "<html>"), keyservice.Unavailable, "not that of a Qumulo"},
		"no token":             {simulator.Answer(200, nil, "{}"), keyservice.Unavailable, "not that of a Qumulo"},
		"no answer":            {simulator.DropAnswer(), keyservice.Unavailable, "closed the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, cluster.Options{})
			b.cluster.Inject(anyLogin.Once(), test.effect)
			_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
			expectKind(t, err, test.kind, "log in: ", test.text)
			b.create(t, "local:alice")
		})
	}
}

func TestWhoWaitsForALoginCanLeaveAndTheLoginGoesOn(t *testing.T) {
	b := newBed(t, cluster.Options{})
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	b.cluster.Inject(anyLogin, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		arrived <- struct{}{}
		simulator.Hang(release)(w, r, next)
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := b.List(ctx, "local:alice")
		first <- err
	}()
	<-arrived
	second := make(chan error)
	go func() {
		_, err := b.List(t.Context(), "local:alice")
		second <- err
	}()
	cancel()
	expectKind(t, <-first, keyservice.Unavailable, "canceled")
	close(release)
	if err := <-second; err != nil {
		t.Error(err)
	}
	b.calls(t, postLogin, 1)
}

func TestALoginThatTakesTooLongSaysSo(t *testing.T) {
	b := newBed(t, cluster.Options{})
	b.cluster.Inject(anyLogin, simulator.Hang(nil))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := b.List(ctx, "local:alice")
	expectKind(t, err, keyservice.Unavailable, "in time")
	b.server.Down(true) // ends the login that still goes on
}

func TestAGivenTokenIsUsedAsItIs(t *testing.T) {
	b := newBed(t, cluster.Options{})
	service := b.connect(t, Config{Token: keyservice.Secret(b.cluster.AddToken(start.Add(time.Hour)) + "\n")})
	if _, err := service.Create(t.Context(), "local:alice", ttlIgnored); err != nil {
		t.Fatal(err)
	}
	b.clock.SetTime(start.Add(time.Hour))
	_, err := service.Create(t.Context(), "local:alice", ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "create key", "the token is wrong or has ended")
	b.calls(t, postKeys, 2)
	b.calls(t, postLogin, 0)
}

func TestRequestsAtOnceFromManyUsersWork(t *testing.T) {
	b := newBed(t, cluster.Options{})
	var waiting sync.WaitGroup
	for i := range 8 {
		user := fmt.Sprint("local:user", i)
		b.cluster.AddUser(fmt.Sprint("user", i))
		waiting.Go(func() {
			made, err := b.Create(t.Context(), user, ttlIgnored)
			if err != nil {
				t.Error(err)
				return
			}
			if keys, err := b.List(t.Context(), user); err != nil || len(keys) != 1 {
				t.Errorf("got %v, %v", keys, err)
			}
			if err := b.Delete(t.Context(), user, made.ID); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (b *bed) inParallel(t *testing.T, do func() error) {
	t.Helper()
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
}
