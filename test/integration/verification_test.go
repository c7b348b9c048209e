// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// never is how old a pair must be for a data plane that accepts none.
const never = 1000 * day

func verifying(timeout time.Duration, on v1alpha1.OnTimeout) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		ak.Spec.Verification = &v1alpha1.Verification{Timeout: duration(timeout), OnTimeout: on}
	}
}

// unaccepted waits until a pair is in the next Secret, and the status says so.
func (w *world) unaccepted(ctx SpecContext, name string) {
	GinkgoHelper()
	w.expect(ctx, name, HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "for the data plane "+w.planeServer.URL+" to accept access key", "InvalidAccessKeyId"))
	Expect(w.secret(ctx, name+"-next").Data).To(HaveKey(v1alpha1.SecretKeySecretAccessKey))
	Expect(w.accessKey(ctx, name).Status.Intent.Waits()).To(BeTrue())
}

// nothingWaits waits until the next Secret is gone.
func (w *world) nothingWaits(ctx SpecContext, name string) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		err := kube.Get(ctx, w.named(name+"-next"), &corev1.Secret{})
		g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
	})
}

var verified = HaveCondition("Verified", metav1.ConditionTrue, "Accepted", "accepted access key")

var _ = Describe("Verification at the data plane", func() {
	for name, service := range map[string]func(clock.PassiveClock) other{"Qumulo": qumuloService, "IONOS": ionosService} {
		for _, lag := range []time.Duration{5 * time.Second, 90 * time.Second} {
			if name == "IONOS" && lag < time.Minute {
				continue // it takes as long itself
			}
			It(fmt.Sprintf("publishes a pair of %s that is accepted after %s, although the operator restarts", name, lag), func(ctx SpecContext) {
				w := newBareWorld(ctx)
				o := service(w.clock)
				w.use(ctx, o)
				w.create(ctx, accessKey("backup", withUser(o.user)))
				old := w.issued(ctx, "backup", 1)
				w.expect(ctx, "backup", verified)
				w.plane.AcceptAfter(lag)
				w.changeAccessKey(ctx, "backup", renewNow("now"))
				w.unaccepted(ctx, "backup")
				Expect(w.published(ctx, "backup")).To(Equal(old), "consumers have the old pair")
				w.restart(ctx)
				made := o.server.History()[1].CreatedAt // some time has passed since, if the service takes time itself
				w.stepTo(ctx, made.Add(lag-time.Second))
				w.unaccepted(ctx, "backup")
				w.step(ctx, 2*time.Minute)
				fresh := w.issued(ctx, "backup", 2)
				Expect(fresh).NotTo(Equal(old))
				Expect(w.works(old)).To(BeTrue(), "there is an overlap")
				w.expect(ctx, "backup", verified)
				w.nothingWaits(ctx, "backup")
				Expect(o.server.History()).To(HaveLen(2), "no key is lost")
			})
		}
	}

	It("holds a pair that is never accepted while the older one works, and releases it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		w.plane.AcceptAfter(never)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.unaccepted(ctx, "backup")
		w.step(ctx, 2*time.Minute)
		w.expectStalled(ctx, "backup", "VerificationFailed", "Secret backup keeps access key "+old.id+", which still works", "set verification.onTimeout to Publish", "InvalidAccessKeyId")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), verified)

		By("also after the end of the older one")
		w.step(ctx, 40*day)
		w.expectStalled(ctx, "backup", "VerificationFailed")
		Expect(w.published(ctx, "backup")).To(Equal(old))
		Expect(w.works(old)).To(BeTrue())

		w.plane.AcceptAfter(0)
		w.step(ctx, 15*time.Minute)
		w.issued(ctx, "backup", 3) // the pair that was held is old by now, too
		w.expect(ctx, "backup", verified)
		w.nothingWaits(ctx, "backup")
	})

	It("lets the operations of other AccessKeys of the user go on while a pair is held", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		o := ionosService(w.clock)
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser("")), accessKey("restore", withUser("")))
		w.issued(ctx, "backup", 1)
		w.issued(ctx, "restore", 1)
		w.plane.AcceptAfter(never)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.unaccepted(ctx, "backup")
		w.step(ctx, 2*time.Minute)
		w.expectStalled(ctx, "backup", "VerificationFailed")
		w.plane.AcceptAfter(0)
		w.changeAccessKey(ctx, "restore", renewNow("now"))
		w.issued(ctx, "restore", 2)
		w.step(ctx, 15*time.Minute)
		w.issued(ctx, "backup", 2)
	})

	It("publishes a first pair after the timeout, and keeps asking", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.plane.AcceptAfter(never)
		w.create(ctx, accessKey("backup"))
		w.unaccepted(ctx, "backup")
		w.expect(ctx, "backup", HaveCondition("Verified", metav1.ConditionFalse, "Rejected"), HaveCondition("Ready", metav1.ConditionUnknown, "Pending"))
		w.step(ctx, 2*time.Minute)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveCondition("Verified", metav1.ConditionFalse, "Rejected", "InvalidAccessKeyId"))
		w.expectStalled(ctx, "backup", "VerificationFailed", "which Secret backup holds")
		w.plane.AcceptAfter(0)
		w.step(ctx, 15*time.Minute)
		w.issued(ctx, "backup", 1)
		w.expect(ctx, "backup", verified)
		ak := w.accessKey(ctx, "backup")
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, ak)).To(And(HaveKey("VerificationFailed"), HaveKeyWithValue("Verified", 1)))
		})
	})

	It("holds a first pair if it is told to", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.plane.AcceptAfter(never)
		w.create(ctx, accessKey("backup", verifying(10*time.Second, v1alpha1.OnTimeoutHold)))
		w.unaccepted(ctx, "backup")
		w.step(ctx, 11*time.Second)
		w.expectStalled(ctx, "backup", "VerificationFailed", "no pair is published")
		w.step(ctx, day)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", "rejects the new access key"))
		w.changeAccessKey(ctx, "backup", verifying(10*time.Second, v1alpha1.OnTimeoutPublish))
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.plane.AcceptAfter(0)
		w.step(ctx, 15*time.Minute)
		w.issued(ctx, "backup", 1)
	})

	It("keeps the previous key past its time while the data plane rejects the published pair", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", verifying(0, v1alpha1.OnTimeoutPublish)))
		old := w.issued(ctx, "backup", 1)
		w.plane.AcceptAfter(never)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expect(ctx, "backup", HaveField("Status.Revision", int64(2)), HaveCondition("Stalled", metav1.ConditionTrue, "VerificationFailed", "("+old.id+") are not revoked until it accepts the new one"))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.settle(ctx)
		w.consistently(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeTrue()) })
		w.plane.AcceptAfter(0)
		w.step(ctx, 15*time.Minute)
		w.issued(ctx, "backup", 2)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
	})

	It("publishes pairs during an outage of the data plane, and revokes on time", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", verifying(2*time.Minute, v1alpha1.OnTimeoutHold)))
		old := w.issued(ctx, "backup", 1)
		w.plane.Break(true)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Waiting", "503 Service Unavailable"), HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.step(ctx, 2*time.Minute)
		w.issued(ctx, "backup", 2)
		w.expect(ctx, "backup", HaveCondition("Verified", metav1.ConditionUnknown, "DataPlaneUnavailable", "503"))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		w.plane.Break(false)
		w.step(ctx, 15*time.Minute)
		w.expect(ctx, "backup", verified)
	})

	It("publishes a pair that is replaced in place first", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		o := oneKey(w.clock)
		w.use(ctx, o)
		w.create(ctx, accessKey("backup", withUser(o.user)))
		old := w.issued(ctx, "backup", 1)
		w.plane.AcceptAfter(10 * time.Second)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.eventually(ctx, func(g Gomega) { g.Expect(w.published(ctx, "backup")).NotTo(Equal(old)) })
		w.expect(ctx, "backup", HaveCondition("Verified", metav1.ConditionFalse, "Rejected"), HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.step(ctx, 20*time.Second)
		w.issued(ctx, "backup", 2)
		w.expect(ctx, "backup", verified)
	})

	It("is finished by an operator that is asked to stop meanwhile", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		stopped := make(chan struct{})
		w.plane.Meanwhile(func() {
			w.cancel()
			close(stopped)
		})
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		Eventually(ctx, stopped).Should(BeClosed())
		w.stop()
		w.issued(ctx, "backup", 2)
		w.expect(ctx, "backup", verified, HaveField("Status.Intent", BeNil()))
	})

	It("asks nobody in the steady state", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.plane.Asked()
		for range 5 {
			w.step(ctx, resync)
		}
		w.restart(ctx)
		w.settle(ctx)
		Expect(w.plane.Asked()).To(BeEmpty())
	})

	It("asks about the pairs that were issued before there was a data plane, once", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.S3 = nil })
		w.create(ctx, accessKey("backup", verifying(time.Minute, "")))
		p := w.issued(ctx, "backup", 1)
		w.expect(ctx, "backup", HaveCondition("Verified", metav1.ConditionUnknown, "NoDataPlane", "KeyService qumulo has no s3"))
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.S3 = w.s3() })
		w.expect(ctx, "backup", verified)
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.plane.Asked()).To(HaveLen(1))
	})

	It("says which certificates it does not trust", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.S3.TLS = nil })
		w.create(ctx, accessKey("backup", verifying(0, "")))
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"),
			HaveCondition("Verified", metav1.ConditionUnknown, "DataPlaneUnavailable", "signed by an unknown authority"))

		By("its CA being in a ConfigMap of its own")
		w.create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "plane-ca"}, Data: map[string]string{"ca.crt": string(w.planeServer.CA)}})
		w.changeService(ctx, func(service *v1alpha1.KeyService) {
			service.Spec.S3.TLS = &v1alpha1.TLS{CARef: &v1alpha1.CASource{Kind: v1alpha1.CAConfigMap, Name: "plane-ca", Key: "ca.crt"}}
		})
		w.expect(ctx, "backup", verified)
	})

	It("lets an AccessKey of a ClusterKeyService adopt a pair after a restore", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", alice))
		w.create(ctx, accessKey("backup", onCluster(name)))
		p := w.issued(ctx, "backup", 1)
		ak, published := backedUp(w.accessKey(ctx, "backup")), backedUp(w.secret(ctx, "backup"))
		w.destroy(ctx, "backup")
		forged := published.DeepCopy()
		forged.Data[v1alpha1.SecretKeySecretAccessKey] = []byte("another")

		By("the pair in the Secret not being that of the key")
		w.create(ctx, forged, ak)
		w.start()
		w.expectStalled(ctx, "backup", "AdoptionNotVerified", p.id)

		By("the pair in the Secret being that of the key")
		w.stop() // without a Secret in between, the operator would create a key
		Expect(client.IgnoreNotFound(kube.Delete(ctx, forged))).To(Succeed())
		w.create(ctx, published)
		w.start()
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1), "no key is created")
		w.expect(ctx, "backup", verified)
	})

	It("lets an AccessKey of a ClusterKeyService import a pair that opens the data plane", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", alice))
		old := w.makeAlicesKey()
		w.create(ctx, byHand("legacy", pair{old.id, "another"}), accessKey("backup", onCluster(name), importing("legacy")))
		w.expectStalled(ctx, "backup", "ImportFailed", "the data plane "+w.planeServer.URL+" rejects access key "+old.id+" with the secret access key in Secret legacy")

		w.changeSecret(ctx, "legacy", func(s *corev1.Secret) { s.Data[v1alpha1.SecretKeySecretAccessKey] = []byte(old.secret) })
		w.step(ctx, time.Minute)
		Expect(w.issued(ctx, "backup", 1)).To(Equal(old))
		w.expect(ctx, "backup", verified)
		Expect(w.service.History()).To(HaveLen(1), "no key is created")
	})
})
