// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"time"

	"accesskey.dev/operator/test/services"
)

// keyService is an account at a service, with the users that get keys there. The simulators run in the test's process, so they
// outlive every kill and know the truth.
type keyService struct {
	*services.Account

	users []user
}

// user of a service.
type user struct {
	services.User

	// crowded: a foreign key fills the quota, so that no rotation is possible.
	crowded bool
}

// open creates the account of a service with its users, and the foreign keys of a person.
func (w *world) open(service services.Service) *keyService {
	s := &keyService{Account: service.Open(services.Options{Clock: w.clock})}
	keys := 12
	if s.Quota == 1 {
		keys = 2 // a rotation ends the old pair before the new one is published, so these say less
	}
	for i := range keys {
		s.users = append(s.users, user{User: s.AddUser(userName(i))})
	}
	person := s.AddUser("person")
	for range min(s.Quota, 2) {
		w.makeKey(s, person)
	}
	for i := range s.users {
		switch u := &s.users[i]; {
		case s.Quota > 2:
			w.makeKey(s, u.User)
		case i == 0 && !s.MakesUsers:
			u.crowded = true
			w.makeKey(s, u.User)
		}
	}
	return s
}

func (w *world) makeKey(s *keyService, of services.User) {
	_, _, err := s.MakeKey(of)
	w.must(err)
}

func userName(i int) string { return fmt.Sprintf("user-%02d", i) }

// slow delays each change before and after it is carried out, so that kills interrupt requests in every state. A change is
// carried out even if its sender is gone by then, as at a real service.
func slow(next http.Handler, most time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the request was cut off
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		time.Sleep(rand.N(most))
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r.WithContext(context.WithoutCancel(r.Context())))
		time.Sleep(rand.N(most))
		for key, values := range recorder.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes()) // the client may be gone
	})
}
