// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/uuid"
	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/huawei"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
)

var (
	// huaweiUsers is the first request only, since its path begins those of the others too.
	huaweiUsers   = request{name: "users", rule: simulator.Rule{Method: http.MethodGet, Path: "/v5/users"}}
	huaweiList    = request{name: "list", rule: simulator.Rule{Method: http.MethodGet, Path: "/v5/users/"}}
	huaweiPost    = request{name: "create", rule: simulator.Rule{Method: http.MethodPost, Path: "/v5/users/"}, unsafe: true, changes: true}
	huaweiDisable = request{name: "disable", rule: simulator.Rule{Method: http.MethodPut, Path: "/v5/users/"}, changes: true, unread: true}
	huaweiEnable  = request{name: "enable", rule: huaweiDisable.rule, changes: true, unread: true}
	huaweiUsed    = request{name: "last-used", rule: simulator.Rule{Method: http.MethodGet, Path: "/v5/users/"}}
	huaweiGone    = request{
		name: "delete", rule: simulator.Rule{Method: http.MethodDelete, Path: "/v5/users/"}, changes: true, unread: true, bodyless: true,
	}
)

func huaweiSubject() subject {
	return subject{
		name:        "huawei",
		title:       "Huawei Cloud IAM v5",
		pageSize:    200,
		pages:       []int{70, 200},
		unknownUser: keyservice.NotFound,
		foreignFull: expected{kind: keyservice.QuotaExceeded},
		requests: map[string][]request{
			opList:         {huaweiUsers, huaweiList},
			opCreate:       {huaweiUsers, huaweiPost},
			opCreateBeside: {huaweiUsers, huaweiPost},
			opDelete:       {huaweiUsers, huaweiGone},
			opDeleteOneOf:  {huaweiUsers, huaweiGone},
			opDisable:      {huaweiUsers, huaweiDisable},
			opEnable:       {huaweiUsers, huaweiEnable},
			opLastUsed:     {huaweiUsers, huaweiUsed},
			opResolve:      {huaweiUsers},
			opIdentity:     {}, // it is configured
			opProbe:        {huaweiUsers},
		},
		documented: huaweiAnswers,
		refusal: func(words string) string {
			body, _ := json.Marshal(map[string]any{"error_code": "IAM.0007", "error_msg": words})
			return string(body)
		},
		secrets: []string{huawei.DefaultSecretAccessKey},
		start:   startHuawei,
	}
}

func startHuawei(t *testing.T, page int) *bed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(begin)
	domain := strings.ReplaceAll(string(uuid.NewUUID()), "-", "")
	account := huawei.New(huawei.Options{Clock: clock, PageSize: page, DomainID: domain})
	b := &bed{world: huaweiWorld{account, map[string]string{alice: account.AddUser(alice), bob: account.AddUser(bob)}}, subject: huaweiSubject(), clock: clock, core: account.Core}
	b.backend = func(client *http.Client, url string) (keyservice.Service, error) {
		return backend.New(backend.Config{
			URL: url, DomainID: domain, AccessKeyID: huawei.DefaultAccessKeyID,
			SecretAccessKey: huawei.DefaultSecretAccessKey, HTTP: client, Now: clock.Now, Gate: rest.NewGate(clock.Now, rest.Refusals{}),
		})
	}
	return serve(t, b, account)
}

type huaweiWorld struct {
	*huawei.Simulator

	ids map[string]string
}

func (huaweiWorld) user(name string) string { return name }

func (w huaweiWorld) spellings(name string) []string { return []string{name, w.ids[name]} }

func (w huaweiWorld) removeUser(name string) bool { w.DeleteUser(name); return true }

func (w huaweiWorld) makeKey(name string) (simulator.Pair, error) {
	pair, _, err := w.MakeKey(name)
	if err != nil && len(w.Keys(name)) == 0 {
		w.AddUser(name)
		pair, _, err = w.MakeKey(name)
	}
	return pair, err
}

func (w huaweiWorld) visible() map[string]string { return owners(w.LivePairs()) }

func (w huaweiWorld) items() int { return len(w.LivePairs()) }
