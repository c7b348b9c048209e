// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
)

const dataPlaneHost = "s3.example:9000"

// verifiedStories run with a data plane that accepts a pair after some time. A pair that it does not accept must not be published.
var verifiedStories = []story{
	{name: "issue", tell: func(w *world, s v1alpha1.RotationStrategy) {
		w.plane.AcceptAfter(3 * time.Second)
		w.apply("a", s)
		w.run(5 * time.Minute)
	}},
	{name: "rotate", tell: func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.plane.AcceptAfter(3 * time.Second)
		w.renewNow("a", "now")
		w.run(5 * time.Minute)
	}},
	{name: "delete while the pair waits", tell: func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.plane.AcceptAfter(3 * time.Second)
		w.renewNow("a", "now")
		w.runUntil(10*time.Minute, func() bool { return w.intentOpen() && w.accessKey("a").Status.Intent.Waits() })
		w.delete("a")
		w.run(5 * time.Minute)
	}},
}

// TestEveryCrashWhileThePairWaits tells these stories. It also covers a KeyService whose pairs are verified at once.
func TestEveryCrashWhileThePairWaits(t *testing.T) {
	for _, service := range services.All() {
		for _, story := range verifiedStories {
			// Services differ in whether the ID of the key is known before the pair.
			if told := service.Name == "qumulo" || service.Name == "ionos" && story.name == "rotate"; !told && !*soak {
				continue
			}
			tell := story.tell
			story.tell = func(w *world, s v1alpha1.RotationStrategy) {
				w.verifyPairs()
				tell(w, s)
			}
			s := setting{service.Name, opener(service), v1alpha1.StrategyAuto, story, 0}
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				s.expectPromisesInEveryCrash(t)
			})
		}
	}
}
