// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("A Secret that was lost", func() {
	DescribeTable("gets a new pair, and the old one ends after its overlap",
		func(ctx SpecContext, lose func(SpecContext, *world)) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup"))
			old := w.issued(ctx, "backup", 1)
			lose(ctx, w)
			fresh := w.issued(ctx, "backup", 2)
			Expect(fresh).NotTo(Equal(old))
			ak := w.accessKey(ctx, "backup")
			Expect(ak.Status.PreviousKeys).To(ConsistOf(HaveField("KeyID", old.id)))
			w.eventually(ctx, func(g Gomega) {
				g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"Rotated": 1}))
			})
			w.stepTo(ctx, ak.Status.PreviousKeys[0].RevokeAt.Time)
			w.eventually(ctx, func(g Gomega) { g.Expect(w.works(old)).To(BeFalse()) })
			Expect(w.works(fresh)).To(BeTrue())
		},
		Entry("when it is deleted", func(ctx SpecContext, w *world) {
			w.delete(ctx, named(&corev1.Secret{}, "backup"))
		}),
		Entry("when its secret access key is edited", func(ctx SpecContext, w *world) {
			w.changeSecret(ctx, "backup", edited)
		}),
		Entry("when its access key ID is edited", func(ctx SpecContext, w *world) {
			w.changeSecret(ctx, "backup", func(secret *corev1.Secret) { secret.Data["AWS_ACCESS_KEY_ID"] = []byte("another") })
		}),
		Entry("when the operator does not run meanwhile", func(ctx SpecContext, w *world) {
			w.stop()
			w.changeSecret(ctx, "backup", edited)
			w.start()
		}),
	)

	DescribeTable("shows in Ready while the service cannot help",
		func(ctx SpecContext, reason string, lose func(SpecContext, *world)) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup"))
			w.issued(ctx, "backup", 1)
			w.server.Down(true)
			lose(ctx, w)
			w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionFalse, reason, "backup"),
				HaveCondition("Synced", metav1.ConditionFalse, "Unavailable"))
			w.server.Down(false)
			w.step(ctx, resync)
			w.issued(ctx, "backup", 2)
		},
		Entry("deleted", "SecretMissing", func(ctx SpecContext, w *world) { w.delete(ctx, named(&corev1.Secret{}, "backup")) }),
		Entry("edited", "SecretEdited", func(ctx SpecContext, w *world) { w.changeSecret(ctx, "backup", edited) }),
	)

	It("makes room in a full quota without giving up a published pair", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		first := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		second := w.issued(ctx, "backup", 2)
		w.delete(ctx, named(&corev1.Secret{}, "backup"))
		third := w.issued(ctx, "backup", 3)
		Expect(w.works(first)).To(BeFalse())
		Expect(w.works(second)).To(BeTrue(), "who still has it keeps it for its overlap")
		Expect(w.works(third)).To(BeTrue())
	})
})

var _ = Describe("A Secret that changed around its pair", func() {
	DescribeTable("is brought up to date with the same pair",
		func(ctx SpecContext, touch func(*corev1.Secret)) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup", templated("a")))
			p := w.issued(ctx, "backup", 1)
			before := w.secret(ctx, "backup")
			w.changeSecret(ctx, "backup", touch)
			w.eventually(ctx, func(g Gomega) {
				after := w.secret(ctx, "backup")
				g.Expect(after.Data).To(Equal(before.Data))
				g.Expect(after.Labels).To(Equal(before.Labels))
				g.Expect(after.Annotations).To(Equal(before.Annotations))
			})
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			Expect(w.service.History()).To(HaveLen(1))
		},
		Entry("without the managed-by label", func(secret *corev1.Secret) { delete(secret.Labels, "app.kubernetes.io/managed-by") }),
		Entry("with another managed-by label", func(secret *corev1.Secret) { secret.Labels["app.kubernetes.io/managed-by"] = "helm" }),
		Entry("without a label of the template", func(secret *corev1.Secret) { delete(secret.Labels, "team") }),
		Entry("with another value of an annotation", func(secret *corev1.Secret) { secret.Annotations["accesskey.dev/access-key-id"] = "another" }),
		Entry("with another endpoint", func(secret *corev1.Secret) { secret.Data["AWS_ENDPOINT_URL_S3"] = []byte("https://evil.example") }),
	)

	It("keeps labels, annotations and data that others put there", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) {
			secret.Labels["theirs"], secret.Annotations["theirs"], secret.Data["theirs"] = "label", "annotation", []byte("data")
		})
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.issued(ctx, "backup", 2)
		secret := w.secret(ctx, "backup")
		Expect(secret.Labels).To(HaveKeyWithValue("theirs", "label"))
		Expect(secret.Annotations).To(HaveKeyWithValue("theirs", "annotation"))
		Expect(secret.Data).To(HaveKeyWithValue("theirs", []byte("data")))
	})

	It("follows a changed template", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", templated("a")))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", templated("b"))
		w.eventually(ctx, func(g Gomega) {
			secret := w.secret(ctx, "backup")
			g.Expect(secret.Labels).To(HaveKeyWithValue("team", "b"))
			g.Expect(secret.Annotations).To(HaveKeyWithValue("team", "b"))
		})
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		ak := w.accessKey(ctx, "backup")
		w.eventually(ctx, func(g Gomega) {
			g.Expect(events(ctx, g, ak)).To(Equal(map[string]int{"SecretUpdated": 1}))
		})
	})

	It("follows the key service's endpoint", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.changeService(ctx, func(service *v1alpha1.KeyService) {
			service.Spec.S3 = &v1alpha1.S3{Endpoint: "https://other.example"}
		})
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Data).To(And(
				HaveKeyWithValue("AWS_ENDPOINT_URL_S3", []byte("https://other.example")), Not(HaveKey("AWS_REGION"))))
		})
		w.changeService(ctx, withoutEndpoint)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.secret(ctx, "backup").Data).To(HaveLen(2)) })
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})
})

var _ = Describe("What others change in the Secret beside the pair", func() {
	DescribeTable("is restored without a new pair",
		func(ctx SpecContext, edit func(*corev1.Secret)) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup"))
			p := w.issued(ctx, "backup", 1)
			before := w.secret(ctx, "backup")
			w.changeSecret(ctx, "backup", edit)
			w.eventually(ctx, func(g Gomega) {
				secret := w.secret(ctx, "backup")
				g.Expect(secret.Data).To(Equal(before.Data))
				g.Expect(secret.Labels).To(Equal(before.Labels))
				g.Expect(secret.Annotations).To(Equal(before.Annotations))
				g.Expect(metav1.IsControlledBy(secret, w.accessKey(ctx, "backup"))).To(BeTrue())
			})
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			Expect(w.service.History()).To(HaveLen(1))
		},
		Entry("the record", func(secret *corev1.Secret) { delete(secret.Annotations, "accesskey.dev/record") }),
		Entry("a word in the record", func(secret *corev1.Secret) {
			secret.Annotations["accesskey.dev/record"] = strings.Replace(secret.Annotations["accesskey.dev/record"], `"name":"backup"`, `"name":"other"`, 1)
		}),
		Entry("the label", func(secret *corev1.Secret) { secret.Labels["app.kubernetes.io/managed-by"] = "somebody" }),
		Entry("the endpoint", func(secret *corev1.Secret) { secret.Data["AWS_ENDPOINT_URL_S3"] = []byte("https://elsewhere.example") }),
		Entry("the owner", func(secret *corev1.Secret) { secret.OwnerReferences = nil }),
	)

	It("stays if it is not the operator's", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) {
			secret.Data["BUCKET"], secret.Labels["team"] = []byte("photos"), "a"
			secret.Annotations["note"] = "theirs"
		})
		w.settle(ctx)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		Expect(w.issued(ctx, "backup", 2)).NotTo(Equal(p))
		secret := w.secret(ctx, "backup")
		Expect(secret.Data).To(HaveKeyWithValue("BUCKET", []byte("photos")))
		Expect(secret.Labels).To(HaveKeyWithValue("team", "a"))
		Expect(secret.Annotations).To(HaveKeyWithValue("note", "theirs"))
	})
})

var _ = Describe("A Secret that is not the AccessKey's", func() {
	foreign := func() *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "backup"}, StringData: map[string]string{"AWS_ACCESS_KEY_ID": "theirs"}}
	}

	It("is never overwritten, and no key is made until it is gone", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, foreign())
		before := w.secret(ctx, "backup")
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "SecretConflict", "Secret backup exists and is not controlled by this AccessKey", "secretName")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending"))
		w.step(ctx, resync)
		w.consistently(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").ResourceVersion).To(Equal(before.ResourceVersion))
			g.Expect(w.service.History()).To(BeEmpty())
		})
		w.delete(ctx, named(&corev1.Secret{}, "backup"))
		w.issued(ctx, "backup", 1)
	})

	It("is never overwritten when another AccessKey controls it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("first", toSecret("shared")))
		p := w.issued(ctx, "first", 1)
		w.create(ctx, accessKey("second", toSecret("shared")))
		w.expectStalled(ctx, "second", "SecretConflict")
		w.consistently(ctx, func(g Gomega) { g.Expect(w.published(ctx, "shared")).To(Equal(p)) })
		w.changeAccessKey(ctx, "second", toSecret("its-own"))
		w.issued(ctx, "second", 1)
		Expect(w.issued(ctx, "first", 1)).To(Equal(p))
	})

	It("shows in Ready when it takes the place of a published one, and previous keys are still revoked", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		first := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		second := w.issued(ctx, "backup", 2)
		owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "somebody"}}
		w.create(ctx, owner)
		w.changeSecret(ctx, "backup", func(secret *corev1.Secret) {
			secret.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, corev1.SchemeGroupVersion.WithKind("ConfigMap"))}
		})
		w.expectStalled(ctx, "backup", "SecretConflict")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionFalse, "SecretConflict", "backup"))
		w.step(ctx, 10*day)
		w.eventually(ctx, func(g Gomega) { g.Expect(w.works(first)).To(BeFalse()) })
		Expect(w.works(second)).To(BeTrue(), "a current key stays until a replacement is published")
		Expect(w.published(ctx, "backup")).To(Equal(second))
		w.delete(ctx, named(&corev1.Secret{}, "backup"))
		w.issued(ctx, "backup", 3)
	})
})

func withoutEndpoint(service *v1alpha1.KeyService) { service.Spec.S3 = nil }

func edited(secret *corev1.Secret) { secret.Data["AWS_SECRET_ACCESS_KEY"] = []byte("something else") }

func toSecret(name string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = name }
}

// templated gives the Secret a label and an annotation.
func templated(team string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{
			Labels: map[string]v1alpha1.LabelValue{"team": v1alpha1.LabelValue(team)}, Annotations: map[string]string{"team": team},
		}
	}
}
