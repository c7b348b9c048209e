// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

const secretValue = "wJalrXUtnFEMI/K7MDENG"

var dataPlane = &v1alpha1.S3{Endpoint: "https://s3.example:9000", Region: "us-east-1"}

func credential() keyservice.Credential {
	return keyservice.Credential{Key: keyservice.Key{ID: "K1", AccessKeyID: "AKIA1"}, SecretAccessKey: secretValue}
}

func templated(ak *v1alpha1.AccessKey) {
	ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{
		Labels: map[string]string{"app": "backup"}, Annotations: map[string]string{"note": "ours"},
	}
}

// publishedSecret is the Secret of an AccessKey as the operator writes it, and its record.
func publishedSecret(t *testing.T, ak *v1alpha1.AccessKey, s3 *v1alpha1.S3) (*corev1.Secret, plan.Record) {
	t.Helper()
	secret := newSecret(ak, ak.SecretName())
	record := plan.Record{
		KeyID: "K1", AccessKeyID: "AKIA1", Revision: 1, IssuedAt: ak.Status.IssuedAt, Renewal: "token",
		PreviousKeys: []v1alpha1.PreviousKey{{KeyID: "K0", AccessKeyID: "AKIA0", RevokeAt: metav1.NewTime(noon)}},
	}
	putPair(secret, credential(), &record)
	if err := signer.fillSecret(secret, ak, s3, record); err != nil {
		t.Fatal(err)
	}
	return secret, record
}

func TestWhatIsPublishedIsFoundAgain(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.AccessKey)
		s3     *v1alpha1.S3
	}{
		"with all there is":       {templated, dataPlane},
		"without a template":      {func(*v1alpha1.AccessKey) {}, dataPlane},
		"without a region":        {templated, &v1alpha1.S3{Endpoint: "https://s3.example"}},
		"without a data plane":    {templated, nil},
		"without a ttl":           {func(ak *v1alpha1.AccessKey) { ak.Spec.TTL = nil }, dataPlane},
		"under a name of its own": {func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "s3" }, dataPlane},
		"with a type of somebody's": {func(ak *v1alpha1.AccessKey) {
			ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Type: "example.com/s3"}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ak := restingAccessKey()
			test.change(ak)
			secret, record := publishedSecret(t, ak, test.s3)
			found := signer.secretOf(ak, digested(secret), test.s3)
			want := plan.Secret{State: plan.SecretIntact, Record: record, UpToDate: true}
			if !equality.Semantic.DeepEqual(found, want) {
				t.Errorf("got %+v\nwant %+v", found, want)
			}
			if _, ok := secret.Data[v1alpha1.SecretKeyRegion]; ok != (test.s3 != nil && test.s3.Region != "") {
				t.Errorf("there is a region: %t", ok)
			}
			if secret.Name != ak.SecretName() || secret.Namespace != ak.Namespace {
				t.Errorf("published as %s/%s", secret.Namespace, secret.Name)
			}
		})
	}
}

func TestAPublishedSecretIsWhatConsumersExpect(t *testing.T) {
	ak := restingAccessKey()
	templated(ak)
	secret, _ := publishedSecret(t, ak, dataPlane)
	data := map[string]string{}
	for key, value := range secret.Data {
		data[key] = string(value)
	}
	wantData := map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": secretValue,
		"AWS_ENDPOINT_URL_S3": "https://s3.example:9000", "AWS_REGION": "us-east-1",
	}
	wantLabels := map[string]string{"app": "backup", "app.kubernetes.io/managed-by": "accesskey-operator"}
	wantAnnotations := map[string]string{
		"note": "ours", "accesskey.dev/access-key-id": "AKIA1", "accesskey.dev/expires-at": "2026-03-31T11:00:00Z",
		"accesskey.dev/record": secret.Annotations[v1alpha1.RecordAnnotation],
	}
	wantOwner := metav1.OwnerReference{
		APIVersion: "accesskey.dev/v1alpha1", Kind: "AccessKey", Name: "backup", UID: "uid-of-backup",
		Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
	}
	for what, equal := range map[string]bool{
		"data":        equality.Semantic.DeepEqual(data, wantData),
		"labels":      equality.Semantic.DeepEqual(secret.Labels, wantLabels),
		"annotations": equality.Semantic.DeepEqual(secret.Annotations, wantAnnotations),
		"owners":      equality.Semantic.DeepEqual(secret.OwnerReferences, []metav1.OwnerReference{wantOwner}),
		"type":        secret.Type == corev1.SecretTypeOpaque,
	} {
		if !equal {
			t.Errorf("the %s are not as wanted: %+v", what, secret)
		}
	}
	metadata, err := json.Marshal(secret.ObjectMeta)
	if err != nil || bytes.Contains(metadata, []byte(secretValue)) {
		t.Errorf("the metadata reveals the secret (%v): %s", err, metadata)
	}
}

func TestSecretOfTellsWhatIsUnderTheName(t *testing.T) {
	setData := func(key, value string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Data[key] = []byte(value) }
	}
	setRecord := func(record string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Annotations[v1alpha1.RecordAnnotation] = record }
	}
	for name, test := range map[string]struct {
		change func(*corev1.Secret)
		want   plan.SecretState
	}{
		"as published":                       {func(*corev1.Secret) {}, plan.SecretIntact},
		"no owner":                           {func(s *corev1.Secret) { s.OwnerReferences = nil }, plan.SecretForeign},
		"an owner that does not control it":  {func(s *corev1.Secret) { s.OwnerReferences[0].Controller = nil }, plan.SecretForeign},
		"another AccessKey of the same name": {func(s *corev1.Secret) { s.OwnerReferences[0].UID = "uid-of-a-former-backup" }, plan.SecretForeign},
		"one on its way out":                 {func(s *corev1.Secret) { s.DeletionTimestamp = ptr.To(metav1.NewTime(noon)) }, plan.SecretForeign},
		"another access key ID":              {setData(v1alpha1.SecretKeyAccessKeyID, "AKIA9"), plan.SecretEdited},
		"another secret":                     {setData(v1alpha1.SecretKeySecretAccessKey, "guess"), plan.SecretEdited},
		"a line break after the secret":      {setData(v1alpha1.SecretKeySecretAccessKey, secretValue+"\n"), plan.SecretEdited},
		"no secret":                          {func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeySecretAccessKey) }, plan.SecretEdited},
		"no data":                            {func(s *corev1.Secret) { s.Data = nil }, plan.SecretEdited},
		"a border that moved within the pair": {func(s *corev1.Secret) {
			setData(v1alpha1.SecretKeyAccessKeyID, "AKIA1w")(s)
			setData(v1alpha1.SecretKeySecretAccessKey, secretValue[1:])(s)
		}, plan.SecretEdited},
		"no record":                {func(s *corev1.Secret) { delete(s.Annotations, v1alpha1.RecordAnnotation) }, plan.SecretEdited},
		"a record that is no JSON": {setRecord("{"), plan.SecretEdited},
		"a record of no key, though with the digest of the pair": {func(s *corev1.Secret) {
			s.Annotations[v1alpha1.RecordAnnotation] = strings.Replace(s.Annotations[v1alpha1.RecordAnnotation], `"keyID":"K1"`, `"keyID":""`, 1)
		}, plan.SecretEdited},
	} {
		t.Run(name, func(t *testing.T) {
			ak := restingAccessKey()
			secret, _ := publishedSecret(t, ak, dataPlane)
			test.change(secret)
			found := signer.secretOf(ak, digested(secret), dataPlane)
			if found.State != test.want {
				t.Errorf("got %s, want %s", found.State, test.want)
			}
			if found.State != plan.SecretIntact && (found.Record.KeyID != "" || found.UpToDate) {
				t.Errorf("vouches for %+v", found)
			}
		})
	}
	if got := signer.secretOf(restingAccessKey(), nil, nil).State; got != plan.SecretAbsent {
		t.Errorf("no Secret: got %s", got)
	}
}

// TestADigestIsTakenOnce: client-go can apply a transform to one object twice.
func TestADigestIsTakenOnce(t *testing.T) {
	ak := restingAccessKey()
	secret, _ := publishedSecret(t, ak, dataPlane)
	twice := digested(digested(secret))
	if found := signer.secretOf(ak, twice, dataPlane); found.State != plan.SecretIntact || !found.UpToDate {
		t.Errorf("%s, up to date: %t", found.State, found.UpToDate)
	}
	secret.Data["more"] = []byte("x")
	if found := signer.secretOf(ak, digested(digested(secret)), dataPlane); found.UpToDate {
		t.Error("an edit goes unnoticed")
	}
}

func TestDigestsRevealNothing(t *testing.T) {
	secret, _ := publishedSecret(t, restingAccessKey(), dataPlane)
	secret.Data["more"] = []byte("more of " + secretValue)
	secret.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	original := secret.DeepCopy()

	kept := digested(secret)
	if !equality.Semantic.DeepEqual(secret, original) {
		t.Error("the Secret itself was changed")
	}
	encoded, err := json.Marshal(kept)
	if err != nil || kept.ManagedFields != nil {
		t.Errorf("got %s, %v", encoded, err)
	}
	for _, form := range []string{secretValue, base64.StdEncoding.EncodeToString([]byte(secretValue))} {
		if bytes.Contains(encoded, []byte(form)) {
			t.Errorf("%s is in %s", form, encoded)
		}
	}
	for key, value := range original.Data {
		if strings.Contains(fmt.Sprintf("%q %q", kept.Data, kept.GetSelfLink()), string(value)) {
			t.Errorf("%s is kept", key)
		}
	}
	emptied := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{corev1.LastAppliedConfigAnnotation: secretValue}}}
	if kept := digested(emptied); len(kept.Annotations) != 0 {
		t.Errorf("what it once held is kept: %v", kept.Annotations)
	}
	other := &corev1.ConfigMap{Data: map[string]string{"a": "b"}}
	if same, err := DigestSecret(other); same != any(other) || err != nil || other.Data["a"] != "b" {
		t.Errorf("what is no Secret became %v, %v", same, err)
	}
}
