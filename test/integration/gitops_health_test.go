// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// unstructuredOf returns an object as the tools read it.
func (w *world) unstructuredOf(ctx SpecContext, g Gomega, kind, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	key := w.named(name)
	if kind == v1alpha1.KindClusterKeyService {
		key.Namespace = ""
	}
	g.Expect(kube.Get(ctx, key, object)).To(Succeed())
	return object
}

// reads waits until kstatus, as in Flux, and Argo CD read the health of an object like this. The message of Argo CD has all
// of these parts.
func (a argo) reads(ctx SpecContext, object client.Object, kstatus status.Status, health string, message ...string) {
	GinkgoHelper()
	kind := v1alpha1.KindKeyService
	switch object.(type) {
	case *v1alpha1.AccessKey:
		kind = "AccessKey"
	case *v1alpha1.ClusterKeyService:
		kind = v1alpha1.KindClusterKeyService
	}
	a.world.eventually(ctx, func(g Gomega) {
		found := a.world.unstructuredOf(ctx, g, kind, object.GetName())
		result, err := status.Compute(found)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(result.Status).To(Equal(kstatus), "%s: %v", result.Message, found.Object["status"])
		argoHealth, argoMessage := a.health(found)
		g.Expect(argoHealth).To(Equal(health), "%s: %v", argoMessage, found.Object["status"])
		for _, part := range message {
			g.Expect(argoMessage).To(ContainSubstring(part))
		}
	})
}

// holdCreates makes requests that create keys wait until they are released.
func (w *world) holdCreates() (release func()) {
	hold := make(chan struct{})
	lift := w.service.Inject(creates, simulator.Hang(hold))
	return func() {
		lift()
		close(hold)
	}
}

var _ = Describe("Flux and Argo CD", func() {
	It("read the health of an AccessKey whose key is issued and rotated", func(ctx SpecContext) {
		w := newStoppedWorld(ctx)
		a := newArgo(ctx, w)
		w.createService(ctx)
		ak := accessKey("backup")
		w.create(ctx, ak)
		By("new")
		a.reads(ctx, ak, status.InProgressStatus, "Progressing", "has not seen")
		Expect(a.enabled(w.unstructuredOf(ctx, Default, "AccessKey", "backup"))).To(HaveKeyWithValue("renew", false))

		By("issuing")
		release := w.holdCreates()
		w.start()
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Issuing"))
		a.reads(ctx, ak, status.InProgressStatus, "Progressing", "being issued")
		release()
		w.issued(ctx, "backup", 1)
		By("ready")
		a.reads(ctx, ak, status.CurrentStatus, "Healthy", "Secret backup holds access key", "valid until")
		Expect(a.enabled(w.unstructuredOf(ctx, Default, "AccessKey", "backup"))).To(HaveKeyWithValue("renew", true))

		By("rotating")
		release = w.holdCreates()
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Rotating"))
		a.reads(ctx, ak, status.InProgressStatus, "Healthy", "Secret backup holds access key", "Rotating")
		release()
		w.issued(ctx, "backup", 2)
		a.reads(ctx, ak, status.CurrentStatus, "Healthy")

		By("a change that the operator has not seen")
		w.stop()
		w.changeAccessKey(ctx, "backup", suspended)
		a.reads(ctx, ak, status.InProgressStatus, "Progressing", "has not seen")
		By("suspended")
		w.start()
		a.reads(ctx, ak, status.CurrentStatus, "Suspended", "spec.suspend")
		Expect(a.enabled(w.unstructuredOf(ctx, Default, "AccessKey", "backup"))).To(HaveKeyWithValue("renew", false))

		By("deleting")
		w.service.Inject(simulator.Rule{Path: keysPath, Method: http.MethodDelete}.Once(), simulator.Answer(500, nil, ""))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		a.reads(ctx, ak, status.TerminatingStatus, "Progressing")
		w.stepToAttempt(ctx, "backup")
		w.gone(ctx, ak)
	})

	It("read the health of an AccessKey in trouble", func(ctx SpecContext) {
		w := newWorld(ctx)
		a := newArgo(ctx, w)
		w.expectService(ctx, BeAtRest())
		By("a first key that cannot be issued yet")
		end := answering(simulator.Answer(500, nil, ""))(w)
		ak := accessKey("backup")
		w.create(ctx, ak)
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying"))
		a.reads(ctx, ak, status.InProgressStatus, "Progressing", "next attempt")
		end()
		w.stepToAttempt(ctx, "backup")
		p := w.issued(ctx, "backup", 1)

		By("a rotation that fails while the key works")
		end = answering(simulator.Answer(500, nil, ""))(w)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expect(ctx, "backup", HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying"))
		a.reads(ctx, ak, status.InProgressStatus, "Healthy", p.id, "Retrying")
		end()
		By("a rotation for which a person must act while the key works")
		foreign, _, err := w.service.MakeKey(alice)
		Expect(err).NotTo(HaveOccurred())
		w.stepToAttempt(ctx, "backup")
		w.expectStalled(ctx, "backup", "QuotaExceeded")
		a.reads(ctx, ak, status.FailedStatus, "Degraded", "QuotaExceeded", foreign.ID, "Secret backup holds access key "+p.id)
		w.service.RemoveKey(foreign.ID)
		w.step(ctx, resync)
		w.issued(ctx, "backup", 2)
		a.reads(ctx, ak, status.CurrentStatus, "Healthy")

		By("a lost Secret while no new pair can be issued")
		end = answering(simulator.Answer(500, nil, ""))(w)
		w.delete(ctx, named(&corev1.Secret{}, "backup"))
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionFalse, "SecretMissing"), HaveCondition("Reconciling", metav1.ConditionTrue, "Retrying"))
		a.reads(ctx, ak, status.InProgressStatus, "Degraded", "SecretMissing")
		end()
		w.stepToAttempt(ctx, "backup")
		w.issued(ctx, "backup", 3)

		By("a new AccessKey whose Secret is somebody else's, or that is suspended")
		w.create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "taken"}}, accessKey("taken"), accessKey("paused", suspended))
		w.expectStalled(ctx, "taken", "SecretConflict")
		a.reads(ctx, named(&v1alpha1.AccessKey{}, "taken"), status.FailedStatus, "Degraded", "SecretConflict: Secret taken exists")
		a.reads(ctx, named(&v1alpha1.AccessKey{}, "paused"), status.InProgressStatus, "Suspended")
	})

	It("read the health of an AccessKey whose pair the service has ended", func(ctx SpecContext) {
		w, o := newWorldOf(ctx, oneKey)
		a := newArgo(ctx, w)
		ak := accessKey("backup", withUser(o.user), withTTL(duration(2*time.Minute), duration(30*time.Second)))
		w.create(ctx, ak)
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", suspended)
		a.reads(ctx, ak, status.CurrentStatus, "Suspended")
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.ExpiresAt.Time)
		a.reads(ctx, ak, status.InProgressStatus, "Degraded", "Expired: ", "spec.suspend")
		w.changeAccessKey(ctx, "backup", resumed)
		w.issued(ctx, "backup", 2)
		a.reads(ctx, ak, status.CurrentStatus, "Healthy")
	})

	It("read the health of key services", func(ctx SpecContext) {
		w := newStoppedWorld(ctx)
		a := newArgo(ctx, w)
		w.createService(ctx)
		service, shared := w.keyService(), named(&v1alpha1.ClusterKeyService{}, w.createClusterService(ctx))
		a.reads(ctx, service, status.InProgressStatus, "Progressing")
		a.reads(ctx, shared, status.InProgressStatus, "Progressing")
		w.start()
		a.reads(ctx, service, status.CurrentStatus, "Healthy")
		a.reads(ctx, shared, status.CurrentStatus, "Healthy")
		w.server.Down(true)
		w.step(ctx, resync)
		a.reads(ctx, service, status.InProgressStatus, "Degraded", "Unavailable")
		a.reads(ctx, shared, status.InProgressStatus, "Degraded", "Unavailable")
	})

	It("offer an action in Argo CD that rotates", func(ctx SpecContext) {
		w := newWorld(ctx)
		a := newArgo(ctx, w)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		live := w.unstructuredOf(ctx, Default, "AccessKey", "backup")
		after := a.act("renew", live)
		Expect(kube.Patch(ctx, after, client.MergeFrom(live))).To(Succeed())
		w.issued(ctx, "backup", 2)
		Expect(w.unstructuredOf(ctx, Default, "AccessKey", "backup").Object["spec"]).To(Equal(live.Object["spec"]), "only the annotation changed")
		_, err := time.Parse(time.RFC3339, w.accessKey(ctx, "backup").Status.LastHandledRenewal)
		Expect(err).NotTo(HaveOccurred())
	})

	It("offer an action in Argo CD that replaces and revokes a compromised key", func(ctx SpecContext) {
		w := newWorld(ctx)
		a := newArgo(ctx, w)
		w.create(ctx, accessKey("backup"))
		old := w.issued(ctx, "backup", 1)
		live := w.unstructuredOf(ctx, Default, "AccessKey", "backup")
		Expect(a.enabled(live)).To(HaveKeyWithValue("compromised", true))
		after := a.act("compromised", live)
		Expect(a.enabled(after)).To(HaveKeyWithValue("compromised", false), "once for each key")
		Expect(kube.Patch(ctx, after, client.MergeFrom(live))).To(Succeed())
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
		Expect(w.issued(ctx, "backup", 2)).NotTo(Equal(old))
		Expect(w.accessKey(ctx, "backup").Spec.CompromisedKeyIDs).To(Equal([]string{old.id}))
	})
})
