// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crash runs the operator's real controllers through every crash and lost answer that a story can meet, and
// through random worlds, and holds them to the five promises of README.md. See docs/testing.md.
package crash

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"accesskey.dev/operator/api/v1alpha1"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
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
		w.failures, w.lag, w.tracing = failures, s.lag, tracing
		w.furnish()
		w.start()
		w.run(time.Minute)
		s.story.tell(w, s.strategy)
		w.settle()
		w.process.stop()
		told = w
	})
	return told
}

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

// TestStories tells each story without a failure.
func TestStories(t *testing.T) {
	for _, s := range settings() {
		t.Run(s.String(), func(t *testing.T) {
			start := time.Now()
			if w := s.tell(t, nil, true); w.violation != "" {
				t.Errorf("%s\n%s", w.violation, w.story())
			} else {
				t.Logf("%d calls, %s", len(w.calls), time.Since(start))
			}
		})
	}
}
