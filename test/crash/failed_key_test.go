// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"net/http"
	"path"
	"testing"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ionos"
)

// TestEveryCrashWhileNewKeysFail tells stories in which the service accepts two keys that it then lists as FAILED.
func TestEveryCrashWhileNewKeysFail(t *testing.T) {
	for name, tell := range map[string]func(*world, v1alpha1.RotationStrategy){
		"renew now": func(w *world, s v1alpha1.RotationStrategy) {
			w.issue(s)
			w.failNextKeys()
			w.renewNow("a", "now")
			w.run(5 * time.Minute)
		},
		"delete": func(w *world, s v1alpha1.RotationStrategy) {
			w.failNextKeys()
			w.apply("a", s)
			w.runUntil(3*time.Minute, w.intentOpen)
			w.delete("a")
			w.run(5 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := func(time.Duration) *site {
				return newSite(services.OpenIONOS(ionos.Options{Provisioning: 3 * time.Second, Destroying: 3 * time.Second, Unseen: time.Second}))
			}
			setting{"ionos", open, v1alpha1.StrategyAuto, story{name: name, tell: tell}, 0}.expectPromisesInEveryCrash(t)
		})
	}
}

func (w *world) failNextKeys() {
	cloud := w.site.Server.(*ionos.Simulator)
	cloud.Inject(simulator.Rule{Method: http.MethodPut, Times: 2}, func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(rw, r)
		cloud.FailKey(path.Base(r.URL.Path), "no space")
	})
}
