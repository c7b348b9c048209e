// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/simulator"
)

const shardLabel = "accesskey.dev/shard"

func shardOf(name string) *Shard {
	return &Shard{Selector: labels.SelectorFromSet(labels.Set{shardLabel: name})}
}

func inShard(name string) *v1alpha1.AccessKey {
	ak := restingAccessKey()
	ak.Labels = map[string]string{shardLabel: name}
	return ak
}

func TestAShardHasWhatItsSelectorMatches(t *testing.T) {
	if !shardOf("a").has(inShard("a")) || shardOf("a").has(inShard("b")) || shardOf("a").has(restingAccessKey()) {
		t.Error("the wrong ones")
	}
	var all *Shard
	if !all.has(inShard("a")) || !all.has(restingAccessKey()) {
		t.Error("without a selector one is left out")
	}
}

func TestAShardIsWokenByItsOwn(t *testing.T) {
	events := shardOf("a").events(testclock.NewFakePassiveClock(noon))
	for name, test := range map[string]struct {
		before, after string
		want          bool
	}{
		"one of its own changes":       {"a", "a", true},
		"one of another shard's":       {"b", "b", false},
		"one comes over":               {"b", "a", true},
		"one leaves, with what it had": {"a", "b", true},
	} {
		if got := events.Update(event.UpdateEvent{ObjectOld: inShard(test.before), ObjectNew: inShard(test.after)}); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	for shard, want := range map[string]bool{"a": true, "b": false} {
		if events.Create(event.CreateEvent{Object: inShard(shard)}) != want || events.Delete(event.DeleteEvent{Object: inShard(shard)}) != want {
			t.Errorf("one of shard %s that comes or goes: not %t", shard, want)
		}
	}
	var all *Shard
	if !all.events(nil).Update(event.UpdateEvent{ObjectOld: inShard("a"), ObjectNew: inShard("b")}) {
		t.Error("without a selector something is left out")
	}
}

func TestOneThatComesOverIsLeftAloneWhileTheFormerShardCanBeAtWork(t *testing.T) {
	s, ak := shardOf("a"), inShard("a")
	if s.wait(ak, noon) != 0 {
		t.Error("one that was always here waits")
	}
	s.events(testclock.NewFakePassiveClock(noon)).Update(event.UpdateEvent{ObjectOld: inShard("b"), ObjectNew: ak})
	if got := s.wait(ak, noon.Add(time.Minute)); got != passTimeout-time.Minute {
		t.Errorf("after a minute it waits for %s", got)
	}
	if got := s.wait(ak, noon.Add(passTimeout)); got != 0 || len(s.came) > 0 {
		t.Errorf("in the end it waits for %s, %v", got, s.came)
	}
	s.note(client.ObjectKeyFromObject(ak), noon)
	ak.Finalizers = nil
	if s.wait(ak, noon) != 0 {
		t.Error("one that nobody began with waits")
	}
}

func TestOfOtherShardsAccessKeysOnlyWhatIsClaimedIsKept(t *testing.T) {
	trim := trimOf(shardOf("a"))
	for shard, whole := range map[string]bool{"a": true, "b": false} {
		ak := inShard(shard)
		ak.Annotations = map[string]string{"a": "b"}
		ak.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
		ak.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady}}
		atWork(ak)
		sign(ak)
		kept, err := trim(ak)
		got, ok := kept.(*v1alpha1.AccessKey)
		if err != nil || !ok || got.ManagedFields != nil || got.Status.KeyID != "K1" || got.Status.Intent == nil || signer.proofOf(got) != plan.Proven {
			t.Errorf("of one of shard %s is kept %+v, %v", shard, kept, err)
		}
		if (got.Annotations != nil) != whole || (got.Status.Conditions != nil) != whole {
			t.Errorf("of one of shard %s is kept %v, %v", shard, got.Annotations, got.Status.Conditions)
		}
	}
	if _, err := trim(&corev1.ConfigMap{}); err != nil {
		t.Error(err)
	}
}

// trimOf is what a shard's cache does with AccessKeys.
func trimOf(shard *Shard) toolscache.TransformFunc {
	options := CacheOptions(nil)
	shard.Trim(&options)
	for object, of := range options.ByObject {
		if _, ok := object.(*v1alpha1.AccessKey); ok {
			return of.Transform
		}
	}
	return nil
}

// move gives the AccessKey to a shard.
func (b *bench) move(shard string) {
	b.t.Helper()
	ak := b.accessKey()
	ak.Labels = map[string]string{shardLabel: shard}
	if err := b.kube.Update(b.t.Context(), ak); err != nil {
		b.t.Fatal(err)
	}
}

func TestAShardTouchesNothingOfAnother(t *testing.T) {
	b := newBench(t)
	b.r.Shard = shardOf("b")
	b.move("a")
	before := b.accessKey().ResourceVersion
	if result := b.mustPass(); result.RequeueAfter != 0 {
		t.Errorf("comes again in %s", result.RequeueAfter)
	}
	b.expectKeys(0, 0)
	if b.accessKey().ResourceVersion != before {
		t.Error("it was written")
	}
}

func TestOneThatLeavesBeforeItsKeyIsAskedForGetsNone(t *testing.T) {
	b := newBench(t)
	b.move("a")
	b.r.Shard = shardOf("a")
	ak := b.accessKey()
	ak.Finalizers = []string{v1alpha1.RevokeFinalizer}
	if err := b.kube.Update(t.Context(), ak); err != nil {
		t.Fatal(err)
	}
	b.r.Client = interceptor.NewClient(b.kube, interceptor.Funcs{Get: staleGet(b.accessKey())})
	b.move("b")
	b.mustPass()
	b.expectKeys(0, 0)
	if b.accessKey().Status.Intent != nil {
		t.Errorf("it was begun: %+v", b.accessKey().Status)
	}
}

// staleGet is a cache that is behind with one AccessKey.
func staleGet(stale *v1alpha1.AccessKey) func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
	return func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
		if ak, ok := object.(*v1alpha1.AccessKey); ok {
			stale.DeepCopyInto(ak)
			return nil
		}
		return c.Get(ctx, key, object, opts...)
	}
}

func TestOneThatLeavesWhileItsKeyIsMadeIsFinishedByTheOtherShard(t *testing.T) {
	for name, lost := range map[string]bool{"the answer comes": false, "the answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.move("a")
			former := b.r
			former.Shard = shardOf("a")
			b.restart()
			next := b.r
			next.Shard = shardOf("b")
			b.r = former
			b.service.Inject(creating.Once(), func(w http.ResponseWriter, r *http.Request, handler http.Handler) {
				old := b.accessKey()
				b.move("b")
				next.Shard.events(b.clock).Update(event.UpdateEvent{ObjectOld: old, ObjectNew: b.accessKey()})
				// The new shard must not begin beside the former one.
				b.r = next
				if result := b.mustPass(); result.RequeueAfter < time.Minute {
					t.Errorf("the new shard comes in %s", result.RequeueAfter)
				}
				b.r = former
				if lost {
					simulator.DropAnswer()(w, r, handler)
					return
				}
				handler.ServeHTTP(w, r)
			})
			b.mustPass()
			b.mustPass() // the conflict brings it once more
			b.expectKeys(1, 1)
			if held := former.users.heldByOther(b.server.URL+" "+user, there); !held.IsZero() {
				t.Error("the former shard still holds the user")
			}
			b.r = next
			b.clock.Step(passTimeout)
			b.rest()
			if lost {
				b.expectIssued(2)
			} else {
				b.expectIssued(1)
			}
		})
	}
}

func TestOneThatComesOverAtRestIsWorkedOnLater(t *testing.T) {
	b := newBench(t)
	b.mustPass()
	b.r.Shard = shardOf("a")
	old := b.accessKey()
	b.move("a")
	ak := b.accessKey()
	ak.Annotations = map[string]string{v1alpha1.RenewAnnotation: "now"}
	if err := b.kube.Update(t.Context(), ak); err != nil {
		t.Fatal(err)
	}
	b.r.Shard.events(b.clock).Update(event.UpdateEvent{ObjectOld: old, ObjectNew: ak})
	if result := b.mustPass(); result.RequeueAfter != passTimeout {
		t.Errorf("comes again in %s", result.RequeueAfter)
	}
	b.expectKeys(1, 1)
	b.clock.Step(passTimeout)
	b.mustPass()
	b.expectKeys(2, 2)
}

// changeWhole changes an AccessKey and its status.
func (b *bench) changeWhole(ak *v1alpha1.AccessKey, change func(*v1alpha1.AccessKey)) {
	b.t.Helper()
	change(ak)
	if err := b.kube.Update(b.t.Context(), ak); err != nil {
		b.t.Fatal(err)
	}
	change(ak) // the answer has none of the status
	sign(ak)
	if err := b.kube.Status().Update(b.t.Context(), ak); err != nil {
		b.t.Fatal(err)
	}
}

func TestTwoShardsDoNotWorkForOneUserAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.AccessKey)
		made   int
	}{
		"the other is at work":         {atWork, 0},
		"the other is at rest":         {func(*v1alpha1.AccessKey) {}, 1},
		"the other is being asked for": {func(ak *v1alpha1.AccessKey) { atWork(ak); ak.Status.Intent.Operation = v1alpha1.OperationRenew }, 0},
		"the other is of another user": {func(ak *v1alpha1.AccessKey) { atWork(ak); ak.Spec.User = "local:other" }, 1},
		"the other is of a user in the same bucket": {func(ak *v1alpha1.AccessKey) {
			atWork(ak)
			ak.Spec.User = neighbour("user/", "user/"+user)
		}, 1},
		"the other is at another service": {func(ak *v1alpha1.AccessKey) { atWork(ak); ak.Spec.ServiceRef.Name = "elsewhere" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.move("a")
			b.r.Shard = shardOf("a")
			sibling := other()
			sibling.Spec.User, sibling.Labels = user, map[string]string{shardLabel: "b"}
			if err := b.kube.Create(t.Context(), sibling); err != nil {
				t.Fatal(err)
			}
			b.r.Client = interceptor.NewClient(b.r.Client.(client.WithWatch), interceptor.Funcs{
				Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
					if key.Name == sibling.Name {
						t.Error("the cache was asked what the other does")
					}
					return c.Get(ctx, key, object, opts...)
				},
			})
			begun := false
			b.beforeStatus = func(ak *v1alpha1.AccessKey) error {
				if !begun && ak.Status.Intent != nil {
					begun = true // the other begins just then: the cache tells of it only later
					b.changeWhole(sibling, test.change)
				}
				return nil
			}
			result := b.mustPass()
			b.expectKeys(test.made, test.made)
			if ak := b.accessKey(); test.made == 0 && (ak.Status.Intent != nil || ak.Status.Failures != nil || result.RequeueAfter < time.Second || result.RequeueAfter > 2*time.Second) {
				t.Errorf("comes again in %s with %+v", result.RequeueAfter, ak.Status)
			}
		})
	}
}
