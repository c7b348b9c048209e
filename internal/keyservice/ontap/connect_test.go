// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestTheVersionDecidesTheLimits(t *testing.T) {
	for version, want := range map[string]int{netapp.V9141: 1, "9.15.1": 1, netapp.V9161: 1, "9.18.1": 1, "9.19.0": 1, netapp.V9191: 2, "9.20.1": 2, "10.1.0": 2} {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			limits := keyservice.Limits{KeysPerUser: 1, MaxTTL: 1095 * 24 * time.Hour, ReusesIDs: true, DeletesUsers: true}
			if got := b.Limits(); got != limits {
				t.Errorf("before Connect: %+v", got)
			}
			if err := b.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			limits.KeysPerUser = want
			if got := b.Limits(); got != limits {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAnOldVersionIsRefused(t *testing.T) {
	for _, version := range []string{"9.7.0", netapp.V9131, "9.14.0"} {
		_, err := newBed(t, netapp.Options{Version: version}).List(t.Context(), "backup")
		expectKind(t, err, keyservice.Invalid, "read version: the cluster runs ONTAP "+version, "upgrade it to ONTAP 9.14.1 or newer")
		expectReason(t, err, ReasonVersionUnsupported)
	}
}

func TestConnectingAgainNoticesAnUpgrade(t *testing.T) {
	b := newBed(t, netapp.Options{})
	key := b.create(t, "backup", month)
	b.cluster.Upgrade(netapp.V9191)
	if version, err := b.Probe(t.Context()); err != nil || version != "ONTAP 9.19.1" {
		t.Fatalf("got %s, %v", version, err)
	}
	if b.Limits().KeysPerUser != 2 {
		t.Error("the second key was not noticed")
	}
	if keys := b.list(t, "backup"); len(keys) != 1 || keys[0].ID != key.ID || keys[0].OwnerUID != aliceUID {
		t.Errorf("the key is another one now: %+v", keys)
	}
	b.works(t, b.create(t, "backup", month), true)
	b.works(t, key, true)
}

func TestTheProbeAfterConnectDoesNotReadTheVersionAgain(t *testing.T) {
	b := newBed(t, netapp.Options{})
	if err := b.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, calls := range []int{1, 2, 3} {
		if version, err := b.Probe(t.Context()); err != nil || version != "ONTAP 9.16.1" {
			t.Fatalf("got %s, %v", version, err)
		}
		b.calls(t, getVersion, calls)
	}
}

func TestAProbeFindsWhatIsWrong(t *testing.T) {
	for _, wrong := range []Config{{Username: "admin", Password: "geheim"}, {Username: "nobody", Password: netapp.DefaultPassword}} {
		_, err := newBed(t, netapp.Options{}).connectTo(t, wrong).Probe(t.Context())
		expectKind(t, err, keyservice.Unauthorized, "read version: ", "the username or the password in the Secret is wrong")
	}
	for path, text := range map[string]string{clusterPath: "read version: ", svmsPath: "find SVM: SVM svm1: ", users: "list keys: SVM svm1: "} {
		b := newBed(t, netapp.Options{})
		b.cluster.Deny("", path)
		_, err := b.Probe(t.Context())
		expectKind(t, err, keyservice.Unauthorized, text, "give the operator's account a role")
	}
	gone := newBed(t, netapp.Options{})
	gone.cluster.DeleteServer()
	_, err := gone.Probe(t.Context())
	expectKind(t, err, keyservice.Invalid, "create the S3 server")
	expectReason(t, err, ReasonSVMNotFound)
}

func TestFailuresOfConnecting(t *testing.T) {
	const notONTAP, noSVM = "not that of an ONTAP", "has no SVM of this name"
	for name, test := range map[string]struct {
		path, body string
		kind       keyservice.Kind
		text       string
	}{
		"another service's JSON":      {clusterPath, `{"version":"1"}`, keyservice.Unavailable, notONTAP},
		"no version":                  {clusterPath, `{}`, keyservice.Unavailable, notONTAP},
		"SVMs that are no list":       {svmsPath, `{"records":{}}`, keyservice.Unavailable, notONTAP},
		"no SVMs at all":              {svmsPath, `{}`, keyservice.Unavailable, notONTAP},
		"an SVM of another name":      {svmsPath, `{"records":[{"name":"svm","uuid":"` + netapp.DefaultSVMUUID + `"}]}`, keyservice.Invalid, noSVM},
		"an SVM without its UUID":     {svmsPath, `{"records":[{"name":"svm1"}]}`, keyservice.Invalid, noSVM},
		"an SVM whose UUID is a path": {svmsPath, `{"records":[{"name":"svm1","uuid":"../.."}]}`, keyservice.Invalid, noSVM},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			b.cluster.Inject(simulator.Rule{Path: test.path}, answer(test.body))
			_, err := b.Create(t.Context(), "backup", month)
			expectKind(t, err, test.kind, test.text)
			b.cluster.LiftAll()
			b.create(t, "backup", month)
		})
	}
}

func TestTheVersionIsReadInEveryForm(t *testing.T) {
	for body, want := range map[string]version{
		`{"version":{"generation":9,"major":16,"minor":1}}`:                                                 {9, 16, 1},
		`{"version":{"generation":"9","major":"16","minor":"1"}}`:                                           {9, 16, 1},
		`{"version":{"full":"NetApp Release 9.16.1P2: Thu Jan 08 09:13:37 UTC 2026"}}`:                      {9, 16, 1},
		`{"version":{"full":"NetApp Release Lodestar__9.19.1RC1: Thu Jan 08 09:13:37 UTC 2026","major":9}}`: {},
		`{"version":{"generation":9,"major":16}}`:                                                           {},
		`{"version":{"generation":9,"major":"x","minor":1}}`:                                                {},
		`{"version":{"generation":9,"major":-1,"minor":1}}`:                                                 {},
	} {
		if got := decodeCluster([]byte(body)); (got == nil) != (want == version{}) || got != nil && got.version != want {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

func TestAnSVMGoesByNameOrUUID(t *testing.T) {
	b := newBed(t, netapp.Options{})
	for svm, text := range map[string]string{
		netapp.DefaultSVM:                      "",
		netapp.DefaultSVMUUID:                  "",
		strings.ToUpper(netapp.DefaultSVMUUID): "",
		"svm2":                                 "find SVM: SVM svm2: the cluster has no SVM of this name",
		"SVM1":                                 "no SVM of this name",
		"00000000-8375-11e9-99e1-0050568e3ed9": "no SVM of this uuid",
	} {
		_, err := b.connectTo(t, Config{SVM: svm}).ListAll(t.Context())
		switch {
		case text != "":
			expectKind(t, err, keyservice.Invalid, text, "correct the KeyService's svm")
			expectReason(t, err, ReasonSVMNotFound)
		case err != nil:
			t.Errorf("%s: %v", svm, err)
		}
	}
}

func TestTheIdentityIsOfTheClusterAndTheSVM(t *testing.T) {
	const uuid = "5A0C3E8F-0000-11EC-8000-00A098D39E12"
	b := newBed(t, netapp.Options{UUID: uuid})
	if got, err := b.Identity(t.Context()); err != nil || got != "ontap/"+strings.ToLower(uuid)+"/"+netapp.DefaultSVMUUID {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestConcurrentCallersConnectOnce(t *testing.T) {
	b := newBed(t, netapp.Options{})
	reached, release := make(chan struct{}, 8), make(chan struct{})
	b.cluster.Inject(simulator.Rule{Path: clusterPath}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		reached <- struct{}{}
		simulator.Hang(release)(w, r, next)
	})
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() { b.list(t, "backup") })
	}
	<-reached
	time.Sleep(20 * time.Millisecond) // for the others to get there
	close(release)
	waiting.Wait()
	b.list(t, "backup")
	if calls := b.cluster.Calls()[getVersion]; calls > 2 { // a late one may come after the first was done, and before it is kept
		t.Errorf("the version was read %d times", calls)
	}
}
