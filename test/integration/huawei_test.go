// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/huawei"
)

// inRealTime waits for a minute at most until the checks hold. The world's clock goes with the real one, as the rate limits do.
func (w *world) inRealTime(ctx SpecContext, checks func(g Gomega)) {
	GinkgoHelper()
	start, begun := w.clock.Now(), time.Now()
	Eventually(ctx, func(g Gomega) {
		w.clock.SetTime(start.Add(time.Since(begun)))
		checks(g)
	}).WithTimeout(time.Minute).Should(Succeed())
}

var _ = Describe("Huawei Cloud at three requests a second", func() {
	It("issues all keys, and ends a deletion within a minute while other keys rotate", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		account := huawei.New(huawei.Options{RateLimit: 3, Shape: huawei.ShapeBare})
		o := huaweiService(w.clock)
		configure := o.spec
		o.server, o.spec = account, func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			configure(spec, url, secret)
			spec.RateLimit = v1alpha1.RateLimit{QPS: 20, Burst: 40}
		}
		w.use(ctx, o)
		const count = 3
		name := func(i int) string { return fmt.Sprint("key-", i) }
		for i := range count {
			w.create(ctx, accessKey(name(i), withUser(account.AddUser(name(i)))))
		}
		w.inRealTime(ctx, func(g Gomega) {
			for i := range count {
				g.Expect(w.accessKey(ctx, name(i))).To(HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
			}
		})
		for i := range count {
			w.changeAccessKey(ctx, name(i), renewNow("now"))
		}
		w.delete(ctx, accessKey(name(0)))
		w.inRealTime(ctx, func(g Gomega) {
			g.Expect(kube.Get(ctx, w.named(name(0)), &v1alpha1.AccessKey{})).NotTo(Succeed())
		})
		Expect(account.Keys(name(0))).To(BeEmpty())
	})
})
