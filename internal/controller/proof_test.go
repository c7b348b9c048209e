// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

func TestWhoWroteAStatus(t *testing.T) {
	another := Signer{Key: []byte("another operator's")}
	for name, test := range map[string]struct {
		signer Signer
		change func(*v1alpha1.AccessKey)
		want   plan.Proof
	}{
		"the operator":                               {signer, func(*v1alpha1.AccessKey) {}, plan.Proven},
		"nobody yet":                                 {signer, func(ak *v1alpha1.AccessKey) { ak.Status = v1alpha1.AccessKeyStatus{} }, plan.Proven},
		"somebody who wrote news only":               {signer, func(ak *v1alpha1.AccessKey) { ak.Status.Failures = &v1alpha1.Failures{Count: 9} }, plan.Proven},
		"somebody who put another current key":       {signer, func(ak *v1alpha1.AccessKey) { ak.Status.KeyID = "F1" }, plan.Forged},
		"somebody who put an intent":                 {signer, func(ak *v1alpha1.AccessKey) { atWork(ak) }, plan.Forged},
		"somebody who took the signature away":       {signer, func(ak *v1alpha1.AccessKey) { ak.Status.Proof = "" }, plan.Forged},
		"somebody who took it from another status":   {signer, func(ak *v1alpha1.AccessKey) { ak.UID = "uid-of-other" }, plan.Forged},
		"somebody who signed with a word":            {signer, func(ak *v1alpha1.AccessKey) { ak.Status.Proof = "trust me" }, plan.Forged},
		"an operator with another key":               {another, func(*v1alpha1.AccessKey) {}, plan.SignedByAnother},
		"anybody, for an operator that lost its key": {Signer{Key: another.Key, TrustUnproven: true}, func(*v1alpha1.AccessKey) {}, plan.Proven},
		"somebody who put another previous key": {signer, func(ak *v1alpha1.AccessKey) {
			ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: "F1"}}
		}, plan.Forged},
	} {
		t.Run(name, func(t *testing.T) {
			ak := restingAccessKey()
			sign(ak)
			test.change(ak)
			if got := test.signer.proofOf(ak); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestWhoWroteARecord(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*corev1.Secret)
		want   bool
	}{
		"the operator": {func(*corev1.Secret) {}, true},
		"somebody who put another key": {func(s *corev1.Secret) {
			s.Annotations[v1alpha1.RecordAnnotation] = strings.Replace(s.Annotations[v1alpha1.RecordAnnotation], `"keyID":"K1"`, `"keyID":"F1"`, 1)
		}, false},
		"somebody who took it from another's Secret": {func(s *corev1.Secret) { s.OwnerReferences[0].UID = "uid-of-other" }, false},
		"nobody, since nothing owns it":              {func(s *corev1.Secret) { s.OwnerReferences = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			secret, want := publishedSecret(t, restingAccessKey(), nil)
			test.change(secret)
			got, proven := signer.recordOf(secret)
			if proven != test.want || proven && got.Digest != want.Digest {
				t.Errorf("got %t, %+v", proven, got)
			}
		})
	}
}

// TestASignatureOfARecordIsNoneOfAStatus: what is signed for one use is worth nothing for another.
func TestASignatureOfARecordIsNoneOfAStatus(t *testing.T) {
	asStatus, err := signer.sign("status", "uid", "content")
	if err != nil {
		t.Fatal(err)
	}
	asRecord, err := signer.sign("record", "uid", "content")
	if err != nil {
		t.Fatal(err)
	}
	if asStatus == asRecord || strings.Contains(asStatus, string(signer.Key)) {
		t.Errorf("%s and %s", asStatus, asRecord)
	}
}

// TestAnEditedStatusIsNoWeapon: a person makes a key of the same user, and somebody who can write statuses wants it gone.
func TestAnEditedStatusIsNoWeapon(t *testing.T) {
	for name, edit := range map[string]func(ak *v1alpha1.AccessKey, foreign string){
		"as a previous key that is due": func(ak *v1alpha1.AccessKey, foreign string) {
			ak.Status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: foreign, AccessKeyID: foreign, IssuedAt: metav1.NewTime(noon), RevokeAt: metav1.NewTime(noon)}}
		},
		"as what a lost create made": func(ak *v1alpha1.AccessKey, _ string) {
			known := []string{ak.Status.KeyID}
			atWork(ak)
			ak.Status.Intent.KnownKeyIDs, ak.Status.Intent.Revision = known, 2
		},
		"as the current key of an AccessKey that is deleted": func(ak *v1alpha1.AccessKey, foreign string) {
			ak.Status.KeyID, ak.Status.AccessKeyID = foreign, foreign
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.rest()
			own := b.accessKey().Status.KeyID
			foreign, _, err := b.service.MakeKey(user)
			if err != nil {
				t.Fatal(err)
			}
			ak := b.accessKey()
			edit(ak, foreign.ID)
			if err := b.kube.Status().Update(t.Context(), ak); err != nil {
				t.Fatal(err)
			}
			deleted := strings.Contains(name, "deleted")
			if deleted {
				b.delete(ak)
			}
			for range 3 {
				b.mustPass()
				b.clock.Step(5 * time.Minute)
			}
			if !b.lives(foreign.ID) {
				t.Error("the person's key is gone")
			}
			if !strings.Contains(strings.Join(b.told, "\n"), "Warning StatusRejected") {
				t.Errorf("nobody was told: %q", b.told)
			}
			if status := b.accessKey().Status; status.KeyID != own && !deleted || b.lives(own) == deleted {
				t.Errorf("its own key was not found again: %+v", status)
			}
		})
	}
}

// delete the AccessKey, which somebody else's finalizer keeps to be looked at.
func (b *bench) delete(ak *v1alpha1.AccessKey) {
	b.t.Helper()
	ak.Finalizers = append(ak.Finalizers, "example.com/keep")
	if err := b.kube.Update(b.t.Context(), ak); err != nil {
		b.t.Fatal(err)
	}
	if err := b.kube.Delete(b.t.Context(), ak); err != nil {
		b.t.Fatal(err)
	}
}

func TestTheKeyOfTheProofsIsMadeOnce(t *testing.T) {
	kube := fake.NewClientBuilder().Build()
	first, err := LoadSigner(t.Context(), kube, kube, "accesskey-system")
	if err != nil || len(first.Key) != proofKeySize {
		t.Fatalf("%d bytes, %v", len(first.Key), err)
	}
	second, err := LoadSigner(t.Context(), kube, kube, "accesskey-system")
	if err != nil || !bytes.Equal(first.Key, second.Key) {
		t.Errorf("another key the second time, %v", err)
	}
	other, err := LoadSigner(t.Context(), kube, kube, "elsewhere")
	if err != nil || bytes.Equal(first.Key, other.Key) {
		t.Errorf("the same key for another operator, %v", err)
	}
}

func TestAReplicaThatCameSecondTakesTheFirstOnesKey(t *testing.T) {
	kube := fake.NewClientBuilder().Build()
	var first Signer
	racing := interceptor.NewClient(kube, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			var err error
			if first, err = LoadSigner(ctx, kube, kube, object.GetNamespace()); err != nil {
				return err
			}
			return c.Create(ctx, object, opts...)
		},
	})
	second, err := LoadSigner(t.Context(), kube, racing, "accesskey-system")
	if err != nil || !bytes.Equal(first.Key, second.Key) {
		t.Errorf("two keys, %v", err)
	}
}

func TestAKeyThatIsTooShortIsNotUsed(t *testing.T) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "accesskey-system", Name: proofSecret},
		Data:       map[string][]byte{proofKey: []byte("short")},
	}
	kube := fake.NewClientBuilder().WithObjects(secret).Build()
	_, err := LoadSigner(t.Context(), kube, kube, secret.Namespace)
	if err == nil || !strings.Contains(err.Error(), "restore it from a backup") || strings.Contains(err.Error(), `"short"`) {
		t.Errorf("got %v", err)
	}
}
