// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/labels"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/simulator"
)

const shardLabel = "accesskey.dev/shard"

// handOver is how long an AccessKey that changed shards is left alone.
const handOver = 2 * time.Minute

// newShards are two operators in one world, of the shards a and b.
func newShards(ctx SpecContext) (a, b *world) {
	GinkgoHelper()
	a = newStoppedWorld(ctx)
	other := *a
	b = &other
	for name, w := range map[string]*world{"a": a, "b": b} {
		w.shard = &controller.Shard{Selector: labels.SelectorFromSet(labels.Set{shardLabel: name})}
		w.start()
	}
	DeferCleanup(func() { b.stop() })
	a.createService(ctx)
	return a, b
}

func inShard(name string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Labels = map[string]string{shardLabel: name} }
}

var _ = Describe("Of two shards", func() {
	It("one finishes what the other had begun when the label was changed", func(ctx SpecContext) {
		a, b := newShards(ctx)
		made, release := make(chan struct{}), make(chan struct{})
		a.service.Inject(creates.Once(), lateAnswer(made, release))
		a.create(ctx, accessKey("backup", inShard("a")))
		a.eventually(ctx, func(g Gomega) { g.Expect(isClosed(made)).To(BeTrue()) })
		a.changeAccessKey(ctx, "backup", inShard("b"))
		b.settle(ctx)
		close(release)
		a.settle(ctx)
		Expect(a.works(a.published(ctx, "backup"))).To(BeTrue(), "the former shard publishes what it made")
		Expect(a.accessKey(ctx, "backup").Status.Intent).NotTo(BeNil(), "and can't record it")
		a.clock.Step(handOver)
		a.issued(ctx, "backup", 1)
		Expect(a.service.History()).To(HaveLen(1))
	})

	It("the new one waits, and then both rotate and revoke in turn", func(ctx SpecContext) {
		a, b := newShards(ctx)
		a.create(ctx, accessKey("backup", inShard("a")))
		a.issued(ctx, "backup", 1)
		a.changeAccessKey(ctx, "backup", inShard("b"), renewNow("now"))
		b.settle(ctx)
		a.consistently(ctx, func(Gomega) { Expect(a.service.History()).To(HaveLen(1)) })
		a.clock.Step(handOver)
		a.issued(ctx, "backup", 2)
		a.changeAccessKey(ctx, "backup", inShard("a"))
		b.settle(ctx)
		a.stepTo(ctx, a.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		a.eventually(ctx, func(g Gomega) { g.Expect(a.service.LivePairs()).To(HaveLen(1)) })
		Expect(a.service.History()).To(HaveLen(2))
		a.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		a.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(a.service.LivePairs()).To(BeEmpty())
	})

	It("each leaves the other's keys alone, and one without a shard is begun once it gets one", func(ctx SpecContext) {
		a, b := newShards(ctx)
		a.service.AddUser("bert")
		a.create(ctx, accessKey("mine", inShard("a")), accessKey("yours", inShard("b"), withUser("local:bert")), accessKey("nobodys", withUser("local:bert")))
		mine, yours := a.issued(ctx, "mine", 1), a.issued(ctx, "yours", 1)
		a.settle(ctx)
		b.settle(ctx)
		Expect(a.accessKey(ctx, "nobodys").Finalizers).To(BeEmpty())
		a.clock.Step(resync)
		a.settle(ctx)
		b.settle(ctx)
		Expect(a.works(mine) && a.works(yours)).To(BeTrue())
		a.changeAccessKey(ctx, "nobodys", inShard("a"))
		a.issued(ctx, "nobodys", 1)
		Expect(a.works(yours)).To(BeTrue())
		Expect(a.service.History()).To(HaveLen(3))
	})

	It("neither takes a key of the other's for one whose answer was lost", func(ctx SpecContext) {
		a, b := newShards(ctx)
		id := a.service.AddUser("carol")
		a.service.Inject(creates.Once(), simulator.Drop())
		a.create(ctx, accessKey("mine", inShard("a"), withUser("local:carol")))
		a.eventually(ctx, func(g Gomega) {
			ak := a.accessKey(ctx, "mine")
			g.Expect(ak.Status.Intent != nil && ak.Status.Failures != nil).To(BeTrue())
		})
		a.create(ctx, accessKey("yours", inShard("b"), withUser("auth_id:"+id))) // spelled so, it waits for nobody
		yours := b.issued(ctx, "yours", 1)
		a.step(ctx, time.Hour)
		a.eventually(ctx, func(g Gomega) { g.Expect(a.accessKey(ctx, "mine")).To(BeAtRest()) })
		Expect(a.works(yours)).To(BeTrue())
		Expect(a.service.History()).To(HaveLen(2))
	})
})
