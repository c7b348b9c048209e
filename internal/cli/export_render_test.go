// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// geheim is the secret access key of the tests.
const geheim = "geheim/+=value"

func exportedPair() exported {
	ak := backup()
	ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Data: map[string]v1alpha1.DataTemplate{"url": "s3://{{ .AccessKeyID }}:{{ .SecretAccessKey | urlquery }}"}}
	return exported{
		accessKey: &ak,
		published: &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "backup"}, Data: map[string][]byte{
			"AWS_ACCESS_KEY_ID": []byte("AKCURRENT"), "AWS_SECRET_ACCESS_KEY": []byte(geheim), "url": []byte("s3://AKCURRENT:geheim%2F%2B%3Dvalue"), "theirs": []byte("hunter2"),
		}},
		s3: &v1alpha1.S3{Endpoint: "https://s3.example:9000", Region: "us-east-1"},
	}
}

func TestNothingIsExportedWithoutShow(t *testing.T) {
	for _, format := range formatNames() {
		for _, show := range []bool{false, true} {
			got, err := exportedPair().render(&exportOptions{format: format, bucket: "backups"}, show)
			if err != nil {
				t.Fatal(format, err)
			}
			if has := strings.Contains(string(got), "geheim"); has != show || strings.Contains(string(got), redacted.Reveal()) == show {
				t.Errorf("%s with show %t: %s", format, show, got)
			}
			if got[len(got)-1] != '\n' {
				t.Errorf("%s does not end with a line break", format)
			}
		}
	}
	for _, key := range []string{"AWS_SECRET_ACCESS_KEY", "url", "theirs"} {
		got, err := exportedPair().render(&exportOptions{key: key}, false)
		if err != nil || strings.Contains(string(got), "geheim") || strings.Contains(string(got), "hunter2") || !strings.Contains(string(got), redacted.Reveal()) {
			t.Errorf("%s: %s, %v", key, got, err)
		}
	}
}

func TestExport(t *testing.T) {
	for _, test := range []struct {
		name, want string
		o          exportOptions
	}{
		{"a file", "[default]\naws_access_key_id=AKCURRENT\naws_secret_access_key=REDACTED\n", exportOptions{format: "AWSCredentialsFile"}},
		{"a format in another case", "AKCURRENT:REDACTED\n", exportOptions{format: "s3fs"}},
		{"several keys", "accesskey: AKCURRENT\nsecretkey: REDACTED\n", exportOptions{format: "FluxBucket"}},
		{"a key", "s3://AKCURRENT:REDACTED\n", exportOptions{key: "url"}},
	} {
		got, err := exportedPair().render(&test.o, false)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	for _, o := range []exportOptions{{format: "Xml"}, {key: "absent"}, {format: "LokiStack"}} {
		if got, err := exportedPair().render(&o, false); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%+v: got %q, %v", o, got, err)
		}
	}
}

func TestAFileIsPrivateAndNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	if err := writePrivate(path, []byte("one"), false); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	if err := writePrivate(path, []byte("two"), false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("replaced: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePrivate(path, []byte("two"), true); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(path)
	if info, _ := os.Stat(path); string(content) != "two" || info.Mode().Perm() != 0o600 {
		t.Errorf("got %q, %v", content, info.Mode())
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}
