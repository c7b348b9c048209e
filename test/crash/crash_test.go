// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crash runs the operator's real controllers through every crash and lost response in a set of stories, and through
// random worlds, and checks the five promises of README.md. See docs/testing.md.
package crash

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/services"
)

// worlds counts the worlds of a run.
var worlds atomic.Int64

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	debug.SetGCPercent(400) // thousands of small worlds
	code := m.Run()
	fmt.Printf("%d worlds\n", worlds.Load())
	os.Exit(code)
}

// setting is one way to tell a story.
type setting struct {
	service  string
	open     func(lag time.Duration) *site
	strategy v1alpha1.RotationStrategy
	story    story
	// lag of the caches, and of the service's list of keys.
	lag time.Duration
}

func (s setting) String() string {
	name := fmt.Sprintf("%s/%s/%s", s.service, s.strategy, s.story.name)
	if s.lag > 0 {
		name += ", lagging"
	}
	return strings.ReplaceAll(name, " ", "_")
}

// tell tells the story in its own world, with failures at the calls with these numbers.
func (s setting) tell(t *testing.T, failures map[int]failure, tracing bool) *world {
	var told *world
	worlds.Add(1)
	synctest.Test(t, func(*testing.T) {
		w := newWorld(s.open(s.lag))
		w.failures, w.tracing, w.workers = failures, tracing, max(s.story.workers, 1)
		for _, kind := range kinds {
			w.lag[kind] = s.lag
		}
		w.furnish()
		w.start()
		w.run(time.Minute)
		s.story.tell(w, s.strategy)
		w.settle()
		w.end()
		told = w
	})
	return told
}

var kinds = []string{kube.AccessKey, kube.KeyService, kube.ClusterKeyService, kube.Secret, kube.Namespace}

// soak widens settings and pairFailures.
var soak = flag.Bool("soak", false, "tell every story with lagging caches, and every main story with every pair of failures")

// toldInPlace are the stories beside the main ones that go on differently where pairs are replaced in place.
var toldInPlace = []string{"compromised", "published under another name and back", "renew now, carried out late", "Secret deleted", "suspended during a rotation", "two AccessKeys of one user"}

// toldAt are stories that are told only where they go on differently: at services, or with a strategy there.
var toldAt = map[string][]string{
	"rotate in a window that closes soon":   {"qumulo"},
	"template changed":                      {"qumulo", "ontap-9.14.1"},
	"Secret overwritten again and again":    {"qumulo", "huawei", "ontap-9.14.1", "ontap-9.19.1"},
	"two spellings of one user":             {"qumulo", "huawei"},
	"a policy removes the record":           {"qumulo", "ontap-9.14.1"},
	"suspended during a rotation":           {"qumulo", "huawei", "ontap-9.14.1", "ontap-9.19.1"},
	"KeyService changed during a rotation":  {"qumulo", "huawei", "ontap-9.14.1"},
	"rotate with a consumer":                {"qumulo", "ontap-9.14.1"},
	"compromised":                           {"qumulo", "ontap-9.14.1", "ontap-9.19.1/Auto"},
	"compromised in its overlap":            {"qumulo", "ontap-9.19.1"},
	"published under another name and back": {"qumulo", "ontap-9.14.1"},
	"quarantine":                            {"huawei"},
	"quarantine, enabled again":             {"huawei"},
	"revoked when idle":                     {"huawei"},
}

// toldThere are the stories beside the main ones that are told at a service where the others go on as at another service: at AWS as at
// Huawei Cloud, except that a new pair waits. With Replace, Huawei Cloud goes on as Qumulo does.
var toldThere = map[string][]string{
	"aws/Auto":       {"renew now, carried out late", "delete during a rotation"},
	"aws/Replace":    {},
	"huawei/Replace": {},
}

func isTold(story story, service string, strategy v1alpha1.RotationStrategy) bool {
	setting := service + "/" + string(strategy)
	at, limited := toldAt[story.name]
	here := !limited || slices.Contains(at, service) || slices.Contains(at, setting)
	there, limited := toldThere[setting]
	here = here && (!limited || story.main || slices.Contains(there, story.name))
	return *soak || here && (strategy != v1alpha1.StrategyReplace || story.main || slices.Contains(toldInPlace, story.name))
}

// lags are services whose main stories are also told with lagging caches and lists. Qumulo goes on as Huawei Cloud does, whose lists lag.
func lags(service string) bool { return service != "qumulo" }

// settings returns every combination of service, strategy and story. Overlap is left out, because Auto does the same where a user
// can have two keys. With lag, only the main stories are told.
func settings() []setting {
	var all []setting
	for _, service := range services.All() {
		open := opener(service)
		strategies := []v1alpha1.RotationStrategy{v1alpha1.StrategyAuto, v1alpha1.StrategyReplace}
		if service.Quota == 1 {
			strategies = strategies[:1] // Auto replaces
		}
		for _, strategy := range strategies {
			for _, story := range stories {
				if !isTold(story, service.Name, strategy) {
					continue
				}
				all = append(all, setting{service.Name, open, strategy, story, 0})
				if story.main && strategy == v1alpha1.StrategyAuto && lags(service.Name) || *soak {
					all = append(all, setting{service.Name, open, strategy, story, 2 * time.Second})
				}
			}
		}
	}
	return all
}

// TestEveryCrash tells each story once for each of its calls and each failure that can hit the call.
func TestEveryCrash(t *testing.T) {
	for _, s := range settings() {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			s.expectPromisesInEveryCrash(t)
		})
	}
}

func (s setting) expectPromisesInEveryCrash(t *testing.T) {
	t.Helper()
	calm := s.tell(t, nil, false)
	if calm.violation != "" {
		t.Fatalf("without a failure: %s\n%s", calm.violation, s.tell(t, nil, true).story())
	}
	for k, c := range calm.calls {
		for _, f := range failuresOf(c) {
			s.expectPromises(t, map[int]failure{k + 1: f})
		}
	}
}

// toldInPairs are services that differ in what two failures can do: the service chooses the ID, and the operator does, where the ID is
// a slot.
var toldInPairs = []string{"qumulo", "ontap-9.14.1"}

// TestPairs tells the main stories with every pair of two failures.
func TestPairs(t *testing.T) {
	for _, s := range settings() {
		if !s.story.main && s.story.workers == 0 || !*soak && (s.lag > 0 || s.strategy != v1alpha1.StrategyAuto || !slices.Contains(toldInPairs, s.service)) {
			continue
		}
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			for k, c := range s.tell(t, nil, false).calls {
				for _, first := range pairFailures(c) {
					then := s.tell(t, map[int]failure{k + 1: first}, false).calls
					for m := k + 1; m < len(then); m++ {
						for _, second := range pairFailures(then[m]) {
							s.expectPromises(t, map[int]failure{k + 1: first, m + 1: second})
						}
					}
				}
			}
		})
	}
}

// pairFailures returns the failures that are combined. They hit only writes: a failed read shows at the write after it.
func pairFailures(c call) []failure {
	switch {
	case !c.write:
		return nil
	case *soak:
		return failuresOf(c)
	case c.service():
		return []failure{dieAfter, refuse}
	case c.about(kube.AccessKey):
		return []failure{dieAfter, meddled}
	default:
		return []failure{dieAfter}
	}
}

// expectPromises tells the story with failures. It logs the history of the first broken promise.
func (s setting) expectPromises(t *testing.T, failures map[int]failure) {
	t.Helper()
	w := s.tell(t, failures, false)
	if w.violation == "" {
		return
	}
	text := w.violation
	if !t.Failed() {
		text += "\n" + s.tell(t, failures, true).story()
	}
	t.Errorf("%v: %s", failures, text)
}
