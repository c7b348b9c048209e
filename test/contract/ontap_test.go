// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"net/http"
	"testing"

	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/ontap"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ontap"
)

// ontapAccount has a name after which base64 writes the password otherwise than alone.
const ontapAccount = "storage"

const ontapUsers = "/api/protocols/s3/services/" + ontap.DefaultSVMUUID + "/users"

var (
	ontapVersion = request{name: "version", rule: simulator.Rule{Path: "/api/cluster"}}
	ontapSVM     = request{name: "svm", rule: simulator.Rule{Path: "/api/svm/svms"}}
	ontapRead    = request{name: "read", rule: simulator.Rule{Method: http.MethodGet, Path: ontapUsers + "/"}}
	ontapList    = request{name: "list", rule: simulator.Rule{Method: http.MethodGet, Path: ontapUsers}}
	ontapPost    = request{name: "create", rule: simulator.Rule{Method: http.MethodPost, Path: ontapUsers}, unsafe: true, changes: true}
	// ontapMark is the first PATCH only, since its path is the regeneration's too.
	ontapMark       = request{name: "mark", rule: simulator.Rule{Method: http.MethodPatch, Path: ontapUsers}.Once(), unread: true}
	ontapRegenerate = request{
		name: "regenerate", rule: simulator.Rule{Method: http.MethodPatch, Path: ontapUsers, Query: "regenerate_keys"}, unsafe: true, changes: true,
	}
	ontapEmpty = request{
		name: "delete_keys", rule: simulator.Rule{Method: http.MethodPatch, Path: ontapUsers, Query: "delete_keys"}, changes: true, unread: true,
	}
	ontapGone = request{name: "delete", rule: simulator.Rule{Method: http.MethodDelete, Path: ontapUsers}, changes: true, unread: true}
)

// ontapSubject is a cluster of a version.
func ontapSubject(version string) subject {
	s := subject{
		name:        "ontap-" + version,
		title:       "NetApp ONTAP S3, " + version,
		pageSize:    1000,
		pages:       []int{70, 1000},
		foreignFull: expected{kind: keyservice.Invalid, reason: "UserExists"},
		requests: map[string][]request{
			opList:         {ontapVersion, ontapSVM, ontapRead},
			opListAll:      {ontapVersion, ontapSVM, ontapList},
			opCreate:       {ontapVersion, ontapSVM, ontapRead, ontapPost},
			opCreateBeside: {ontapVersion, ontapSVM, ontapRead, ontapMark, ontapRegenerate},
			opDelete:       {ontapVersion, ontapSVM, ontapRead, ontapGone},
			opDeleteOneOf:  {ontapVersion, ontapSVM, ontapRead, ontapEmpty},
			opRegenerate:   {ontapVersion, ontapSVM, ontapRead, ontapRegenerate},
			opProbe:        {ontapVersion, ontapSVM, ontapList},
			opConnect:      {ontapVersion, ontapSVM},
			opIdentity:     {ontapVersion, ontapSVM},
		},
		documented: ontapAnswers,
		refusal: func(words string) string {
			body, _ := json.Marshal(map[string]any{"error": map[string]any{"code": "2", "message": words}})
			return string(body)
		},
		secrets: []string{password, ontapAccount + ":" + password},
	}
	s.start = func(t *testing.T, page int) *bed { return startONTAP(t, s, version, page) }
	return s
}

func startONTAP(t *testing.T, s subject, version string, page int) *bed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(begin)
	cluster := ontap.New(ontap.Options{Clock: clock, Username: ontapAccount, Password: password, Version: version, PageSize: page})
	b := &bed{world: ontapWorld{cluster}, subject: s, clock: clock, core: cluster.Core}
	b.backend = func(client *http.Client, url string) (keyservice.Service, error) {
		return backend.New(backend.Config{
			URL: url, SVM: ontap.DefaultSVM, Username: ontapAccount, Password: password, HTTP: client,
		})
	}
	return serve(t, b, cluster)
}

type ontapWorld struct{ *ontap.Simulator }

func (ontapWorld) user(name string) string { return name }

func (ontapWorld) spellings(string) []string { return nil }

func (w ontapWorld) removeUser(name string) bool { return w.RemoveUser(name) }

func (ontapWorld) Active(string) bool { return true }

func (w ontapWorld) makeKey(name string) (simulator.Pair, error) {
	pair, _, err := w.AddUser(name, "by hand")
	if err != nil { // there is one
		pair, _, err = w.MakeKey(name, 2)
	}
	return pair, err
}

// visible leaves out root, which the operator does not manage.
func (w ontapWorld) visible() map[string]string {
	all := owners(w.LivePairs())
	delete(all, "root")
	return all
}

// items are the users, root among them.
func (w ontapWorld) items() int { return len(w.Users()) + 1 }
