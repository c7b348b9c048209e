// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

// makeKey makes a key by hand at a service. The operator may revoke it once it is imported.
func (w *world) makeKey(by func() (simulator.Pair, string, error)) pair {
	GinkgoHelper()
	made, secret, err := by()
	Expect(err).NotTo(HaveOccurred())
	w.excused[made.ID] = true
	return pair{made.AccessKeyID, secret}
}

// makeAlicesKey makes a key of alice by hand at the world's cluster.
func (w *world) makeAlicesKey() pair {
	GinkgoHelper()
	return w.makeKey(func() (simulator.Pair, string, error) { return w.service.MakeKey(alice) })
}

// byHand is a Secret with a pair under these keys.
func byHand(name string, p pair, keys ...string) *corev1.Secret {
	keys = append(keys, v1alpha1.SecretKeyAccessKeyID, v1alpha1.SecretKeySecretAccessKey)
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{keys[0]: p.id, keys[1]: p.secret, "note": "ours"}}
}

// importing makes an AccessKey start with the pair in a Secret.
func importing(secretName string, keys ...string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		ak.Spec.ImportFrom = &v1alpha1.ImportSource{SecretName: secretName}
		if len(keys) > 0 {
			ak.Spec.ImportFrom.AccessKeyIDKey, ak.Spec.ImportFrom.SecretAccessKeyKey = keys[0], keys[1]
		}
	}
}

var _ = Describe("Importing a pair", func() {
	for _, row := range services.All() {
		It("starts with it, and rotates and revokes it, at "+row.Name, func(ctx SpecContext) {
			w, o := newWorldOf(ctx, serviceAt(row))
			old := w.makeKey(o.makeKey)
			w.create(ctx, byHand("legacy", old, "id", "key"))
			w.step(ctx, time.Hour) // longer than any list lag
			w.create(ctx, accessKey("backup", withUser(o.user), importing("legacy", "id", "key")))
			Expect(w.issued(ctx, "backup", 1)).To(Equal(old))
			Expect(operatorsKeys(o.server)).To(BeEmpty(), "no key is created")
			w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
			fresh := w.issued(ctx, "backup", 2)
			Expect(w.works(old)).To(Equal(o.overlap))
			for _, previous := range w.accessKey(ctx, "backup").Status.PreviousKeys {
				w.stepTo(ctx, previous.RevokeAt.Time)
			}
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
			Expect(w.works(fresh)).To(BeTrue())
			w.step(ctx, time.Minute) // a list that lacks the new key counts from now on
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
			Expect(operatorsKeys(o.server)).To(BeEmpty())
			Expect(w.works(fresh)).To(BeFalse())
		})
	}

	It("leaves the Secret that held it as it is, says so once, and counts the ttl from then on", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.makeAlicesKey()
		w.create(ctx, byHand("legacy", old))
		before := w.secret(ctx, "legacy")
		w.step(ctx, 90*day)
		begun := w.clock.Now()
		w.create(ctx, accessKey("backup", importing("legacy")))
		Expect(w.issued(ctx, "backup", 1)).To(Equal(old))
		ak := w.accessKey(ctx, "backup")
		Expect(ak.Status.IssuedAt.Time).To(BeTemporally("~", begun, 5*time.Second))
		Expect(ak.Status.IssueReason).To(BeEquivalentTo("Imported"))
		Expect(ak.Status.ExpiresAt.Time).To(BeTemporally("==", ak.Status.IssuedAt.Add(30*day)))
		Expect(metav1.IsControlledBy(w.secret(ctx, "backup"), ak)).To(BeTrue())
		w.eventually(ctx, func(g Gomega) { g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"Imported": 1})) })

		By("importFrom having no effect any more")
		w.delete(ctx, named(&corev1.Secret{}, "legacy"))
		w.create(ctx, byHand("legacy", old))
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		fresh := w.issued(ctx, "backup", 2)
		Expect(fresh).NotTo(Equal(old))
		Expect(w.secret(ctx, "legacy").Data).To(Equal(before.Data))
		Expect(w.secret(ctx, "legacy").OwnerReferences).To(BeEmpty())
		Expect(w.works(old)).To(BeTrue(), "for the overlap")
	})

	It("takes over a Secret with the wanted name, without a gap", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.makeAlicesKey()
		w.create(ctx, byHand("backup", old))
		version := w.secret(ctx, "backup").UID
		w.create(ctx, accessKey("backup", importing("backup")))
		Expect(w.issued(ctx, "backup", 1)).To(Equal(old))
		secret := w.secret(ctx, "backup")
		Expect(secret.UID).To(Equal(version), "the same Secret")
		Expect(secret.Data).To(And(HaveKeyWithValue("note", []byte("ours")), HaveKey("AWS_ENDPOINT_URL_S3")))
		Expect(metav1.IsControlledBy(secret, w.accessKey(ctx, "backup"))).To(BeTrue())
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		Expect(w.secret(ctx, "backup").Data).To(HaveKeyWithValue("note", []byte("ours")))
	})

	It("continues after the operator was stopped between the Secret and the status", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.makeAlicesKey()
		w.create(ctx, byHand("legacy", old), accessKey("backup", importing("legacy")))
		w.issued(ctx, "backup", 1)
		w.stop()
		w.wipeStatus(ctx, "backup")
		w.start()
		Expect(w.issued(ctx, "backup", 1)).To(Equal(old))
		Expect(w.accessKey(ctx, "backup").Status.AccessKeyID).To(Equal(old.id))
	})

	It("rotates at once if that is requested, with an overlap", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.makeAlicesKey()
		w.create(ctx, byHand("legacy", old), accessKey("backup", importing("legacy"), renewNow("now")))
		Expect(w.issued(ctx, "backup", 2)).NotTo(Equal(old))
		Expect(w.works(old)).To(BeTrue())
		Expect(w.accessKey(ctx, "backup").Status.PreviousKeys).To(ConsistOf(HaveField("AccessKeyID", old.id)))
	})

	It("leaves a key to one of two AccessKeys that import it at once", func(ctx SpecContext) {
		w := newWorld(ctx)
		old := w.makeAlicesKey()
		w.create(ctx, byHand("legacy", old), accessKey("first", importing("legacy")), accessKey("second", importing("legacy")))
		importers := func() (recording []string) {
			for _, name := range []string{"first", "second"} {
				if w.accessKey(ctx, name).Status.AccessKeyID == old.id {
					recording = append(recording, name)
				}
			}
			return recording
		}
		w.eventually(ctx, func(g Gomega) { g.Expect(importers()).To(HaveLen(1)) })
		loser := map[string]string{"first": "second", "second": "first"}[importers()[0]]
		w.expectStalled(ctx, loser, "ImportFailed", "another AccessKey records access key "+old.id)
		Expect(w.service.History()).To(HaveLen(1))
	})

	DescribeTable("fails with words, creates no key, and goes on when that is corrected",
		func(ctx SpecContext, prepare func(SpecContext, *world, pair) []func(*v1alpha1.AccessKey), correct func(SpecContext, *world, pair), says string) {
			w := newWorld(ctx)
			w.service.AddUser("guest")
			old := w.makeAlicesKey()
			w.create(ctx, accessKey("backup", append([]func(*v1alpha1.AccessKey){importing("legacy")}, prepare(ctx, w, old)...)...))
			w.expectStalled(ctx, "backup", "ImportFailed", says, "remove spec.importFrom")
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", says))
			w.step(ctx, 2*time.Minute)
			w.settle(ctx)
			Expect(w.service.LivePairs()).To(HaveLen(1))
			if correct == nil {
				w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { ak.Spec.ImportFrom = nil })
				Expect(w.issued(ctx, "backup", 1)).NotTo(Equal(old))
				return
			}
			correct(ctx, w, old)
			w.step(ctx, 2*time.Minute)
			Expect(w.issued(ctx, "backup", 1)).To(Equal(old))
		},
		Entry("a Secret that does not exist yet",
			func(SpecContext, *world, pair) []func(*v1alpha1.AccessKey) { return nil },
			func(ctx SpecContext, w *world, old pair) { w.create(ctx, byHand("legacy", old)) }, "Secret legacy, which spec.importFrom names, does not exist"),
		Entry("a key that the Secret does not have", func(ctx SpecContext, w *world, old pair) []func(*v1alpha1.AccessKey) {
			w.create(ctx, byHand("legacy", old))
			return []func(*v1alpha1.AccessKey){importing("legacy", "id", "key")}
		}, func(ctx SpecContext, w *world, _ pair) { w.changeAccessKey(ctx, "backup", importing("legacy")) }, "Secret legacy has no value under the key id"),
		Entry("an access key ID of nobody", func(ctx SpecContext, w *world, old pair) []func(*v1alpha1.AccessKey) {
			w.create(ctx, byHand("legacy", pair{"AKIANOBODY", old.secret}))
			return nil
		}, nil, "Secret legacy holds access key AKIANOBODY, and the service lists no such key"),
		Entry("a key of another user", func(ctx SpecContext, w *world, old pair) []func(*v1alpha1.AccessKey) {
			w.create(ctx, byHand("legacy", old))
			return []func(*v1alpha1.AccessKey){withUser("local:guest")}
		}, nil, `the service lists no such key for user "local:guest"`),
		Entry("a Secret with the wanted name that somebody controls", func(ctx SpecContext, w *world, old pair) []func(*v1alpha1.AccessKey) {
			source := byHand("legacy", old)
			source.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Secret", Name: authority, UID: w.secret(ctx, authority).UID, Controller: ptr.To(true)}}
			w.create(ctx, source)
			return []func(*v1alpha1.AccessKey){func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "legacy" }}
		}, func(ctx SpecContext, w *world, _ pair) {
			w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "s3" })
		}, "Secret "+authority+" controls it"),
	)

	It("needs a KeyService of the namespace, or a data plane", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		old := w.makeAlicesKey()
		w.label(ctx, w.namespace)
		shared := w.createClusterService(ctx, grant(w.namespace, "*"))
		w.changeClusterService(ctx, shared, func(service *v1alpha1.ClusterKeyService) { service.Spec.S3 = nil })
		w.create(ctx, byHand("legacy", old), accessKey("backup", onCluster(shared), importing("legacy")))
		w.expectStalled(ctx, "backup", "ImportFailed", "needs a KeyService of this namespace")
		Expect(w.service.History()).To(HaveLen(1))
	})
})
