// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

var (
	errForbidden = apierrors.NewForbidden(secretsResource, "backup", errors.New("exceeded quota"))
	errTimeout   = apierrors.NewTimeoutError("the request timed out", 0)
)

// condition of the AccessKey, with its reason and message.
func (b *bench) condition(conditionType string) metav1.Condition {
	b.t.Helper()
	found := meta.FindStatusCondition(b.accessKey().Status.Conditions, conditionType)
	if found == nil {
		return metav1.Condition{}
	}
	return *found
}

func TestAKeyThatCannotBePublishedIsTakenBackAtOnce(t *testing.T) {
	for name, refusal := range map[string]error{
		"forbidden":   errForbidden,
		"invalid":     apierrors.NewInvalid(schema.GroupKind{Kind: "Secret"}, "backup", nil),
		"bad request": apierrors.NewBadRequest("a webhook denied it"),
		"too large":   apierrors.NewRequestEntityTooLargeError("the limit is 3145728"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.beforeWrite = always(refusal)
			if result := b.mustPass(); result.RequeueAfter != firstRetry {
				t.Errorf("comes back after %s", result.RequeueAfter)
			}
			b.expectKeys(1, 0)
			status := b.accessKey().Status
			if status.Intent != nil || status.KeyID != "" || status.Failures == nil || status.Failures.Count != 1 {
				t.Errorf("recorded %+v", status)
			}
			if got := b.condition(v1alpha1.ConditionStalled); got.Reason != v1alpha1.ReasonSecretRefused || !strings.HasPrefix(got.Message, "writing Secret backup: ") {
				t.Errorf("Stalled: %+v", got)
			}
			if got := b.condition(v1alpha1.ConditionSynced); got.Status != metav1.ConditionTrue {
				t.Errorf("the service is blamed: %+v", got)
			}
			b.mustPass()
			b.expectKeys(1, 0) // the back-off
			b.beforeWrite = nil
			b.rest()
			b.expectIssued(2)
		})
	}
}

// TestANewAccessKeyReadsNoSecretThatTheCachesDoNotHave: and one that they have not seen yet stays what it is.
func TestANewAccessKeyReadsNoSecretThatTheCachesDoNotHave(t *testing.T) {
	foreign := secretNamed("backup")
	foreign.Data = map[string][]byte{"theirs": []byte("kept")}
	for name, test := range map[string]struct {
		there, seen bool
		made        int
	}{
		"there is none":                      {false, true, 1},
		"a foreign one":                      {true, true, 0},
		"a foreign one that is not seen yet": {true, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if test.there {
				b.create(foreign.DeepCopy())
			}
			if !test.seen {
				b.r.Cache, b.r.SecretVersions = behind{b.kube}, readCache{reader: behind{b.kube}}
			}
			reads := 0
			b.r.Live = interceptor.NewClient(b.kube, interceptor.Funcs{
				Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
					reads++
					return c.Get(ctx, key, object, opts...)
				},
			})
			b.mustPass()
			if !test.there {
				b.expectIssued(1)
				if reads > 0 {
					t.Errorf("%d reads", reads)
				}
				return
			}
			b.expectKeys(test.made, 0)
			if kept := b.secret(); !maps.EqualFunc(kept.Data, foreign.Data, bytes.Equal) || len(kept.OwnerReferences) > 0 {
				t.Errorf("became %+v", kept)
			}
			if got := b.condition(v1alpha1.ConditionStalled); got.Reason != v1alpha1.ReasonSecretConflict {
				t.Errorf("Stalled: %+v", got)
			}
		})
	}
}

// behind is a cache that has seen no Secret yet.
type behind struct{ client.Reader }

func (behind) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(secretsResource, key.Name)
}

func TestARefusalThatQuotesThePairIsToldWithoutIt(t *testing.T) {
	b := newBench(t)
	quoting := func() error {
		secrets := b.service.Secrets()
		return apierrors.NewBadRequest("denied: " + base64.StdEncoding.EncodeToString([]byte(secrets[len(secrets)-1])))
	}
	b.beforeWrite = quoting
	b.mustPass()
	if got := b.condition(v1alpha1.ConditionStalled); got.Message != "writing Secret backup: denied: [redacted]" {
		t.Errorf("Stalled: %+v", got)
	}
	b.beforeWrite = nil
	b.rest()
	ak := b.accessKey()
	ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Labels: map[string]string{"team": "a"}}
	if err := b.kube.Update(t.Context(), ak); err != nil {
		t.Fatal(err)
	}
	b.beforeWrite = quoting
	b.mustPass()
	if got := b.condition(v1alpha1.ConditionStalled); got.Message != "updating Secret backup: denied: [redacted]" {
		t.Errorf("Stalled: %+v", got)
	}
}

func TestARotationThatCannotBePublishedLeavesThePairAlone(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	before, ready := b.secret(), b.condition(v1alpha1.ConditionReady)
	b.annotate(v1alpha1.RenewAnnotation, "now")
	b.beforeWrite = always(errForbidden)
	b.mustPass()
	b.expectKeys(2, 1)
	b.expectPublished(1)
	if after := b.secret(); after.ResourceVersion != before.ResourceVersion || b.condition(v1alpha1.ConditionReady) != ready {
		t.Errorf("became %+v, %+v", after.ObjectMeta, b.condition(v1alpha1.ConditionReady))
	}
	if status := b.accessKey().Status; status.LastHandledRenewal != "" || status.Intent != nil {
		t.Errorf("recorded %+v", status)
	}
}

func TestAKeyThatCannotBeTakenBackYetIsLater(t *testing.T) {
	b := newBench(t)
	b.beforeWrite = once(errForbidden)
	lift := b.service.Inject(simulator.Rule{Method: http.MethodDelete}, simulator.Answer(http.StatusServiceUnavailable, nil, ""))
	b.mustPass()
	b.expectKeys(1, 1)
	if b.accessKey().Status.Intent == nil {
		t.Error("nothing leads to the key any more")
	}
	if got := b.condition(v1alpha1.ConditionStalled).Message; !strings.Contains(got, b.service.Keys(user)[0].ID+" could not be taken back yet") {
		t.Errorf("told %q", got)
	}
	lift()
	b.rest()
	b.expectIssued(2)
}

func TestTheLostAnswerOfASecretIsLookedFor(t *testing.T) {
	t.Run("and found", func(t *testing.T) {
		b := newBench(t)
		b.afterWrite = once(errTimeout)
		b.mustPass()
		b.expectIssued(1)
	})
	t.Run("and found in a rotation", func(t *testing.T) {
		b := newBench(t)
		b.mustPass()
		b.annotate(v1alpha1.RenewAnnotation, "now")
		b.afterWrite = once(errTimeout)
		b.mustPass()
		b.expectKeys(2, 2)
		b.expectPublished(2)
	})
	t.Run("and found, whatever a second write would meet", func(t *testing.T) {
		b := newBench(t)
		b.afterWrite = func() error { b.beforeWrite = always(errForbidden); return errTimeout }
		b.mustPass()
		b.expectIssued(1)
	})
	t.Run("and not found, since it was not written", func(t *testing.T) {
		b := newBench(t)
		b.beforeWrite = once(errTimeout)
		b.mustPass()
		b.expectIssued(1)
	})
}

// TestASecretWhoseFateIsUnknownKeepsItsKey: to take the key back could revoke what the Secret holds.
func TestASecretWhoseFateIsUnknownKeepsItsKey(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(*bench)
		made  int
	}{
		"it was written, and can't be read": {func(b *bench) {
			b.afterWrite = func() error { b.beforeRead = always(errTimeout); return errTimeout }
		}, 1},
		"it was not written, and can't be read": {func(b *bench) {
			b.beforeWrite = func() error { b.beforeRead = always(errTimeout); return errTimeout }
		}, 2},
		"it was written, can't be read, and then nothing can be written": {func(b *bench) {
			b.afterWrite = func() error {
				b.afterWrite, b.beforeRead, b.beforeWrite = nil, once(errTimeout), always(errForbidden)
				return errTimeout
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			test.fault(b)
			b.mustPass()
			b.expectKeys(1, 1)
			status := b.accessKey().Status
			if status.Intent == nil || status.Failures == nil || status.Failures.Count != 1 {
				t.Errorf("recorded %+v", status)
			}
			b.beforeWrite, b.afterWrite, b.beforeRead = nil, nil, nil
			b.restart()
			b.rest()
			b.expectIssued(test.made)
		})
	}
}

func TestASecretThatBecomesAnothersMeanwhileIsLeftAlone(t *testing.T) {
	b := newBench(t)
	b.beforeWrite = func() error {
		b.beforeWrite = nil
		theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: here.Name}, Data: map[string][]byte{"their": []byte("own")}}
		return b.kube.Create(context.Background(), theirs)
	}
	b.mustPass()
	b.expectKeys(1, 0)
	if secret := b.secret(); len(secret.Data) != 1 || string(secret.Data["their"]) != "own" || len(secret.Annotations) > 0 {
		t.Errorf("became %+v", secret)
	}
	if got := b.condition(v1alpha1.ConditionStalled); got.Reason != v1alpha1.ReasonSecretConflict {
		t.Errorf("got %+v", got)
	}
	b.expectTold("Warning SecretConflict ")
}

func TestASecretThatIsTouchedMeanwhileGetsThePairAllTheSame(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	b.annotate(v1alpha1.RenewAnnotation, "now")
	b.beforeWrite = func() error {
		b.beforeWrite = nil
		secret := b.secret()
		secret.Labels["velero.io/backup"] = "yes"
		return b.kube.Update(context.Background(), secret)
	}
	b.mustPass()
	b.expectKeys(2, 2)
	b.expectPublished(2)
	if got := b.secret().Labels["velero.io/backup"]; got != "yes" {
		t.Errorf("the label became %q", got)
	}
}

func TestASecretThatGoesMeanwhileIsMadeAgain(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	b.annotate(v1alpha1.RenewAnnotation, "now")
	b.beforeWrite = func() error {
		b.beforeWrite = nil
		return b.kube.Delete(context.Background(), b.secret())
	}
	b.mustPass()
	b.expectKeys(2, 2)
	b.expectPublished(2)
}
