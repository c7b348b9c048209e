// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/ionos"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ionos"
)

var (
	ionosList       = request{name: "list", rule: simulator.Rule{Method: http.MethodGet, Path: "/accesskeys"}}
	ionosPut        = request{name: "create", rule: simulator.Rule{Method: http.MethodPut, Path: "/accesskeys/"}, unsafe: true, changes: true}
	ionosRegenerate = request{name: "regenerate", rule: simulator.Rule{Method: http.MethodPut, Path: "/accesskeys/"}, unsafe: true, changes: true}
	ionosGone       = request{name: "delete", rule: simulator.Rule{Method: http.MethodDelete, Path: "/accesskeys/"}, changes: true, unread: true}
)

func ionosSubject() subject {
	return subject{
		name:        "ionos",
		title:       "IONOS Object Storage",
		pageSize:    100,
		pages:       []int{2, 1000},
		unknownUser: keyservice.Invalid, // no user but the token's can be named
		foreignFull: expected{kind: keyservice.QuotaExceeded},
		requests: map[string][]request{
			opList:         {ionosList},
			opListAll:      {ionosList},
			opCreate:       {ionosPut},
			opCreateBeside: {ionosPut},
			opDelete:       {ionosGone},
			opDeleteOneOf:  {ionosGone},
			opRegenerate:   {ionosRegenerate},
			opIdentity:     {}, // it is in the token
			opProbe:        {ionosList},
		},
		documented: ionosAnswers,
		refusal: func(words string) string {
			body, _ := json.Marshal(map[string]any{"httpStatus": 400, "messages": []any{map[string]any{"errorCode": "err-1", "message": words}}})
			return string(body)
		},
		start: startIONOS,
	}
}

func startIONOS(t *testing.T, page int) *bed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(begin)
	cloud := ionos.New(ionos.Options{Clock: clock, PageSize: page, Provisioning: 10 * time.Second, Destroying: 30 * time.Second, MaxDescription: 128})
	token := cloud.AddUser(alice)
	subject := ionosSubject()
	subject.secrets = []string{token}
	b := &bed{world: ionosWorld{cloud}, subject: subject, clock: clock, core: cloud.Core}
	b.backend = func(client *http.Client, url string) (keyservice.Service, error) {
		return backend.New(backend.Config{URL: url, Token: keyservice.Secret(token), HTTP: client})
	}
	return serve(t, b, cloud)
}

type ionosWorld struct{ *ionos.Simulator }

// user is the token's, alice, who is not named.
func (ionosWorld) user(name string) string {
	if name == carol {
		return carol
	}
	return ""
}

func (ionosWorld) spellings(string) []string { return nil }

// removeUser does not delete the token's user, as whom nothing could be asked any more.
func (ionosWorld) removeUser(string) bool { return false }

func (ionosWorld) Active(string) bool { return true }

func (w ionosWorld) makeKey(name string) (simulator.Pair, error) {
	pair, _, err := w.MakeKey(name, "by hand")
	if err != nil && len(w.Keys(name)) == 0 {
		w.AddUser(name)
		pair, _, err = w.MakeKey(name, "by hand")
	}
	return pair, err
}

func (w ionosWorld) visible() map[string]string {
	all := map[string]string{}
	for _, pair := range w.Keys(alice) {
		all[pair.ID] = ""
	}
	return all
}

func (w ionosWorld) items() int { return len(w.Keys(alice)) }
