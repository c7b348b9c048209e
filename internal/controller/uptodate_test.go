// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// shape is a Secret, and what says how it is to be.
type shape struct {
	secret *corev1.Secret
	ak     *v1alpha1.AccessKey
	s3     *v1alpha1.S3
}

// TestWhatIsAroundThePairIsBroughtUpToDate changes either the Secret or what is wanted of it, sees that it is noticed,
// and that filling the Secret mends it and leaves the pair alone.
func TestWhatIsAroundThePairIsBroughtUpToDate(t *testing.T) {
	for name, change := range map[string]func(*shape){
		"a label was taken off":          func(s *shape) { delete(s.secret.Labels, "app") },
		"a label was changed":            func(s *shape) { s.secret.Labels["app"] = "other" },
		"the operator's label was taken": func(s *shape) { delete(s.secret.Labels, v1alpha1.ManagedByLabel) },
		"an annotation was taken off":    func(s *shape) { delete(s.secret.Annotations, "note") },
		"an annotation was changed":      func(s *shape) { s.secret.Annotations["note"] = "theirs" },
		"the access key ID was changed":  func(s *shape) { s.secret.Annotations[v1alpha1.AccessKeyIDAnnotation] = "AKIA9" },
		"the end was changed":            func(s *shape) { s.secret.Annotations[v1alpha1.ExpiresAtAnnotation] = "2036-03-31T11:00:00Z" },
		"the endpoint was edited":        func(s *shape) { s.secret.Data[v1alpha1.SecretKeyEndpoint] = []byte("https://evil.example") },
		"the region was taken out":       func(s *shape) { delete(s.secret.Data, v1alpha1.SecretKeyRegion) },
		"something was put in":           func(s *shape) { s.secret.Data["extra"] = []byte("x") },
		"the region goes by another name": func(s *shape) {
			s.secret.Data["REGION"] = s.secret.Data[v1alpha1.SecretKeyRegion]
			delete(s.secret.Data, v1alpha1.SecretKeyRegion)
		},
		"a label is wanted":       func(s *shape) { s.ak.Spec.SecretTemplate.Labels["tier"] = "b" },
		"an annotation is wanted": func(s *shape) { s.ak.Spec.SecretTemplate.Annotations["a"] = "b" },
		"the ttl was changed":     func(s *shape) { s.ak.Spec.TTL = hours(480) },
		"the ttl was taken away":  func(s *shape) { s.ak.Spec.TTL = nil },
		"the endpoint moved":      func(s *shape) { s.s3.Endpoint = "https://s3.example" },
		"the region is gone":      func(s *shape) { s.s3.Region = "" },
	} {
		t.Run(name, func(t *testing.T) {
			ak, s3 := restingAccessKey(), *dataPlane
			templated(ak)
			secret, _ := publishedSecret(t, ak, &s3)
			change(&shape{secret, ak, &s3})
			found := signer.secretOf(ak, digested(secret), &s3)
			if found.State != plan.SecretIntact || found.UpToDate {
				t.Fatalf("%s, up to date: %t", found.State, found.UpToDate)
			}
			mended := secret.DeepCopy()
			if err := signer.fillSecret(mended, ak, &s3, found.Record); err != nil {
				t.Fatal(err)
			}
			if found := signer.secretOf(ak, digested(mended), &s3); found.State != plan.SecretIntact || !found.UpToDate {
				t.Errorf("then %s, up to date: %t: %+v", found.State, found.UpToDate, mended)
			}
			expectPair(t, mended)
		})
	}
}

func TestWhatOthersPutAroundTheSecretStays(t *testing.T) {
	ak := restingAccessKey()
	secret, record := publishedSecret(t, ak, dataPlane)
	secret.Labels["velero.io/backup"] = "yes"
	secret.Annotations["reloader/match"] = "true"
	if found := signer.secretOf(ak, digested(secret), dataPlane); !found.UpToDate {
		t.Error("others' labels and annotations are no drift")
	}
	if err := signer.fillSecret(secret, ak, nil, record); err != nil {
		t.Fatal(err)
	}
	if secret.Labels["velero.io/backup"] != "yes" || secret.Annotations["reloader/match"] != "true" {
		t.Errorf("left %v, %v", secret.Labels, secret.Annotations)
	}
	if len(secret.Data) != 2 {
		t.Errorf("a data plane that is gone stays in %d keys", len(secret.Data))
	}
	expectPair(t, secret)
}

func TestANewPairLeavesNothingOfTheOldOne(t *testing.T) {
	secret, record := publishedSecret(t, restingAccessKey(), dataPlane)
	former := record.Digest
	next := credential()
	next.AccessKeyID, next.SecretAccessKey = "AKIA2", "another"
	putPair(secret, next, &record)
	if record.Digest == former || len(secret.Data) != 2 || string(secret.Data[v1alpha1.SecretKeyAccessKeyID]) != "AKIA2" ||
		string(secret.Data[v1alpha1.SecretKeySecretAccessKey]) != "another" {
		t.Errorf("got %s, %q", record.Digest, secret.Data)
	}
}

func expectPair(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	if string(secret.Data[v1alpha1.SecretKeyAccessKeyID]) != "AKIA1" || string(secret.Data[v1alpha1.SecretKeySecretAccessKey]) != secretValue {
		t.Errorf("the pair became %q", secret.Data)
	}
}
