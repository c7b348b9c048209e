// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

func TestTheSecretIsNamedAsTheAccessKeyUnlessToldOtherwise(t *testing.T) {
	ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Name: "backup"}}
	if got := ak.SecretName(); got != "backup" {
		t.Errorf("got %q", got)
	}
	ak.Spec.SecretName = "s3"
	if got := ak.SecretName(); got != "s3" {
		t.Errorf("got %q", got)
	}
}

func TestSuspended(t *testing.T) {
	for name, test := range map[string]struct {
		suspend *bool
		want    bool
	}{
		"not set": {nil, false}, "set to false": {ptr.To(false), false}, "set": {ptr.To(true), true},
	} {
		t.Run(name, func(t *testing.T) {
			ak := &v1alpha1.AccessKey{Spec: v1alpha1.AccessKeySpec{Suspend: test.suspend}}
			if got := ak.Suspended(); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestRecordedKeyIDs(t *testing.T) {
	previous := []v1alpha1.PreviousKey{{KeyID: "K1", AccessKeyID: "AKIA1"}, {KeyID: "K0", AccessKeyID: "AKIA0"}}
	for name, test := range map[string]struct {
		status v1alpha1.AccessKeyStatus
		want   []string
	}{
		"no key":                       {v1alpha1.AccessKeyStatus{}, nil},
		"a current one":                {v1alpha1.AccessKeyStatus{KeyID: "K2", AccessKeyID: "AKIA2"}, []string{"K2"}},
		"a current one, then previous": {v1alpha1.AccessKeyStatus{KeyID: "K2", PreviousKeys: previous}, []string{"K2", "K1", "K0"}},
		"only previous ones":           {v1alpha1.AccessKeyStatus{PreviousKeys: previous}, []string{"K1", "K0"}},
		"an intent records no key":     {v1alpha1.AccessKeyStatus{Intent: &v1alpha1.Intent{KnownKeyIDs: []string{"K9"}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ak := &v1alpha1.AccessKey{Status: test.status}
			if got := ak.RecordedKeyIDs(); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSecretNames(t *testing.T) {
	withCA := func(name string) *v1alpha1.TLS {
		return &v1alpha1.TLS{CASecretRef: &v1alpha1.CAReference{Name: name}}
	}
	token := &v1alpha1.QumuloService{TokenSecretRef: &v1alpha1.TokenReference{Name: "token"}}
	login := &v1alpha1.QumuloService{LoginSecretRef: &v1alpha1.SecretReference{Name: "login"}}
	for name, test := range map[string]struct {
		spec v1alpha1.KeyServiceSpec
		want []string
	}{
		"none":                    {v1alpha1.KeyServiceSpec{}, nil},
		"a token":                 {v1alpha1.KeyServiceSpec{Qumulo: token}, []string{"token"}},
		"a login":                 {v1alpha1.KeyServiceSpec{Qumulo: login}, []string{"login"}},
		"a token and a CA":        {v1alpha1.KeyServiceSpec{Qumulo: token, TLS: withCA("ca")}, []string{"token", "ca"}},
		"both in one Secret":      {v1alpha1.KeyServiceSpec{Qumulo: token, TLS: withCA("token")}, []string{"token"}},
		"AWS by a Secret":         {v1alpha1.KeyServiceSpec{AWS: &v1alpha1.AWSService{CredentialsSecretRef: &v1alpha1.SecretReference{Name: "aws"}}}, []string{"aws"}},
		"AWS by the Pod":          {v1alpha1.KeyServiceSpec{AWS: &v1alpha1.AWSService{}}, nil},
		"a CA in the spec itself": {v1alpha1.KeyServiceSpec{Qumulo: token, TLS: &v1alpha1.TLS{CABundle: "PEM"}}, []string{"token"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.spec.SecretNames(); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestBothKindsOfServiceShowTheirOwn: the operator changes what GetSpec and GetStatus return.
func TestBothKindsOfServiceShowTheirOwn(t *testing.T) {
	for _, service := range []v1alpha1.GenericKeyService{&v1alpha1.KeyService{}, &v1alpha1.ClusterKeyService{}} {
		service.GetSpec().S3 = &v1alpha1.S3{Endpoint: "https://s3.example"}
		service.GetStatus().Version = "7.9"
		again, ok := service.DeepCopyObject().(v1alpha1.GenericKeyService)
		if !ok || again.GetSpec().S3.Endpoint != "https://s3.example" || again.GetStatus().Version != "7.9" {
			t.Errorf("%T: got %+v", service, again)
		}
	}
}

func TestEveryKindIsRegistered(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"AccessKey", "KeyService", "ClusterKeyService"} {
		for _, name := range []string{kind, kind + "List"} {
			if !scheme.Recognizes(v1alpha1.GroupVersion.WithKind(name)) {
				t.Errorf("%s is unknown", name)
			}
		}
	}
}
