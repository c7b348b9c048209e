// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

const (
	// uid of the AccessKey, and formerUID of the one that had its name before.
	uid, formerUID = types.UID("5f6c"), types.UID("0a1b")
	secretValue    = "wJalrXUtnFEMI/K7MDENG"
)

var (
	issued = metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	later  = metav1.NewTime(issued.Add(24 * time.Hour))
	pair   = Pair{AccessKeyID: "AKIAK1", SecretAccessKey: secretValue}
)

// template is that of an AccessKey whose status records key K1 and a previous key.
func template() Template {
	ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "backup", UID: uid}}
	ak.Spec = v1alpha1.AccessKeySpec{
		User: "local:backup", TTL: &metav1.Duration{Duration: 720 * time.Hour},
		SecretTemplate: &v1alpha1.SecretTemplate{Labels: map[string]v1alpha1.LabelValue{"app": "backup"}, Annotations: map[string]string{"note": "nightly"}},
	}
	ak.Status = v1alpha1.AccessKeyStatus{
		KeyID: "K1", AccessKeyID: "AKIAK1", UserID: "auth_id:501", Revision: 1, IssuedAt: issued, SecretName: "backup", LastHandledRenewal: "today",
		PreviousKeys: []v1alpha1.PreviousKey{{KeyID: "K0", AccessKeyID: "AKIAK0", IssuedAt: issued, RevokeAt: later}},
	}
	return Template{AccessKey: ak, Service: "qumulo/6f1d", S3: &v1alpha1.S3{Endpoint: "https://s3.example:9000", Region: "us-east-1"}}
}

// record of the current pair.
func (t Template) record() plan.Record { return plan.RecordOf(t.AccessKey, t.Service) }

// world is a cluster with at most one Secret, and the template of the AccessKey that wants it.
type world struct {
	testing.TB
	Template
	kube client.WithWatch
	// intercept is called instead of the client's methods.
	intercept interceptor.Funcs
	// readErr is what the operator's reads return.
	readErr error
}

// newPublished returns a cluster with the published Secret, which the status records.
func newPublished(tb testing.TB) *world {
	tb.Helper()
	pause := publishAttempts.Duration
	publishAttempts.Duration = 0
	tb.Cleanup(func() { publishAttempts.Duration = pause })
	// As in a real cluster, the first resourceVersion is not that of a Secret.
	first := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system"}}
	kube := fake.NewClientBuilder().WithGlobalResourceVersionCounter().WithReturnManagedFields().WithObjects(first).Build()
	w := &world{TB: tb, Template: template(), kube: kube}
	content := w.render()
	published, err := w.store().Publish(tb.Context(), Write{w.AccessKey, "backup", nil, content})
	w.must(err)
	status := &w.AccessKey.Status
	status.SecretResourceVersion, status.SecretDigest, status.SecretTemplateDigest = published.Version, content.Record.Digest, w.Digest(content.Record)
	return w
}

// render renders the Secret of the recorded pair.
func (w *world) render() Content {
	w.Helper()
	content, err := w.Render(pair, w.record())
	w.must(err)
	return content
}

func (w *world) store() Store {
	w.intercept.Get = func(ctx context.Context, kube client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		return errors.Join(w.readErr, kube.Get(ctx, key, object, options...))
	}
	kube := interceptor.NewClient(w.kube, w.intercept)
	return Store{Client: kube, Live: kube}
}

// hide lets the operator's reads fail.
func (w *world) hide() { w.readErr = errTimeout }

// secret returns the Secret, or nil if there is none.
func (w *world) secret() *corev1.Secret {
	w.Helper()
	secret, err := Store{Live: w.kube}.Read(w.Context(), "team-a", "backup")
	w.must(err)
	return secret
}

// edit changes the Secret as kubectl does.
func (w *world) edit(change func(*corev1.Secret)) {
	w.Helper()
	secret := w.secret()
	change(secret)
	w.must(w.kube.Update(w.Context(), secret, client.FieldOwner("kubectl-edit")))
}

func (w *world) remove() { w.must(w.kube.Delete(w.Context(), w.secret())) }

// restore deletes the Secret and creates it again, as a backup tool does. The operator then owns none of its fields.
func (w *world) restore(change func(*corev1.Secret)) {
	secret := w.secret()
	w.remove()
	secret.ResourceVersion, secret.ManagedFields = "", nil
	change(secret)
	w.must(w.kube.Create(w.Context(), secret, client.FieldOwner("velero")))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func ownerOf(name string, uid types.UID) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "accesskey.dev/v1alpha1", Kind: "AccessKey", Name: name, UID: uid, Controller: ptr.To(true)}
}

// crossplanes is an owner of the same kind and name in another API group.
var crossplanes = metav1.OwnerReference{APIVersion: "iam.aws.crossplane.io/v1beta1", Kind: "AccessKey", Name: "backup", UID: "9d8e", Controller: ptr.To(true)}

func ownedBy(owners ...metav1.OwnerReference) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.OwnerReferences = owners }
}
