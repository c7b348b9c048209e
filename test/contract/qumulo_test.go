// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"net/http"
	"testing"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/qumulo"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const qumuloKeys = "/v1/s3/access-keys/"

var (
	qumuloLogin = request{name: "login", rule: simulator.Rule{Path: "/v1/session/login"}}
	qumuloFind  = request{name: "identity", rule: simulator.Rule{Path: "/v1/identity/find"}}
	qumuloList  = request{name: "list", rule: simulator.Rule{Method: http.MethodGet, Path: qumuloKeys}}
	qumuloPost  = request{name: "create", rule: simulator.Rule{Method: http.MethodPost, Path: qumuloKeys}, unsafe: true, changes: true}
	qumuloGone  = request{name: "delete", rule: simulator.Rule{Method: http.MethodDelete, Path: qumuloKeys}, changes: true, unread: true}
	qumuloSelf  = request{name: "who-am-i", rule: simulator.Rule{Path: "/v1/session/who-am-i"}, unread: true}
	qumuloState = request{name: "state", rule: simulator.Rule{Path: "/v1/node/state"}}
	qumuloVer   = request{name: "version", rule: simulator.Rule{Path: "/v1/version"}}
)

func qumuloSubject() subject {
	return subject{
		name:        "qumulo",
		title:       "Qumulo Core",
		pageSize:    10000,
		pages:       []int{70, 10000},
		unknownUser: keyservice.NotFound,
		foreignFull: expected{kind: keyservice.QuotaExceeded},
		requests: map[string][]request{
			opList:         {qumuloLogin, qumuloFind, qumuloList},
			opListAll:      {qumuloLogin, qumuloList},
			opCreate:       {qumuloLogin, qumuloFind, qumuloPost},
			opCreateBeside: {qumuloLogin, qumuloFind, qumuloPost},
			opDelete:       {qumuloLogin, qumuloGone},
			opDeleteOneOf:  {qumuloLogin, qumuloGone},
			opResolve:      {qumuloLogin, qumuloFind},
			opIdentity:     {qumuloLogin, qumuloState},
			opProbe:        {qumuloVer, qumuloLogin, qumuloSelf},
		},
		documented: qumuloAnswers,
		refusal: func(words string) string {
			body, _ := json.Marshal(map[string]any{"module": "qm", "error_class": "decode_error", "description": words})
			return string(body)
		},
		secrets: []string{password},
		start:   startQumulo,
	}
}

func startQumulo(t *testing.T, page int) *bed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(begin)
	cluster := qumulo.New(qumulo.Options{Clock: clock, Password: password, PageSize: page})
	b := &bed{world: qumuloWorld{cluster, map[string]string{alice: cluster.AddUser(alice), bob: cluster.AddUser(bob)}}, subject: qumuloSubject(), clock: clock, core: cluster.Core}
	b.backend = func(client *http.Client, url string) (keyservice.Service, error) {
		return backend.New(backend.Config{
			URL: url, Username: qumulo.DefaultUsername, Password: password, HTTP: client,
		})
	}
	return serve(t, b, cluster)
}

type qumuloWorld struct {
	*qumulo.Simulator

	authIDs map[string]string
}

func (qumuloWorld) user(name string) string { return "local:" + name }

func (w qumuloWorld) spellings(name string) []string {
	sid := "S-1-5-21-1-2-3-" + w.authIDs[name]
	return []string{"local:" + name, name, "sid:" + sid, sid, "auth_id:" + w.authIDs[name]}
}

func (w qumuloWorld) removeUser(name string) bool { w.DeleteUser(name); return true }

func (qumuloWorld) Active(string) bool { return true }

func (w qumuloWorld) makeKey(name string) (simulator.Pair, error) {
	pair, _, err := w.MakeKey("local:" + name)
	if err != nil {
		w.AddUser(name)
		pair, _, err = w.MakeKey("local:" + name)
	}
	return pair, err
}

func (w qumuloWorld) visible() map[string]string { return owners(w.LivePairs()) }

func (w qumuloWorld) items() int { return len(w.LivePairs()) }

// owners of keys by their IDs.
func owners(pairs []simulator.Pair) map[string]string {
	all := map[string]string{}
	for _, pair := range pairs {
		all[pair.ID] = pair.Owner
	}
	return all
}
