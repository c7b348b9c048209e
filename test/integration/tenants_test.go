// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// newTenants makes a world with two namespaces: mallory's, who may do anything in hers, and the victim's, who has a KeyService
// and its Secrets.
func newTenants(ctx SpecContext) (mallory, victim *world) {
	GinkgoHelper()
	mallory = newStoppedWorld(ctx)
	mallory.neighbours = []string{mallory.newNamespace(ctx)}
	mallory.start()
	victim = mallory.in(mallory.neighbours[0])
	victim.createService(ctx)
	return mallory, victim
}

// in is the same world, seen from another namespace.
func (w *world) in(namespace string) *world {
	other := *w
	other.namespace = namespace
	return &other
}

// snapshot remembers the Secrets of a namespace, so that it can be seen whether one was touched. Finalizers do not count.
func (w *world) snapshot(ctx SpecContext) map[string]corev1.Secret {
	GinkgoHelper()
	var all corev1.SecretList
	Expect(kube.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
	secrets := map[string]corev1.Secret{}
	for _, secret := range all.Items {
		kept := corev1.Secret{Data: secret.Data, Type: secret.Type}
		kept.Labels, kept.Annotations, kept.OwnerReferences, kept.UID = secret.Labels, secret.Annotations, secret.OwnerReferences, secret.UID
		secrets[secret.Name] = kept
	}
	return secrets
}

// expectUntouched expects every Secret of a snapshot to be as it was.
func (w *world) expectUntouched(ctx SpecContext, before map[string]corev1.Secret) {
	GinkgoHelper()
	after := w.snapshot(ctx)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		Expect(after).To(HaveKeyWithValue(name, before[name]))
	}
}

// serviceAccountToken is the kind of Secret that is worth most in a namespace.
func serviceAccountToken() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "robot-token", Annotations: map[string]string{corev1.ServiceAccountNameKey: "robot"}},
		Type:       corev1.SecretTypeServiceAccountToken,
		StringData: map[string]string{"token": "token-of-a-service-account"},
	}
}

// listener is a server of mallory's that writes down all that it is sent, and answers as she likes.
type listener struct {
	*simulator.Server

	mu    sync.Mutex
	heard []string
}

func listen(answer http.HandlerFunc) *listener {
	GinkgoHelper()
	l := &listener{}
	server, err := simulator.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := httputil.DumpRequest(r, true)
		l.mu.Lock()
		l.heard = append(l.heard, string(sent))
		l.mu.Unlock()
		answer(w, r)
	}))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Close)
	l.Server = server
	return l
}

// all that was sent.
func (l *listener) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.heard, "\n")
}

// keyService leads to the listener, with the token in a Secret.
func (l *listener) keyService(secret, key string) *v1alpha1.KeyService {
	return &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Name: "lure"},
		Spec: v1alpha1.KeyServiceSpec{
			Qumulo: &v1alpha1.QumuloService{URL: l.URL, TokenSecretRef: &v1alpha1.TokenReference{Name: secret, Key: key}},
			TLS:    &v1alpha1.TLS{CABundle: string(l.CA)},
		},
	}
}

// onService makes the AccessKey one of a KeyService.
func onService(name string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = name }
}
