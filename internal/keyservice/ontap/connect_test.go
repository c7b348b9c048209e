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
	const longest = 1095 * 24 * time.Hour
	for version, want := range map[string]int{netapp.V9141: 1, "9.15.1": 1, netapp.V9161: 1, "9.18.1": 1, "9.19.0": 1, netapp.V9191: 2, "9.20.1": 2, "10.1.0": 2} {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			if got := b.Limits(); got != (keyservice.Limits{KeysPerUser: 1, MaxTTL: longest, ReusesIDs: true}) {
				t.Errorf("before Connect: %+v", got)
			}
			if err := b.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := b.Limits(); got != (keyservice.Limits{KeysPerUser: want, MaxTTL: longest, ReusesIDs: true}) {
				t.Errorf("got %+v", got)
			}
			capabilities := keyservice.CapabilitiesOf(b.Service)
			if capabilities != (keyservice.Capabilities{KeysPerUser: want, MaxTTL: longest, ReusesIDs: true, Overlap: want > 1, Regenerates: true, ListsAll: true}) {
				t.Errorf("got %+v", capabilities)
			}
		})
	}
}

func TestAnOldVersionIsRefused(t *testing.T) {
	for _, version := range []string{"9.7.0", netapp.V9131, "9.14.0"} {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			for _, err := range []error{b.Connect(t.Context()), second(b.List(t.Context(), "backup")), second(b.ListAll(t.Context())), second(b.Probe(t.Context()))} {
				expectKind(t, err, keyservice.Invalid, "read version: the cluster runs ONTAP "+version, "upgrade it to ONTAP 9.14.1 or newer")
				expectReason(t, err, ReasonVersionUnsupported)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

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

func TestProbe(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9161})
	if version, err := b.Probe(t.Context()); err != nil || version != "ONTAP 9.16.1" {
		t.Errorf("got %q, %v", version, err)
	}
	b.calls(t, getVersion, 1)
	b.calls(t, getSVMs, 1)
	b.calls(t, getUsers, 1)
	for _, wrong := range []Config{{Username: "admin", Password: "geheim"}, {Username: "nobody", Password: netapp.DefaultPassword}} {
		_, err := b.connectTo(t, wrong).Probe(t.Context())
		expectKind(t, err, keyservice.Unauthorized, "read version: ", "the username or the password in the Secret is wrong")
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error reveals a secret: %v", err)
		}
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
	answer := func(body string) simulator.Effect { return simulator.Answer(200, nil, body) }
	for name, test := range map[string]struct {
		path   string
		effect simulator.Effect
		kind   keyservice.Kind
		text   string
	}{
		"another service's JSON":      {clusterPath, answer(`{"version":"1"}`), keyservice.Unavailable, "not that of an ONTAP"},
		"no version":                  {clusterPath, answer(`{}`), keyservice.Unavailable, "not that of an ONTAP"},
		"half a version":              {clusterPath, answer(`{"version":{"generation":9,"major":16}}`), keyservice.Unavailable, "not that of an ONTAP"},
		"an odd version":              {clusterPath, answer(`{"version":{"generation":9,"major":"x","minor":1}}`), keyservice.Unavailable, "not that of an ONTAP"},
		"a negative version":          {clusterPath, answer(`{"version":{"generation":9,"major":-1,"minor":1}}`), keyservice.Unavailable, "not that of an ONTAP"},
		"SVMs that are no list":       {svmsPath, answer(`{"records":{}}`), keyservice.Unavailable, "not that of an ONTAP"},
		"no SVMs at all":              {svmsPath, answer(`{}`), keyservice.Unavailable, "not that of an ONTAP"},
		"an SVM of another name":      {svmsPath, answer(`{"records":[{"name":"svm","uuid":"` + netapp.DefaultSVMUUID + `"}]}`), keyservice.Invalid, "has no SVM of this name"},
		"an SVM without its UUID":     {svmsPath, answer(`{"records":[{"name":"svm1"}]}`), keyservice.Invalid, "has no SVM of this name"},
		"an SVM whose UUID is a path": {svmsPath, answer(`{"records":[{"name":"svm1","uuid":"../.."}]}`), keyservice.Invalid, "has no SVM of this name"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			b.cluster.Inject(simulator.Rule{Path: test.path}, test.effect)
			_, err := b.Create(t.Context(), "backup", month)
			expectKind(t, err, test.kind, test.text)
			b.calls(t, postUsers, 0)
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
	} {
		if got := decodeCluster([]byte(body)); (got == nil) != (want == version{}) || got != nil && got.version != want {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

func TestAnSVMGoesByNameOrUUID(t *testing.T) {
	b := newBed(t, netapp.Options{})
	for _, svm := range []string{netapp.DefaultSVM, netapp.DefaultSVMUUID, strings.ToUpper(netapp.DefaultSVMUUID)} {
		t.Run(svm, func(t *testing.T) {
			service := b.connectTo(t, Config{SVM: svm})
			if _, err := service.ListAll(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	for svm, text := range map[string]string{
		"svm2":                                 "find SVM: SVM svm2: the cluster has no SVM of this name",
		"SVM1":                                 "no SVM of this name",
		"00000000-8375-11e9-99e1-0050568e3ed9": "no SVM of this uuid",
	} {
		_, err := b.connectTo(t, Config{SVM: svm}).List(t.Context(), "backup")
		expectKind(t, err, keyservice.Invalid, text, "correct the KeyService's svm")
		expectReason(t, err, ReasonSVMNotFound)
	}
}

func TestConcurrentCallersLookUpTheSVMOnce(t *testing.T) {
	b := newBed(t, netapp.Options{})
	reached, release := make(chan struct{}, 8), make(chan struct{})
	b.cluster.Inject(simulator.Rule{Path: clusterPath}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		reached <- struct{}{}
		simulator.Hang(release)(w, r, next)
	})
	var waiting sync.WaitGroup
	lister := func() {
		if _, err := b.List(t.Context(), "backup"); err != nil {
			t.Error(err)
		}
	}
	waiting.Go(lister)
	<-reached
	for range 8 {
		waiting.Go(lister)
	}
	close(release)
	waiting.Wait()
	lister()
	b.calls(t, getSVMs, b.cluster.Calls()[getVersion])
	if calls := b.cluster.Calls()[getVersion]; calls > 2 { // a late one may come after the first was done, and before it is kept
		t.Errorf("the version was read %d times", calls)
	}
}
