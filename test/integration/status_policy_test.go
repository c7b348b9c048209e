// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
)

// operatorUser is the username of the operator's ServiceAccount.
const operatorUser = "system:serviceaccount:accesskey-system:accesskey-operator"

// strongest are the strongest users that a cluster has. RBAC allows each of them to write a status.
var strongest = map[string]rest.ImpersonationConfig{
	"a user whose role allows every verb on everything":                     {UserName: "omnipotent", Groups: []string{"system:authenticated"}},
	"a member of system:masters":                                            {UserName: "root", Groups: []string{"system:masters", "system:authenticated"}},
	"a ServiceAccount with the operator's name in another namespace":        {UserName: "system:serviceaccount:default:accesskey-operator", Groups: []string{"system:authenticated"}},
	"another ServiceAccount in the operator's namespace":                    {UserName: "system:serviceaccount:accesskey-system:default", Groups: []string{"system:authenticated"}},
	"a user whose name only contains that of the operator's ServiceAccount": {UserName: operatorUser + "-2", Groups: []string{"system:authenticated"}},
}

// statusWrites are the ways to write the status of an object through its status subresource.
var statusWrites = map[string]func(ctx SpecContext, user client.Client, object *unstructured.Unstructured) error{
	"merge patch": func(ctx SpecContext, user client.Client, object *unstructured.Unstructured) error {
		return user.Status().Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(`{"status":{"observedGeneration":99}}`)))
	},
	"merge patch that removes the status": func(ctx SpecContext, user client.Client, object *unstructured.Unstructured) error {
		return user.Status().Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(`{"status":null}`)))
	},
	"JSON patch": func(ctx SpecContext, user client.Client, object *unstructured.Unstructured) error {
		return user.Status().Patch(ctx, object, client.RawPatch(types.JSONPatchType, []byte(`[{"op":"replace","path":"/status/observedGeneration","value":99}]`)))
	},
	"server-side apply": func(ctx SpecContext, user client.Client, object *unstructured.Unstructured) error {
		applied := &unstructured.Unstructured{}
		applied.SetGroupVersionKind(object.GroupVersionKind())
		applied.SetNamespace(object.GetNamespace())
		applied.SetName(object.GetName())
		forgeStatus(applied)
		return user.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("editor"), client.ForceOwnership)
	},
	"update": func(ctx SpecContext, user client.Client, object *unstructured.Unstructured) error {
		forgeStatus(object)
		return user.Status().Update(ctx, object)
	},
	"update of nothing": func(ctx SpecContext, user client.Client, object *unstructured.Unstructured) error {
		return user.Status().Update(ctx, object)
	},
}

var _ = Describe("The status policy", func() {
	for name, identity := range strongest {
		It("lets "+name+" change everything but a status", func(ctx SpecContext) {
			w := newWorld(ctx)
			shared := w.createClusterService(ctx, grant("a", "*"))
			w.create(ctx, accessKey("backup"))
			w.issued(ctx, "backup", 1)
			w.expectService(ctx, BeAtRest())
			user := asUser(ctx, identity)
			for _, object := range []*unstructured.Unstructured{
				w.object("AccessKey", "backup"), w.object("KeyService", serviceName), w.object("ClusterKeyService", shared),
			} {
				w.expectStatusGuarded(ctx, user, object)
				w.expectSpecEditable(ctx, user, object)
			}
			Expect(user.Delete(ctx, w.object("AccessKey", "backup"))).To(Succeed())
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		})
	}

	It("lets the operator write a status", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		w.awaitStatusPolicy(ctx, w.object("AccessKey", "backup"))
		w.create(ctx, accessKey("later"))
		w.issued(ctx, "later", 1)
		w.expectService(ctx, BeAtRest())
	})
})

// expectStatusGuarded expects that the API server refuses every way to write a status.
func (w *world) expectStatusGuarded(ctx SpecContext, user client.Client, object *unstructured.Unstructured) {
	GinkgoHelper()
	w.awaitStatusPolicy(ctx, object)
	w.settle(ctx)
	before := w.statusOf(ctx, object)
	Expect(before).NotTo(BeEmpty(), "the operator has not written the status of %s yet", object.GetKind())
	for way, write := range statusWrites {
		By(way + " on a status of " + object.GetKind())
		Expect(kube.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		Expect(write(ctx, user, object)).To(beRefusedByStatusPolicy(), way)
	}
	By("strategic merge patch, which custom resources do not support")
	patch := client.RawPatch(types.StrategicMergePatchType, []byte(`{"status":{"observedGeneration":99}}`))
	Expect(user.Status().Patch(ctx, object, patch)).To(MatchError(apierrors.IsUnsupportedMediaType, "is an unsupported media type"))
	Expect(w.statusOf(ctx, object)).To(Equal(before))
}

// expectSpecEditable expects that the user can change the metadata and the spec, and that a status in such an update is ignored.
func (w *world) expectSpecEditable(ctx SpecContext, user client.Client, object *unstructured.Unstructured) {
	GinkgoHelper()
	By("a label and a forged status in one update of the " + object.GetKind() + ", as kubectl edit sends it")
	before := w.statusOf(ctx, object)
	Eventually(ctx, func(g Gomega) { // the operator may update it at the same time
		g.Expect(user.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed())
		object.SetLabels(map[string]string{"edited": "true"})
		forgeStatus(object)
		g.Expect(user.Update(ctx, object)).To(Succeed())
	}).Should(Succeed())
	Expect(object.GetLabels()).To(HaveKeyWithValue("edited", "true"))
	w.settle(ctx)
	Expect(w.statusOf(ctx, object)).To(Equal(before))

	By("the spec of the " + object.GetKind())
	change := `{"spec":{"rateLimit":{"burst":999}}}`
	if object.GetKind() == "AccessKey" {
		change = `{"spec":{"suspend":true}}`
	}
	generation := object.GetGeneration()
	Expect(user.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(change)))).To(Succeed())
	Expect(object.GetGeneration()).To(BeNumerically(">", generation))
}

// awaitStatusPolicy waits until the API server enforces the policy, which takes a moment after the policy is applied.
func (w *world) awaitStatusPolicy(ctx SpecContext, object *unstructured.Unstructured) {
	GinkgoHelper()
	patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"observedGeneration":99}}`))
	Eventually(ctx, func() error {
		return kube.Status().Patch(ctx, object.DeepCopy(), patch, client.DryRunAll)
	}).Should(beRefusedByStatusPolicy())
}

// beRefusedByStatusPolicy matches the error with which the API server refuses a status.
func beRefusedByStatusPolicy() gomegatypes.GomegaMatcher {
	return And(
		MatchError(apierrors.IsForbidden, "is forbidden"),
		MatchError(ContainSubstring("ValidatingAdmissionPolicy 'accesskey-operator-status'")),
		MatchError(ContainSubstring("only the operator may write")),
		MatchError(ContainSubstring(operatorUser)),
		MatchError(ContainSubstring("set spec.deletionPolicy to Retain, delete the AccessKey and create it again")),
	)
}

// asUser returns a client of a user who is bound to cluster-admin, once the API server knows the binding.
func asUser(ctx SpecContext, identity rest.ImpersonationConfig) client.Client {
	GinkgoHelper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "strongest-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: identity.UserName}},
	}
	Expect(kube.Create(ctx, binding)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(kube.Delete(ctx, binding)).To(Succeed()) })
	user := impersonating(identity)
	Eventually(ctx, func() error { return user.List(ctx, &v1alpha1.AccessKeyList{}) }).Should(Succeed())
	return user
}

func impersonating(identity rest.ImpersonationConfig) client.Client {
	GinkgoHelper()
	config := rest.CopyConfig(plane.Config)
	config.Impersonate = identity
	user, err := client.New(config, client.Options{Scheme: controller.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	return user
}

// statusLoss returns a client that writes statuses as the operator, the only one who may. It stands for the loss of a status,
// such as by a restore of the API server's database from a backup.
func statusLoss() client.Client {
	GinkgoHelper()
	return impersonating(rest.ImpersonationConfig{UserName: operatorUser, Groups: []string{"system:authenticated"}})
}

// object returns a reference to an object of the world's namespace, or of the cluster.
func (w *world) object(kind, name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	object.SetName(name)
	if !strings.HasPrefix(kind, "Cluster") {
		object.SetNamespace(w.namespace)
	}
	return object
}

func (w *world) statusOf(ctx SpecContext, object *unstructured.Unstructured) map[string]any {
	GinkgoHelper()
	now := object.DeepCopy()
	Expect(kube.Get(ctx, client.ObjectKeyFromObject(object), now)).To(Succeed())
	status, _, err := unstructured.NestedMap(now.Object, "status")
	Expect(err).NotTo(HaveOccurred())
	return status
}

// forgeStatus changes the status of an object in memory.
func forgeStatus(object *unstructured.Unstructured) {
	GinkgoHelper()
	Expect(unstructured.SetNestedField(object.Object, int64(99), "status", "observedGeneration")).To(Succeed())
}
