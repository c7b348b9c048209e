// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// rendered returns what a format writes for a pair, beside the operator's own keys of the pair.
func rendered(t *testing.T, format v1alpha1.SecretFormat, pair Pair, change func(*Template)) (map[string]string, error) {
	t.Helper()
	with := template()
	with.AccessKey.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Formats: []v1alpha1.SecretFormat{format}, Bucket: "photos", IncludeDefaults: ptr.To(false)}
	change(&with)
	content, err := with.Render(pair, with.record())
	texts := map[string]string{}
	for key, value := range content.Data {
		texts[key] = string(value)
	}
	if err == nil && (texts["access-key-id"] != pair.AccessKeyID || texts["secret-access-key"] != pair.SecretAccessKey.Reveal()) {
		t.Errorf("%s: the pair is not beside the format: %q", format, texts)
	}
	delete(texts, "access-key-id")
	delete(texts, "secret-access-key")
	return texts, err
}

func complete(*Template) {}

// goldenFormats is each format for the pair, the endpoint https://s3.example:9000 and the region us-east-1. formats.go has the sources.
var goldenFormats = map[v1alpha1.SecretFormat]map[string]string{
	v1alpha1.FormatAWSCredentialsFile: {"cloud": "[default]\naws_access_key_id=AKIAK1\naws_secret_access_key=wJalrXUtnFEMI/K7MDENG\n"},
	v1alpha1.FormatEnv: {"aws.env": "AWS_ACCESS_KEY_ID=AKIAK1\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG\nAWS_ENDPOINT_URL_S3=https://s3.example:9000\n" +
		"AWS_REGION=us-east-1\nAWS_DEFAULT_REGION=us-east-1\n"},
	v1alpha1.FormatRclone: {"rclone.conf": "[s3]\ntype = s3\nprovider = Other\naccess_key_id = AKIAK1\nsecret_access_key = wJalrXUtnFEMI/K7MDENG\n" +
		"endpoint = https://s3.example:9000\nregion = us-east-1\n"},
	v1alpha1.FormatS3cfg: {".s3cfg": "[default]\naccess_key = AKIAK1\nsecret_key = wJalrXUtnFEMI/K7MDENG\nhost_base = s3.example:9000\n" +
		"host_bucket = s3.example:9000\nuse_https = True\nbucket_location = us-east-1\n"},
	v1alpha1.FormatJSON: {"credentials.json": "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"AKIAK1\",\n  \"SecretAccessKey\": \"wJalrXUtnFEMI/K7MDENG\",\n" +
		"  \"Expiration\": \"2026-03-31T12:00:00Z\",\n  \"Endpoint\": \"https://s3.example:9000\",\n  \"Region\": \"us-east-1\"\n}\n"},
	v1alpha1.FormatThanosObjstore: {"objstore.yml": "type: S3\nconfig:\n  bucket: \"photos\"\n  endpoint: \"s3.example:9000\"\n  region: \"us-east-1\"\n" +
		"  access_key: \"AKIAK1\"\n  secret_key: \"wJalrXUtnFEMI/K7MDENG\"\n  insecure: false\n  bucket_lookup_type: path\n"},
	v1alpha1.FormatLokiStack: {"access_key_id": "AKIAK1", "access_key_secret": secretValue, "bucketnames": "photos", "endpoint": "https://s3.example:9000",
		"region": "us-east-1"},
	v1alpha1.FormatHarborRegistry: {"REGISTRY_STORAGE_S3_ACCESSKEY": "AKIAK1", "REGISTRY_STORAGE_S3_SECRETKEY": secretValue},
	v1alpha1.FormatFluxBucket:     {"accesskey": "AKIAK1", "secretkey": secretValue},
	v1alpha1.FormatLonghorn:       {"AWS_ACCESS_KEY_ID": "AKIAK1", "AWS_SECRET_ACCESS_KEY": secretValue, "AWS_ENDPOINTS": "https://s3.example:9000"},
	v1alpha1.FormatCSIS3:          {"accessKeyID": "AKIAK1", "secretAccessKey": secretValue, "endpoint": "https://s3.example:9000", "region": "us-east-1"},
	v1alpha1.FormatPgBackRest:     {"s3.conf": "[global]\nrepo1-s3-key=AKIAK1\nrepo1-s3-key-secret=wJalrXUtnFEMI/K7MDENG\n"},
	v1alpha1.FormatGitLabConnection: {"connection": "provider: AWS\nregion: \"us-east-1\"\naws_access_key_id: \"AKIAK1\"\n" +
		"aws_secret_access_key: \"wJalrXUtnFEMI/K7MDENG\"\nendpoint: \"https://s3.example:9000\"\npath_style: true\n"},
	v1alpha1.FormatS3FS: {"passwd-s3fs": "AKIAK1:wJalrXUtnFEMI/K7MDENG\n"},
	v1alpha1.FormatMC:   {"MC_HOST_s3": "https://AKIAK1:wJalrXUtnFEMI%2FK7MDENG@s3.example:9000"},
}

func TestFormats(t *testing.T) {
	if !slices.Equal(slices.Sorted(maps.Keys(goldenFormats)), slices.Sorted(maps.Keys(formats))) {
		t.Errorf("formats %q", slices.Sorted(maps.Keys(formats)))
	}
	for format, want := range goldenFormats {
		got, err := rendered(t, format, pair, complete)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v\n%q\nwant %q", format, err, got, want)
		}
	}
}

// TestVirtualHosts checks every format for a data plane whose buckets are parts of host names. The formats that are not named here
// have no such setting.
func TestVirtualHosts(t *testing.T) {
	differs := map[v1alpha1.SecretFormat]func(map[string]string){
		v1alpha1.FormatRclone:           replaces("rclone.conf", "region = ", "force_path_style = false\nregion = "),
		v1alpha1.FormatS3cfg:            replaces(".s3cfg", "host_bucket = ", "host_bucket = %(bucket)s."),
		v1alpha1.FormatThanosObjstore:   replaces("objstore.yml", "lookup_type: path", "lookup_type: virtual-hosted"),
		v1alpha1.FormatLonghorn:         func(data map[string]string) { data["VIRTUAL_HOSTED_STYLE"] = "true" },
		v1alpha1.FormatGitLabConnection: replaces("connection", "path_style: true", "path_style: false"),
	}
	for format, want := range goldenFormats {
		want = maps.Clone(want)
		if change, ok := differs[format]; ok {
			change(want)
		}
		got, err := rendered(t, format, pair, func(t *Template) { t.S3.PathStyle = ptr.To(false) })
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v\n%q\nwant %q", format, err, got, want)
		}
	}
}

func replaces(key, text, by string) func(map[string]string) {
	return func(data map[string]string) { data[key] = strings.Replace(data[key], text, by, 1) }
}

// TestFormatsWithoutAnEndpoint checks that a format is not published without what it needs.
func TestFormatsWithoutAnEndpoint(t *testing.T) {
	need := []v1alpha1.SecretFormat{v1alpha1.FormatS3cfg, v1alpha1.FormatThanosObjstore, v1alpha1.FormatLokiStack, v1alpha1.FormatLonghorn, v1alpha1.FormatCSIS3, v1alpha1.FormatMC}
	for format := range formats {
		got, err := rendered(t, format, pair, func(t *Template) { t.S3 = nil })
		if refused := err != nil; refused != slices.Contains(need, format) || refused && !strings.Contains(err.Error(), "the KeyService has no s3.endpoint") {
			t.Errorf("%s: %q, %v", format, got, err)
		}
	}
	for format := range formats {
		got, err := rendered(t, format, pair, func(t *Template) { t.S3.Region = "" })
		for key, text := range got {
			if strings.Contains(text, "region") || key == "region" {
				t.Errorf("%s: %s = %q", format, key, text)
			}
		}
		if err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// TestFormatsShareDataKeysOnlyWithTheSameValue, so that any two formats can be combined.
func TestFormatsShareDataKeysOnlyWithTheSameValue(t *testing.T) {
	texts := map[string]string{v1alpha1.SecretKeyAccessKeyID: accessKeyID, v1alpha1.SecretKeySecretAccessKey: secretAccessKey}
	for format, templates := range formats {
		for key, text := range templates {
			if other, taken := texts[key]; taken && other != text {
				t.Errorf("%s has another template for %s", format, key)
			}
			texts[key] = text
		}
	}
}

// hardPair has characters that are special in one of the formats.
var hardPair = Pair{AccessKeyID: "AK/+=1", SecretAccessKey: `a/b+c=d"e'f&g\h:i@j%k#l;m<n$o` + "`p"}

func TestFormatsAreReadAsTheyWereWritten(t *testing.T) {
	id, secret := hardPair.AccessKeyID, hardPair.SecretAccessKey.Reveal()
	for _, c := range []struct {
		format v1alpha1.SecretFormat
		key    string
		// read returns the pair in a text.
		read func(*testing.T, string) (string, string)
	}{
		{v1alpha1.FormatAWSCredentialsFile, "cloud", lines("aws_access_key_id", "aws_secret_access_key")},
		{v1alpha1.FormatRclone, "rclone.conf", lines("access_key_id", "secret_access_key")},
		{v1alpha1.FormatS3cfg, ".s3cfg", lines("access_key", "secret_key")},
		{v1alpha1.FormatPgBackRest, "s3.conf", lines("repo1-s3-key", "repo1-s3-key-secret")},
		{v1alpha1.FormatEnv, "aws.env", shell},
		{v1alpha1.FormatJSON, "credentials.json", fields("AccessKeyId", "SecretAccessKey")},
		{v1alpha1.FormatThanosObjstore, "objstore.yml", fields("access_key", "secret_key", "config")},
		{v1alpha1.FormatGitLabConnection, "connection", fields("aws_access_key_id", "aws_secret_access_key")},
		{v1alpha1.FormatS3FS, "passwd-s3fs", func(_ *testing.T, text string) (string, string) {
			id, secret, _ := strings.Cut(strings.TrimSuffix(text, "\n"), ":")
			return id, secret
		}},
		{v1alpha1.FormatMC, "MC_HOST_s3", func(t *testing.T, text string) (string, string) {
			parsed, err := url.Parse(text)
			if err != nil || parsed.Host != "s3.example:9000" {
				t.Fatalf("%s: %v", text, err)
			}
			password, _ := parsed.User.Password()
			return parsed.User.Username(), password
		}},
	} {
		got, err := rendered(t, c.format, hardPair, complete)
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		if gotID, gotSecret := c.read(t, got[c.key]); gotID != id || gotSecret != secret {
			t.Errorf("%s is read as %q, %q\n%s", c.format, gotID, gotSecret, got[c.key])
		}
	}
}

// lines reads a file of lines "key = value".
func lines(id, secret string) func(*testing.T, string) (string, string) {
	return func(_ *testing.T, text string) (string, string) {
		found := map[string]string{}
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(line, "=")
			found[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		return found[id], found[secret]
	}
}

// fields reads a YAML or JSON object, or the object in a field of it.
func fields(id, secret string, in ...string) func(*testing.T, string) (string, string) {
	return func(t *testing.T, text string) (string, string) {
		var found map[string]any
		if err := yaml.Unmarshal([]byte(text), &found); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if strings.HasPrefix(text, "{") && !json.Valid([]byte(text)) {
			t.Errorf("not JSON: %s", text)
		}
		for _, field := range in {
			found = found[field].(map[string]any)
		}
		return found[id].(string), found[secret].(string)
	}
}

// shell lets a POSIX shell read a file of variables.
func shell(t *testing.T, text string) (string, string) {
	file := filepath.Join(t.TempDir(), "aws.env")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `. "$1"; printf '%s\n%s' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"`, "sh", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	id, secret, _ := strings.Cut(string(out), "\n")
	return id, secret
}

// TestFormatsThatCannotExpressAPairAreRefused, because their readers would read another pair.
func TestFormatsThatCannotExpressAPairAreRefused(t *testing.T) {
	strict := []v1alpha1.SecretFormat{v1alpha1.FormatAWSCredentialsFile, v1alpha1.FormatRclone, v1alpha1.FormatS3cfg, v1alpha1.FormatPgBackRest, v1alpha1.FormatS3FS, v1alpha1.FormatMC}
	for _, secret := range []keyservice.Secret{"two\nlines", "white space", `"quoted"`, "'quoted'", "$variable", "%(variable)s", "ümlaut", "end ", "tab\t"} {
		for _, format := range strict {
			got, err := rendered(t, format, Pair{"AKIAK1", secret}, complete)
			if err == nil || !strings.Contains(err.Error(), "format "+string(format)) || strings.Contains(err.Error(), secret.Reveal()) {
				t.Errorf("%s: %q is rendered as %q, %v", format, secret.Reveal(), got, err)
			}
		}
	}
	if got, err := rendered(t, v1alpha1.FormatEnv, Pair{"AKIAK1", "two\nlines"}, complete); err == nil {
		t.Errorf("Env: %q", got)
	}
}
