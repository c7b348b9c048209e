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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// credentialSecret holds the operator's token for the cluster.
func (w *world) credentialSecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: credentials}, StringData: map[string]string{"token": w.token}}
}

// authoritySecret holds the CA of the cluster's certificate.
func (w *world) authoritySecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: authority}, Data: map[string][]byte{"ca.crt": w.server.CA}}
}

// keyService is the cluster, with its token and CA in Secrets.
func (w *world) keyService(changes ...func(*v1alpha1.KeyServiceSpec)) *v1alpha1.KeyService {
	service := &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Name: serviceName}, Spec: w.serviceSpec()}
	for _, change := range changes {
		change(&service.Spec)
	}
	return service
}

func (w *world) serviceSpec() v1alpha1.KeyServiceSpec {
	return v1alpha1.KeyServiceSpec{
		Qumulo: &v1alpha1.QumuloService{
			URL:            w.server.URL,
			TokenSecretRef: &v1alpha1.TokenReference{Name: credentials, Key: "token"},
		},
		TLS: &v1alpha1.TLS{CASecretRef: &v1alpha1.CAReference{Name: authority, Key: "ca.crt"}},
		S3:  w.s3(),
		// The real clock counts here; specs are not to wait for it.
		RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
	}
}

// createService creates the KeyService and its Secrets.
func (w *world) createService(ctx SpecContext, changes ...func(*v1alpha1.KeyServiceSpec)) {
	GinkgoHelper()
	w.create(ctx, w.credentialSecret(), w.authoritySecret(), w.keyService(changes...))
}

// accessKey is a key of alice for thirty days, replaced ten days before.
func accessKey(name string, changes ...func(*v1alpha1.AccessKey)) *v1alpha1.AccessKey {
	ak := &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef:  v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: serviceName},
			User:        alice,
			TTL:         days(30),
			RenewBefore: days(10),
		},
	}
	for _, change := range changes {
		change(ak)
	}
	return ak
}

const day = 24 * time.Hour

func days(n int) *metav1.Duration { return duration(time.Duration(n) * day) }

func duration(d time.Duration) *metav1.Duration { return ptr.To(metav1.Duration{Duration: d}) }

func withUser(user string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.User = user }
}

func withoutTTL(ak *v1alpha1.AccessKey) { ak.Spec.TTL, ak.Spec.RenewBefore = nil, nil }

func retained(ak *v1alpha1.AccessKey) { ak.Spec.DeletionPolicy = v1alpha1.DeletionPolicyRetain }

func suspended(ak *v1alpha1.AccessKey) { ak.Spec.Suspend = ptr.To(true) }

// onCluster makes the AccessKey one of a ClusterKeyService.
func onCluster(name string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		ak.Spec.ServiceRef = v1alpha1.ServiceReference{Kind: v1alpha1.KindClusterKeyService, Name: name}
	}
}

// renewNow asks for a rotation.
func renewNow(token string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		metav1.SetMetaDataAnnotation(&ak.ObjectMeta, v1alpha1.RenewAnnotation, token)
	}
}

// get reads an object of the world's namespace.
func get[T client.Object](ctx SpecContext, w *world, name string, into T) T {
	GinkgoHelper()
	Expect(kube.Get(ctx, w.named(name), into)).To(Succeed())
	return into
}

func (w *world) accessKey(ctx SpecContext, name string) *v1alpha1.AccessKey {
	GinkgoHelper()
	return get(ctx, w, name, &v1alpha1.AccessKey{})
}

func (w *world) secret(ctx SpecContext, name string) *corev1.Secret {
	GinkgoHelper()
	return get(ctx, w, name, &corev1.Secret{})
}

// change patches an object of the world's namespace.
func change[T client.Object](ctx SpecContext, w *world, name string, object T, changes ...func(T)) {
	GinkgoHelper()
	get(ctx, w, name, object)
	patch := client.MergeFrom(object.DeepCopyObject().(T))
	for _, each := range changes {
		each(object)
	}
	Expect(kube.Patch(ctx, object, patch)).To(Succeed())
}

func (w *world) changeAccessKey(ctx SpecContext, name string, changes ...func(*v1alpha1.AccessKey)) {
	GinkgoHelper()
	change(ctx, w, name, &v1alpha1.AccessKey{}, changes...)
}

func (w *world) changeService(ctx SpecContext, changes ...func(*v1alpha1.KeyService)) {
	GinkgoHelper()
	change(ctx, w, serviceName, &v1alpha1.KeyService{}, changes...)
}

func (w *world) changeSecret(ctx SpecContext, name string, changes ...func(*corev1.Secret)) {
	GinkgoHelper()
	change(ctx, w, name, &corev1.Secret{}, changes...)
}

// delete asks for the deletion of objects of the world's namespace, and does not wait for it.
func (w *world) delete(ctx SpecContext, objects ...client.Object) {
	GinkgoHelper()
	for _, object := range objects {
		object.SetNamespace(w.namespace)
		Expect(kube.Delete(ctx, object)).To(Succeed())
	}
}

func named[T client.Object](object T, name string) T {
	object.SetName(name)
	return object
}
