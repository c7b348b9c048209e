// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// lateLister lists no keys, as a service can while they are new.
type lateLister struct{ *fake.Service }

// List implements keyservice.Service.
func (lateLister) List(context.Context, string) ([]keyservice.Key, error) { return nil, nil }

func TestTheDeletionOfANewKeyIsRequestedOnceUnlessTheServiceMayNotKnowTheKey(t *testing.T) {
	for name, test := range map[string]struct {
		destroying time.Duration
		hidden     bool
		restarted  bool
		once       bool
	}{
		"a listed key":                                  {destroying: 10 * time.Second, once: true},
		"a listed key that is gone at once":             {destroying: time.Nanosecond, once: true},
		"a key that is not listed yet":                  {destroying: time.Nanosecond, hidden: true},
		"a key whose deletion was forgotten":            {destroying: time.Nanosecond, restarted: true},
		"a key that a new process finds on its way out": {destroying: 12 * time.Second, restarted: true, once: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, fake.Options{Destroying: test.destroying})
			b.settle()
			use := func() {
				if test.hidden {
					b.use(lateLister{b.service})
				}
				b.connection.ListLag = time.Minute
			}
			use()
			b.delete(kube.AccessKey)
			b.clock.Step(10 * time.Second)
			b.reconcile()
			if test.restarted {
				b.clock.Step(time.Second)
				b.restart()
				use()
			}
			b.settle()
			if requests := b.service.Calls()[fake.Delete]; (requests == 1) != test.once {
				t.Errorf("the deletion was requested %d times", requests)
			}
			if age := b.clock.Now().Sub(noon); test.once != (age < 30*time.Second) {
				t.Errorf("the AccessKey was gone after %s", age)
			}
			b.expectKeys(1, 0)
			b.reconcile()
			if b.kube.Get(kube.AccessKey, here.Namespace, here.Name) != nil || len(b.r.deletions.accepted) != 0 {
				t.Errorf("left: %v", b.r.deletions.accepted)
			}
		})
	}
}
