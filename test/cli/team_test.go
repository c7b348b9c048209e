// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/cli"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

// dana is who runs the plugin: she has the role edit in the namespace of the spec, and no other rights.
const dana = "dana"

// team is a namespace with dana as its editor, who works in it.
type team struct {
	namespace string
	// user of the plugin; dana, unless a spec changes it.
	user string
	// kubeconfig leads to another cluster; empty for the one that all specs share.
	kubeconfig string
}

// newTeam creates a namespace, which is deleted with its keys when the spec ends, while the next one runs. The name may be empty.
func newTeam(ctx SpecContext, name string) *team {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, GenerateName: "spec-"}}
	Expect(kube.Create(ctx, namespace)).To(Succeed())
	t := &team{namespace: namespace.Name, user: dana}
	t.grant(ctx, dana, "edit")
	DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(kube.Delete(ctx, namespace))).To(Succeed()) })
	return t
}

// grant gives a user a role in the namespace, such as view or edit.
func (t *team) grant(ctx SpecContext, user, role string) {
	GinkgoHelper()
	t.create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user + "-" + role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
}

// result is what one run of the plugin left.
type result struct {
	code     int
	out, err string
}

// run runs kubectl accesskey in the namespace, as the user.
func (t *team) run(ctx context.Context, arguments ...string) result {
	GinkgoHelper()
	in, out, errOut := &bytes.Buffer{}, &bytes.Buffer{}, &bytes.Buffer{}
	common := t.common()
	arguments = append(arguments[:len(arguments):len(arguments)], common...)
	if len(arguments) > 0 && arguments[0] == "__complete" { // the word to complete is the last one
		arguments = append(append([]string{"__complete"}, common...), arguments[1:len(arguments)-len(common)]...)
	}
	code := cli.Run(ctx, genericiooptions.IOStreams{In: in, Out: out, ErrOut: errOut}, arguments)
	GinkgoWriter.Printf("$ kubectl accesskey %q (exit code %d)\n%s%s", arguments, code, out, errOut)
	return result{code, out.String(), errOut.String()}
}

// common returns the flags of every run.
func (t *team) common() []string {
	return []string{"--kubeconfig=" + cmp.Or(t.kubeconfig, plane.Kubeconfig), "--namespace=" + t.namespace, "--as=" + t.user}
}

// create creates objects in the namespace.
func (t *team) create(ctx SpecContext, objects ...client.Object) {
	GinkgoHelper()
	for _, object := range objects {
		object.SetNamespace(t.namespace)
		Expect(kube.Create(ctx, object)).To(Succeed())
	}
}

// service is a simulated key service, and the KeyService of a team that leads to it.
type service struct {
	*services.Account
	server *simulator.Server
	// user is the owner of the keys.
	user services.User
	// object is the KeyService.
	object *v1alpha1.KeyService
}

// newService starts a key service of the table of test/services, with a user, and creates a KeyService with the same name and the Secret
// NAME-admin with its credentials.
func (t *team) newService(ctx SpecContext, name string) *service {
	GinkgoHelper()
	s := &service{Account: services.Named(name).Open(services.Options{})}
	s.user = s.AddUser("backup")
	var err error
	s.server, err = simulator.Serve(s.Account) // until the process ends, because the keys are revoked after the spec
	Expect(err).NotTo(HaveOccurred())
	s.object = &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Name: name}}
	s.Spec(&s.object.Spec, s.server.URL, name+"-admin")
	s.object.Spec.TLS = &v1alpha1.TLS{CABundle: string(s.server.CA)}
	t.create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name + "-admin"}, StringData: s.user.Secret}, s.object)
	return s
}

// accessKey is an AccessKey of a user at a service, for thirty days, rotated ten days before.
func accessKey(name string, s *service, user services.User, changes ...func(*v1alpha1.AccessKey)) *v1alpha1.AccessKey {
	ak := &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: s.object.Name}, User: user.Name,
			TTL: days(30), RenewBefore: days(10),
		},
	}
	for _, change := range changes {
		change(ak)
	}
	return ak
}

func days(n int) *metav1.Duration {
	return ptr.To(metav1.Duration{Duration: time.Duration(n) * 24 * time.Hour})
}

// issue creates an AccessKey, and waits until its pair is published.
func (t *team) issue(ctx SpecContext, ak *v1alpha1.AccessKey) *v1alpha1.AccessKey {
	GinkgoHelper()
	t.create(ctx, ak)
	return t.await(ctx, ak.Name, v1alpha1.ConditionReady)
}

// await waits until a condition of an AccessKey is true.
func (t *team) await(ctx SpecContext, name, condition string) *v1alpha1.AccessKey {
	GinkgoHelper()
	var ak *v1alpha1.AccessKey
	Eventually(ctx, func(g Gomega) {
		ak = t.get(ctx, name)
		g.Expect(meta.IsStatusConditionTrue(ak.Status.Conditions, condition)).To(BeTrue(), "%s is not true: %v", condition, ak.Status.Conditions)
	}).Should(Succeed())
	return ak
}

// get reads an AccessKey.
func (t *team) get(ctx SpecContext, name string) *v1alpha1.AccessKey {
	GinkgoHelper()
	ak := &v1alpha1.AccessKey{}
	Expect(kube.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: name}, ak)).To(Succeed())
	return ak
}

// awaitEvent waits until an AccessKey has an event. Events are written after the status that they are about.
func (t *team) awaitEvent(ctx SpecContext, name, reason string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		events := &corev1.EventList{}
		g.Expect(kube.List(ctx, events, client.InNamespace(t.namespace), client.MatchingFields{"involvedObject.name": name, "reason": reason})).To(Succeed())
		g.Expect(events.Items).NotTo(BeEmpty(), "AccessKey %s has no event %s", name, reason)
	}).Should(Succeed())
}
