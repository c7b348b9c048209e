// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// holding is a Secret with a value under each of these keys.
func holding(keys ...string) *corev1.Secret {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "app"}, Type: corev1.SecretTypeOpaque, Data: map[string][]byte{}}
	for _, key := range keys {
		secret.Data[key] = []byte("value of " + key)
	}
	return secret
}

func TestGuessPair(t *testing.T) {
	tests := []struct {
		name    string
		keys    []string
		id, key string
		fails   string
	}{
		{"the AWS SDKs", []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", ""},
		{"Flux", []string{"accesskey", "secretkey"}, "accesskey", "secretkey", ""},
		{"Loki", []string{"access_key_id", "access_key_secret", "bucketnames"}, "access_key_id", "access_key_secret", ""},
		{"csi-s3", []string{"accessKeyID", "secretAccessKey", "endpoint"}, "accessKeyID", "secretAccessKey", ""},
		{"Harbor", []string{"REGISTRY_STORAGE_S3_ACCESSKEY", "REGISTRY_STORAGE_S3_SECRETKEY"}, "REGISTRY_STORAGE_S3_ACCESSKEY", "REGISTRY_STORAGE_S3_SECRETKEY", ""},
		{"by hand", []string{"access-key", "secret-key", "note"}, "access-key", "secret-key", ""},
		{"the AWS names come first if there are several pairs", []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "accesskey", "secretkey"}, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", ""},
		{"two pairs", []string{"OLD_ACCESS_KEY", "OLD_SECRET_KEY", "NEW_ACCESS_KEY", "NEW_SECRET_KEY"}, "", "", "2 pairs"},
		{"halves of different pairs", []string{"OLD_ACCESS_KEY", "NEW_SECRET_KEY"}, "", "", "0 pairs"},
		{"a file", []string{"cloud"}, "", "", "0 pairs by its names (it has the keys cloud)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id, key, err := guessPair(holding(test.keys...))
			if id != test.id || key != test.key || (err != nil) != (test.fails != "") {
				t.Errorf("got %s, %s, %v, want %s, %s", id, key, err, test.id, test.key)
			}
			if err != nil && (!strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), "value of")) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestImported(t *testing.T) {
	of := v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"}
	take := func(secret *corev1.Secret, o importOptions) *v1alpha1.AccessKey {
		ak, err := imported(secret, of, &o)
		if err != nil {
			t.Fatal(err)
		}
		return ak
	}
	same := take(holding("accesskey", "secretkey"), importOptions{user: "local:backup", ttl: time.Hour})
	if same.Name != "app" || same.Spec.SecretTemplate.Data["secretkey"] != "{{ .SecretAccessKey }}" || same.Spec.TTL.Duration != time.Hour {
		t.Errorf("a Secret that is taken over keeps what its consumers read: %+v", same.Spec)
	}
	if standard := take(holding("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), importOptions{}); standard.Spec.SecretTemplate != nil {
		t.Errorf("the default keys need no template: %+v", standard.Spec)
	}
	if other := take(holding("accesskey", "secretkey"), importOptions{name: "backup"}); other.Name != "backup" || other.Spec.SecretTemplate != nil || other.Spec.ImportFrom.SecretName != "app" {
		t.Errorf("another Secret gets the default keys: %+v", other.Spec)
	}
	typed := holding("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
	typed.Type = "example.com/s3"
	if kept := take(typed, importOptions{}); kept.Spec.SecretTemplate.Type != "example.com/s3" {
		t.Errorf("the type stays: %+v", kept.Spec)
	}
}

func TestManifest(t *testing.T) {
	for d, want := range map[time.Duration]string{720 * time.Hour: "720h", 10 * time.Minute: "10m", 90 * time.Minute: "1h30m", 65 * time.Second: "1m5s"} {
		ak, err := imported(holding("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "qumulo"}, &importOptions{ttl: d})
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := manifestOf(ak)
		if err != nil || !strings.Contains(string(manifest), "ttl: "+want+"\n") || strings.Contains(string(manifest), "status") {
			t.Errorf("%s: got %s, %v", d, manifest, err)
		}
	}
}
