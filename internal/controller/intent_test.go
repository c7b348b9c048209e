// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// TestAnIntentIsDatedWhenItIsWritten: what settles it counts from its start.
func TestAnIntentIsDatedWhenItIsWritten(t *testing.T) {
	b := newBench(t)
	b.service.Inject(simulator.Rule{Method: http.MethodGet, Path: "/v1/s3/access-keys/"}.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		b.clock.Step(90 * time.Second) // the service is slow
		next.ServeHTTP(w, r)
	})
	var then *v1alpha1.AccessKey
	b.whileCreating(func() { then = b.accessKey() })
	b.mustPass()
	if age := b.clock.Since(then.Status.Intent.StartedAt.Time); age > 10*time.Second {
		t.Errorf("when the request came, the intent was %s old", age)
	}
}
