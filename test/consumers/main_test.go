// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consumers

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
	"accesskey.dev/operator/test/s3"
)

// pair has every character that occurs in the keys of the services, and the length of an access key of IONOS.
var pair = secret.Pair{
	AccessKeyID:     "00000" + strings.Repeat("aZ09-_", 14) + "abc",
	SecretAccessKey: "a+/=Z_09wJalrXUtnFEMI/K7MDENG/bPxRfiCYEX",
}

var (
	// published is the data of a Secret with the pair in every format. volume is a folder with its values as files, as in a Pod.
	published map[string][]byte
	volume    string
	// server accepts the pair.
	server *s3.Server
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the S3 server and mounts the Secret, and runs the tests.
func run(m *testing.M) (code int, err error) {
	for _, setting := range os.Environ() { // the settings of a developer must not help
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Unsetenv(name); err != nil {
				return 0, err
			}
		}
	}
	binary, err := s3.Binary(context.Background())
	if err != nil {
		return 0, err
	}
	keys := map[string]string{pair.AccessKeyID: pair.SecretAccessKey.Reveal()}
	if server, err = s3.Start(context.Background(), binary, func() map[string]string { return keys }); err != nil {
		return 0, err
	}
	defer server.Stop() //nolint:errcheck // the tests have ended
	if volume, err = os.MkdirTemp("", "accesskey-consumers-"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(volume) //nolint:errcheck // the tests have ended
	if err := mount(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// mount renders the Secret and writes its values to files. It makes the consumers trust the S3 server, each in its way.
func mount() error {
	content, err := render()
	if err != nil {
		return err
	}
	published = content.Data
	files := maps.Clone(published)
	files["ca.crt"] = server.CA
	for name, value := range files {
		if err := os.WriteFile(file(name), value, 0o400); err != nil { // s3fs refuses a file that others can read
			return err
		}
	}
	settings := map[string]string{"HOME": volume, "SSL_CERT_FILE": file("ca.crt"), "AWS_CA_BUNDLE": file("ca.crt"), "CURL_CA_BUNDLE": file("ca.crt")}
	for name, value := range settings {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// render renders the Secret of an AccessKey that asks for every format that a consumer here reads.
func render() (secret.Content, error) {
	ak := &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "backup", UID: "1"}}
	ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{
		Formats: []v1alpha1.SecretFormat{
			v1alpha1.FormatAWSCredentialsFile, v1alpha1.FormatEnv, v1alpha1.FormatJSON, v1alpha1.FormatRclone, v1alpha1.FormatS3cfg, v1alpha1.FormatS3FS,
			v1alpha1.FormatThanosObjstore, v1alpha1.FormatPgBackRest, v1alpha1.FormatHarborRegistry, v1alpha1.FormatGitLabConnection,
		},
		Bucket: s3.Bucket,
	}
	template := secret.Template{AccessKey: ak, Service: "qumulo/1", S3: &v1alpha1.S3{Endpoint: server.Endpoint, Region: s3.Region}}
	return template.Render(pair, plan.RecordOf(ak, template.Service))
}

// file returns the path of the file with a value of the Secret.
func file(key string) string { return filepath.Join(volume, key) }

// expect fails the test unless a consumer listed the object in the bucket.
func expect(t *testing.T, objects []string, err error) {
	t.Helper()
	if err != nil || !slices.Contains(objects, s3.Object) {
		t.Errorf("listed %q, %v", objects, err)
	}
}

func TestTheBucketIsNotPublic(t *testing.T) {
	client, err := s3.NewClient(server.Endpoint, server.CA)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.List(t.Context(), s3.Pair{AccessKeyID: pair.AccessKeyID, SecretAccessKey: "wrong"}); s3.Refused(err) == "" {
		t.Errorf("a wrong secret was answered with %v", err)
	}
	response, err := http.Get(server.Endpoint + "/" + s3.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body.Close() != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("a request without a signature was answered with %s", response.Status)
	}
}
