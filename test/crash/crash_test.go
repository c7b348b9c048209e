// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crash runs the operator's real controllers through every crash and lost answer that a story can meet, and
// through random worlds, and holds them to the five promises of README.md. See docs/testing.md.
package crash

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/crash/kube"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	debug.SetGCPercent(400) // thousands of small worlds, each gone at once
	os.Exit(m.Run())
}

// setting is one way to tell a story.
type setting struct {
	service  string
	open     func(clock.PassiveClock) *site
	strategy v1alpha1.RotationStrategy
	story    story
	lag      time.Duration
}

func (s setting) String() string {
	name := fmt.Sprintf("%s/%s/%s", s.service, s.strategy, s.story.name)
	if s.lag > 0 {
		name += ", lagging"
	}
	return strings.ReplaceAll(name, " ", "_")
}

// tell a story in a world of its own, with failures at the calls of these numbers.
func (s setting) tell(t *testing.T, failures map[int]failure, tracing bool) *world {
	var told *world
	synctest.Test(t, func(*testing.T) {
		w := newWorld(s.open(clock.RealClock{}))
		w.failures, w.tracing = failures, tracing
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

// settings are all of them: every service, version and strategy, and every story.
func settings() []setting {
	var all []setting
	for _, service := range services {
		for _, strategy := range []v1alpha1.RotationStrategy{v1alpha1.StrategyAuto, v1alpha1.StrategyOverlap, v1alpha1.StrategyReplace} {
			if strategy == v1alpha1.StrategyOverlap && !service.open(clock.RealClock{}).overlap {
				continue
			}
			for _, story := range stories {
				for _, lag := range []time.Duration{0, 2 * time.Second} {
					all = append(all, setting{service.name, service.open, strategy, story, lag})
				}
			}
		}
	}
	return all
}

// TestEveryCrash tells each story once for each call that it makes and each failure that the call can meet.
func TestEveryCrash(t *testing.T) {
	for _, s := range settings() {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			calm := s.tell(t, nil, false)
			if calm.violation != "" {
				t.Fatalf("without a failure: %s\n%s", calm.violation, s.tell(t, nil, true).story())
			}
			for k, c := range calm.calls {
				for _, f := range failuresOf(c) {
					s.expectPromises(t, map[int]failure{k + 1: f})
				}
			}
		})
	}
}

// TestPairs tells the main stories with every pair of two failures.
func TestPairs(t *testing.T) {
	for _, s := range settings() {
		if !s.story.main || s.lag > 0 {
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

// pairFailures are the failures that pairs are made of: of a read none that the next write would not show, and of a write
// those with an effect.
func pairFailures(c call) []failure {
	switch {
	case !c.write:
		return nil
	case c.service():
		return []failure{dieAfter, loseAnswer, refuse}
	default:
		return []failure{dieAfter, loseAnswer}
	}
}

// expectPromises tells the story with failures. It says of the first that breaks a promise how it went.
func (s setting) expectPromises(t *testing.T, failures map[int]failure) {
	t.Helper()
	w := s.tell(t, failures, false)
	runs.Add(1)
	if w.violation == "" {
		return
	}
	text := w.violation
	if !t.Failed() {
		text += "\n" + s.tell(t, failures, true).story()
	}
	t.Errorf("%v: %s", failures, text)
}

// runs counts the worlds.
var runs atomic.Int64
