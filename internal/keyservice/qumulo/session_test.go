// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/simulator"
	cluster "accesskey.dev/operator/test/simulator/qumulo"
)

func TestOneLoginServesEveryRequestUntilTheSessionHasEnded(t *testing.T) {
	b := newBed(t, cluster.Options{})
	for logins := range 2 {
		var waiting sync.WaitGroup
		for range 8 {
			waiting.Go(func() {
				if _, err := b.List(t.Context(), "local:alice"); err != nil {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		b.calls(t, postLogin, logins+1)
		b.clock.SetTime(start.Add(10 * time.Hour))
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

func TestAServiceThatRefusesEverySessionIsUnauthorized(t *testing.T) {
	b := newBed(t, cluster.Options{})
	b.cluster.Inject(anyCreate, simulator.Answer(401, nil, ""))
	_, err := b.Create(t.Context(), "local:alice", ttlIgnored)
	expectKind(t, err, keyservice.Unauthorized, "create key: user local:alice: ", "even a new session")
	b.calls(t, postLogin, 2)
	b.calls(t, postKeys, 2)
}

func TestAWrongPasswordIsTriedOnceForAllCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins, answer := 0, make(chan struct{})
		service, err := New(Config{
			URL: "https://qumulo.example", Username: "admin", Password: "geheim",
			HTTP: &http.Client{Transport: bed.RoundTripper(func(*http.Request) (*http.Response, error) {
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
			if strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "new session") {
				t.Errorf("the error reveals the password, or has the advice for another request: %v", err)
			}
		}
		if logins != 1 {
			t.Errorf("%d logins", logins)
		}
	})
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
