// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
	"accesskey.dev/operator/test/simulator"
)

// fakeOperations are the fake's names for the suite's operations, each of which is one request to it.
var fakeOperations = map[string]fake.Operation{
	opList: fake.List, opListAll: fake.ListAll, opCreate: fake.Create, opCreateBeside: fake.Create, opDelete: fake.Delete,
	opDeleteOneOf: fake.Delete, opRegenerate: fake.Regenerate, opDisable: fake.Disable, opEnable: fake.Enable, opLastUsed: fake.LastUsed, opProbe: fake.Probe,
	opResolve: fake.ResolveUser, opIdentity: fake.Identity,
}

// fakeSubject is the fake with the abilities that compose gives it.
func fakeSubject(name string, options fake.Options, compose func(*fake.Service) keyservice.Service) subject {
	s := subject{
		name: name, pageSize: 1, pages: []int{0}, unknownUser: keyservice.NotFound,
		foreignFull: expected{kind: keyservice.QuotaExceeded},
		requests:    map[string][]request{},
	}
	if options.MakesUsers {
		s.unknownUser = ""
	}
	for op, called := range fakeOperations {
		s.requests[op] = []request{{
			name: string(called), unsafe: called == fake.Create || called == fake.Regenerate,
			changes: called == fake.Create || called == fake.Regenerate || called == fake.Delete || called == fake.Disable || called == fake.Enable,
		}}
	}
	s.start = func(t *testing.T, _ int) *bed {
		t.Helper()
		clock := clocktesting.NewFakePassiveClock(begin)
		options := options
		options.Clock = clock
		service := fake.New(options)
		service.AddUser(alice)
		service.AddUser(bob)
		b := &bed{world: fakeWorld{service}, Service: compose(service), subject: s, clock: clock, alice: alice, bob: bob}
		b.backend = func(*http.Client, string) (keyservice.Service, error) { return b.Service, nil }
		b.sent = func() int {
			sum := 0
			for _, calls := range service.Calls() {
				sum += calls
			}
			return sum
		}
		b.meet = func(op string, _ request, f fault) { service.FailNext(fakeOperations[op], *f.fake) }
		return b
	}
	return s
}

// fakes have each ability at least once, in the shapes of the real services.
func fakes() []subject {
	return []subject{
		fakeSubject("fake with two keys", fake.Options{}, func(s *fake.Service) keyservice.Service {
			return struct {
				*fake.Service
				fake.AllLister
				fake.Prober
				fake.Identifier
			}{s, s.AllLister(), s.Prober(), s.Identifier()}
		}),
		fakeSubject("fake that disables", fake.Options{}, func(s *fake.Service) keyservice.Service {
			return struct {
				*fake.Service
				fake.Disabler
				fake.Enabler
				fake.LastUsedReporter
				fake.UserResolver
			}{s, s.Disabler(), s.Enabler(), s.LastUsedReporter(), s.UserResolver()}
		}),
		fakeSubject("fake that regenerates", fake.Options{
			KeysPerUser: 5, ChoosesID: true, Provisioning: 10 * time.Second, Destroying: 30 * time.Second,
		}, func(s *fake.Service) keyservice.Service {
			return struct {
				*fake.Service
				fake.Regenerator
				fake.HandleChooser
				fake.AllLister
			}{s, s.Regenerator(), s.HandleChooser(), s.AllLister()}
		}),
		fakeSubject("fake with one key", fake.Options{
			KeysPerUser: 1, ChoosesID: true, MaxTTL: 1095 * 24 * time.Hour, MakesUsers: true,
		}, func(s *fake.Service) keyservice.Service {
			return struct {
				*fake.Service
				fake.Regenerator
				fake.HandleChooser
				fake.AllLister
			}{s, s.Regenerator(), s.HandleChooser(), s.AllLister()}
		}),
	}
}

type fakeWorld struct{ *fake.Service }

func (fakeWorld) user(name string) string { return name }

func (fakeWorld) spellings(name string) []string { return []string{name, "name:" + name} }

func (w fakeWorld) removeUser(name string) bool { return w.DeleteUser(name) }

func (w fakeWorld) makeKey(name string) (simulator.Pair, error) {
	pair, _, err := w.MakeKey(name)
	return pair, err
}

func (w fakeWorld) visible() map[string]string { return owners(w.LivePairs()) }

// items returns 1, since a listing is one call.
func (fakeWorld) items() int { return 1 }
