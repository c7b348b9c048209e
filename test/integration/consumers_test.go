// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("Restarting consumers", func() {
	web := workloadNamed(v1alpha1.WorkloadDeployment, "web")

	It("restarts each target once for each rotation, when the new pair is published and the old one still works", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.allowRestarts(ctx)
		elsewhere := workload(v1alpha1.WorkloadDeployment, "web")
		elsewhere.SetNamespace(w.newNamespace(ctx))
		w.create(ctx, workload(v1alpha1.WorkloadDeployment, "web"), workload(v1alpha1.WorkloadStatefulSet, "db"), workload(v1alpha1.WorkloadDaemonSet, "agent"),
			workload(v1alpha1.WorkloadDeployment, "other"), elsewhere)
		w.create(ctx, accessKey("backup", restarting(web, workloadsLabelled(v1alpha1.WorkloadStatefulSet, "db"), workloadsLabelled(v1alpha1.WorkloadDaemonSet, "agent"))))
		old := w.issued(ctx, "backup", 1)
		w.settle(ctx)
		stamps, generation := w.stampsOf(ctx, "web")
		Expect(stamps).To(BeEmpty(), "the first pair restarts nothing")
		Expect(generation).To(BeEquivalentTo(1))
		Eventually(ctx, func(g Gomega) { g.Expect(w.replicaSets(ctx, g, "web")).To(Equal(1)) }).Should(Succeed())

		By("rotating")
		w.rotate(ctx, "backup")
		w.restarted(ctx, "backup")
		Expect(w.works(old)).To(BeTrue())
		stamp := w.stampedFor(ctx, "backup")
		found := get(ctx, w, "web", &appsv1.Deployment{})
		Expect(found.Spec.Template.Annotations).To(Equal(map[string]string{"restart.accesskey.dev/backup": stamp, "example.com/theirs": "kept"}))
		Expect(found.Generation).To(BeEquivalentTo(2))
		Expect(*found.Spec.Replicas).To(BeEquivalentTo(2))
		Expect(get(ctx, w, "db", &appsv1.StatefulSet{}).Spec.Template.Annotations).To(HaveKeyWithValue("restart.accesskey.dev/backup", stamp))
		Expect(get(ctx, w, "agent", &appsv1.DaemonSet{}).Spec.Template.Annotations).To(HaveKeyWithValue("restart.accesskey.dev/backup", stamp))
		Eventually(ctx, func(g Gomega) { g.Expect(w.replicaSets(ctx, g, "web")).To(Equal(2)) }).Should(Succeed())
		w.expect(ctx, "backup", BeAtRest())
		ak := w.accessKey(ctx, "backup")
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"Rotated": 1, "Restarted": 1}))
		})

		By("coming to rest")
		before := w.versions(ctx)
		w.restart(ctx)
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(w.versions(ctx)).To(Equal(before))

		By("rotating again")
		w.rotate(ctx, "backup")
		w.restarted(ctx, "backup")
		stamps, generation = w.stampsOf(ctx, "web")
		Expect(stamps).To(HaveKeyWithValue("backup", w.stampedFor(ctx, "backup")))
		Expect(generation).To(BeEquivalentTo(3))
		Eventually(ctx, func(g Gomega) { g.Expect(w.replicaSets(ctx, g, "web")).To(Equal(3)) }).Should(Succeed())

		By("leaving the others alone")
		stamps, generation = w.stampsOf(ctx, "other")
		Expect(stamps).To(BeEmpty())
		Expect(generation).To(BeEquivalentTo(1))
		Expect(kube.Get(ctx, client.ObjectKeyFromObject(elsewhere), elsewhere)).To(Succeed())
		Expect(elsewhere.GetGeneration()).To(BeEquivalentTo(1), "a workload of another namespace")
	})

	It("costs a rotation one read and one write for each workload, and one write of the status", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.allowRestarts(ctx)
		w.create(ctx, workload(v1alpha1.WorkloadDeployment, "web"))
		w.create(ctx, accessKey("backup", restarting(web)))
		w.issued(ctx, "backup", 1)
		w.settle(ctx)
		w.rotate(ctx, "backup") // with the discovery of the API
		w.restarted(ctx, "backup")
		w.requests.reset()
		w.rotate(ctx, "backup")
		w.restarted(ctx, "backup")
		counted := w.requests.reset()
		AddReportEntry("requests of the operator for a rotation with one restart", counted)
		Expect(counted).To(HaveKeyWithValue("GET deployments", 1))
		Expect(counted).To(HaveKeyWithValue("PATCH deployments", 1))
		Expect(counted).To(HaveKeyWithValue("PATCH accesskeys/status", BeNumerically("<=", 5)), "intents and records of a revocation and a creation, and the restart")
	})

	It("restarts a workload once for each of its AccessKeys", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.allowRestarts(ctx)
		w.service.AddUser("bert")
		w.create(ctx, workload(v1alpha1.WorkloadDeployment, "web"))
		w.create(ctx, accessKey("backup", restarting(web)), accessKey("archive", withUser("local:bert"), restarting(web)))
		for i, name := range []string{"backup", "archive"} {
			w.issued(ctx, name, 1)
			w.rotate(ctx, name)
			w.restarted(ctx, name)
			_, generation := w.stampsOf(ctx, "web")
			Expect(generation).To(BeEquivalentTo(2 + i))
		}
		stamps, _ := w.stampsOf(ctx, "web")
		Expect(stamps).To(Equal(map[string]string{"backup": w.stampedFor(ctx, "backup"), "archive": w.stampedFor(ctx, "archive")}))
	})

	It("warns about targets that do not exist once, and is not held up by them", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.allowRestarts(ctx)
		w.create(ctx, workload(v1alpha1.WorkloadDeployment, "web"))
		w.create(ctx, accessKey("backup", restarting(workloadNamed(v1alpha1.WorkloadDeployment, "absent"), workloadsLabelled(v1alpha1.WorkloadStatefulSet, "none"),
			workloadNamed(v1alpha1.WorkloadRollout, "not-served"), web)))
		w.issued(ctx, "backup", 1)
		w.rotate(ctx, "backup")
		w.restarted(ctx, "backup")
		w.expect(ctx, "backup", BeAtRest())
		_, generation := w.stampsOf(ctx, "web")
		Expect(generation).To(BeEquivalentTo(2))
		ak := w.accessKey(ctx, "backup")
		expectWarnings := func() {
			w.eventually(ctx, func(g Gomega) {
				g.Expect(eventsOf(ctx, g, ak)).To(ContainElement(
					HaveField("Note", ContainSubstring("Found no Deployment absent, StatefulSet with the labels app=none, Rollout not-served to restart"))))
				g.Expect(events(ctx, g, ak)).To(HaveKeyWithValue("RestartTargetNotFound", 1))
			})
		}
		expectWarnings()
		w.step(ctx, resync)
		w.restart(ctx)
		expectWarnings()
	})

	It("says which permission it lacks by default, keeps the pair Ready, and restarts the targets when it has the permission", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, workload(v1alpha1.WorkloadDeployment, "web"))
		w.create(ctx, accessKey("backup", restarting(web)))
		w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.expectStalled(ctx, "backup", v1alpha1.ReasonRestartFailed, "reading Deployment web", `cannot get resource "deployments"`,
			"bind the ClusterRole accesskey-operator-restarts to its ServiceAccount in namespace "+w.namespace)
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"), HaveField("Status.Revision", BeEquivalentTo(2)))
		w.settle(ctx)
		before := w.versions(ctx)
		w.step(ctx, time.Minute)
		w.settle(ctx)
		Expect(w.versions(ctx)).To(Equal(before), "an attempt that fails in the same way changes nothing")
		w.allowRestarts(ctx)
		w.step(ctx, 5*time.Minute)
		w.restarted(ctx, "backup")
		w.expect(ctx, "backup", BeAtRest())
		_, generation := w.stampsOf(ctx, "web")
		Expect(generation).To(BeEquivalentTo(2))
	})

	It("reports an overlap of less than two minutes before the first rotation, and rotates all the same", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.allowRestarts(ctx)
		w.create(ctx, accessKey("backup", restarting(web), func(ak *v1alpha1.AccessKey) { ak.Spec.RenewBefore = duration(time.Minute) }))
		w.expectStalled(ctx, "backup", v1alpha1.ReasonOverlapTooShort, "works for only 1m0s after a rotation", "set renewBefore to at least 2m0s")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expect(ctx, "backup", HaveField("Status.Revision", BeEquivalentTo(2)))
		w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { ak.Spec.RenewBefore = duration(2 * time.Minute) })
		w.issued(ctx, "backup", 2)
	})

	It("restarts the pods of a Rollout of Argo Rollouts that are older than the pair", func(ctx SpecContext) {
		serveRollouts(ctx)
		w := newWorld(ctx)
		w.allowRestarts(ctx)
		w.create(ctx, workload(v1alpha1.WorkloadRollout, "web"))
		w.create(ctx, accessKey("backup", restarting(workloadsLabelled(v1alpha1.WorkloadRollout, "web"))))
		w.issued(ctx, "backup", 1)
		w.rotate(ctx, "backup")
		w.restarted(ctx, "backup")
		rollout := &unstructured.Unstructured{}
		rollout.SetGroupVersionKind(rolloutKind)
		at := w.accessKey(ctx, "backup").Status.Restart.RequestedAt.Add(time.Second)
		Expect(get(ctx, w, "web", rollout).Object["spec"]).To(Equal(map[string]any{
			"workloadRef": map[string]any{"name": "web"}, "restartAt": at.UTC().Format(time.RFC3339),
		}))
		Expect(rollout.GetGeneration()).To(BeEquivalentTo(2))
	})
})

var _ = Describe("A consumer that a GitOps tool applies", func() {
	// manifest is what the tool has of the Deployment web, without what the operator adds to it.
	manifest := func(w *world) *unstructured.Unstructured {
		object := workload(v1alpha1.WorkloadDeployment, "web")
		object.SetNamespace(w.namespace)
		text, err := json.Marshal(object)
		Expect(err).NotTo(HaveOccurred())
		applied := &unstructured.Unstructured{}
		Expect(json.Unmarshal(text, &applied.Object)).To(Succeed())
		applied.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
		unstructured.RemoveNestedField(applied.Object, "status")
		return applied
	}
	applies := func(ctx SpecContext, w *world, options ...string) {
		GinkgoHelper()
		text, err := json.Marshal(manifest(w))
		Expect(err).NotTo(HaveOccurred())
		_, err = plane.Kubectl(ctx, text, append(options, "--filename=-")...)
		Expect(err).NotTo(HaveOccurred())
	}

	DescribeTable("is restarted once for each pair, whatever the tool does",
		func(ctx SpecContext, stampStays bool, tool func(SpecContext, *world)) {
			w := newWorld(ctx)
			w.allowRestarts(ctx)
			tool(ctx, w)
			w.create(ctx, accessKey("backup", restarting(workloadNamed(v1alpha1.WorkloadDeployment, "web"))))
			w.issued(ctx, "backup", 1)
			w.rotate(ctx, "backup")
			w.restarted(ctx, "backup")
			w.requests.reset()
			stamped, generation := w.stampsOf(ctx, "web")
			for range 2 {
				tool(ctx, w)
				w.step(ctx, resync)
				w.restart(ctx)
				w.settle(ctx)
			}
			stamps, now := w.stampsOf(ctx, "web")
			if stampStays {
				Expect(stamps).To(Equal(stamped))
				Expect(now).To(Equal(generation), "the pods are not replaced")
			} else {
				Expect(stamps).To(BeEmpty(), "the tool replaced the pods by removing the annotation")
			}
			Expect(w.requests.reset()).NotTo(HaveKey(ContainSubstring("deployments")), "the operator does not even look")

			w.rotate(ctx, "backup")
			w.restarted(ctx, "backup")
			stamps, _ = w.stampsOf(ctx, "web")
			Expect(stamps).To(Equal(map[string]string{"backup": w.stampedFor(ctx, "backup")}))
			Eventually(ctx, func(g Gomega) { g.Expect(w.replicaSets(ctx, g, "web")).To(Equal(3)) }).Should(Succeed())
		},
		Entry("client-side apply", true, func(ctx SpecContext, w *world) { applies(ctx, w, "apply") }),
		Entry("server-side apply with force, as Argo CD and Flux do", true, func(ctx SpecContext, w *world) {
			applies(ctx, w, "apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller")
		}),
		Entry("a replacement of the whole object", false, func(ctx SpecContext, w *world) {
			if kube.Get(ctx, w.named("web"), &appsv1.Deployment{}) != nil {
				applies(ctx, w, "create")
				return
			}
			applies(ctx, w, "replace")
		}),
	)
})

var _ = Describe("Reloader", func() {
	It("restarts consumers only at a rotation, because nothing else changes the data of the Secret", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		before := w.secret(ctx, "backup")
		w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) {
			ak.Spec.TTL = days(60)
			ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Annotations: map[string]string{"reloader.stakater.com/match": "true"}}
		})
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Annotations).To(HaveKeyWithValue("reloader.stakater.com/match", "true"))
		})
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) { delete(secret.Annotations, v1alpha1.RecordAnnotation) })
		w.step(ctx, resync)
		w.restart(ctx)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.secret(ctx, "backup").Annotations).To(HaveKey(v1alpha1.RecordAnnotation)) })
		Expect(w.secret(ctx, "backup").Data).To(Equal(before.Data))
		w.rotate(ctx, "backup")
		Expect(w.secret(ctx, "backup").Data).NotTo(Equal(before.Data))
	})
})
