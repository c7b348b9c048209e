// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator/aws"
)

// TestEveryCrashWhereTheOperatorChoosesTheID tells the stories that create keys at a service that dates no key and regenerates none. Only
// the chosen ID in the intent says which key is the one whose answer was lost, so no person has to decide.
func TestEveryCrashWhereTheOperatorChoosesTheID(t *testing.T) {
	open := func(lag time.Duration) *site {
		return newSite(services.OpenSeaweedFS(aws.Options{ListLag: lag, ActivationLag: 2 * time.Second}))
	}
	for _, s := range stories {
		if s.name != "issue" && s.name != "renew now" {
			continue
		}
		told := setting{"seaweedfs", open, v1alpha1.StrategyAuto, s, 0}
		t.Run(told.String(), func(t *testing.T) {
			t.Parallel()
			told.expectPromisesInEveryCrash(t)
		})
	}
}
