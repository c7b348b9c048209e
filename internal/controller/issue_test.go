// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// creating is the request that makes a key.
var creating = simulator.Rule{Method: http.MethodPost, Path: "/v1/s3/access-keys/"}

// whileCreating does something when the request has reached the service, before it is carried out.
func (b *bench) whileCreating(do func()) {
	b.service.Inject(creating.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		do()
		next.ServeHTTP(w, r)
	})
}

func TestWhatLeadsToTheKeyIsWrittenBeforeTheKeyIsMade(t *testing.T) {
	b := newBench(t)
	foreign, _, err := b.service.MakeKey(user)
	if err != nil {
		t.Fatal(err)
	}
	var then *v1alpha1.AccessKey
	b.whileCreating(func() { then = b.accessKey() })
	b.mustPass()
	if then == nil {
		t.Fatal("no key was asked for")
	}
	want := &v1alpha1.Intent{
		Operation: v1alpha1.OperationCreate, Revision: 1, StartedAt: metav1.NewTime(noon), KnownKeyIDs: []string{foreign.ID},
	}
	if !equality.Semantic.DeepEqual(then.Status.Intent, want) {
		t.Errorf("the intent was %+v, want %+v", then.Status.Intent, want)
	}
	if !slices.Contains(then.Finalizers, v1alpha1.RevokeFinalizer) {
		t.Error("the finalizer was not there yet")
	}
	if !meta.IsStatusConditionPresentAndEqual(then.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionUnknown) {
		t.Errorf("it was %+v", then.Status.Conditions)
	}
	if !b.works() || b.accessKey().Status.Intent != nil {
		t.Errorf("afterwards: %+v", b.accessKey().Status)
	}
	b.expectTold("Normal Issued ")
}

// expectTold expects just one event, which begins so.
func (b *bench) expectTold(prefix string) {
	b.t.Helper()
	if len(b.told) != 1 || !strings.HasPrefix(b.told[0], prefix) {
		b.t.Errorf("told %q, want %q", b.told, prefix)
	}
}

func TestAStaleReadMakesNoKey(t *testing.T) {
	b := newBench(t)
	b.beforeStatus = func(*v1alpha1.AccessKey) error {
		b.beforeStatus = nil
		b.annotate("touched", "meanwhile")
		return nil
	}
	if result := b.mustPass(); result.RequeueAfter != time.Second {
		t.Errorf("comes back after %s", result.RequeueAfter)
	}
	b.expectKeys(0, 0)
	if status := b.accessKey().Status; status.Intent != nil {
		t.Errorf("recorded %+v", status)
	}
	b.mustPass()
	b.expectIssued(1)
}

// annotate is a person's change.
func (b *bench) annotate(key, value string) {
	b.t.Helper()
	ak := b.accessKey()
	metav1.SetMetaDataAnnotation(&ak.ObjectMeta, key, value)
	if err := b.kube.Update(context.Background(), ak); err != nil {
		b.t.Fatal(err)
	}
}

func TestAnIntentThatCannotBeWrittenMakesNoKey(t *testing.T) {
	b := newBench(t)
	away := errors.New("the API server is away")
	b.beforeStatus = func(*v1alpha1.AccessKey) error { return away }
	if _, err := b.pass(); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
	b.expectKeys(0, 0)
}

func TestAKeyThatIsPublishedAndNotRecordedIsAdopted(t *testing.T) {
	for name, restarts := range map[string]bool{"by the same operator": false, "by one that was started anew": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			away := errors.New("the API server is away")
			b.beforeStatus = func(ak *v1alpha1.AccessKey) error {
				if ak.Status.KeyID != "" {
					return away
				}
				return nil
			}
			if _, err := b.pass(); !errors.Is(err, away) {
				t.Errorf("got %v", err)
			}
			if ak := b.accessKey(); ak.Status.Intent == nil || ak.Status.KeyID != "" || !b.works() {
				t.Fatalf("works: %t, %+v", b.works(), ak.Status)
			}
			b.beforeStatus = nil
			if restarts {
				b.restart()
			}
			b.mustPass()
			b.expectIssued(1)
			b.expectTold("Normal Adopted ")
		})
	}
}

func TestAKeyThatIsMadeWhileTheManagerStopsIsPublished(t *testing.T) {
	b := newBench(t)
	ctx, stop := context.WithCancel(t.Context())
	b.whileCreating(stop)
	if _, err := b.r.Reconcile(ctx, reconcile.Request{NamespacedName: here}); err != nil {
		t.Errorf("got %v", err)
	}
	if ctx.Err() == nil {
		t.Fatal("no key was asked for")
	}
	b.expectIssued(1)
}

func TestALostAnswerLeavesTheIntentAndThenNoKey(t *testing.T) {
	b := newBench(t)
	b.service.Inject(creating.Once(), simulator.DropAnswer())
	if result := b.mustPass(); result.RequeueAfter != firstRetry {
		t.Errorf("comes back after %s", result.RequeueAfter)
	}
	b.expectKeys(1, 1)
	if status := b.accessKey().Status; status.Intent == nil || status.KeyID != "" {
		t.Errorf("recorded %+v", status)
	}
	b.restart()
	b.rest()
	b.expectIssued(2)
}
