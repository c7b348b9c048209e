// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consumers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/go-kit/log"
	_ "github.com/rclone/rclone/backend/s3" // registers the backend
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/config/configfile"
	"github.com/thanos-io/objstore/providers/s3"
	"gopkg.in/yaml.v2"

	operator "accesskey.dev/operator/test/s3"
)

// TestAWSSDKForGo configures the SDK only with the environment, which is empty at first.
func TestAWSSDKForGo(t *testing.T) {
	elsewhere := func(t *testing.T) { // what a file with a pair does not contain
		t.Setenv("AWS_REGION", operator.Region)
		t.Setenv("AWS_ENDPOINT_URL_S3", server.Endpoint)
	}
	for name, configure := range map[string]func(t *testing.T){
		"the default keys by envFrom": func(t *testing.T) {
			for key, value := range published {
				if strings.HasPrefix(key, "AWS_") {
					t.Setenv(key, string(value))
				}
			}
		},
		"AWSCredentialsFile": func(t *testing.T) {
			elsewhere(t)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file("cloud"))
		},
		"Env, read by a shell": func(t *testing.T) {
			out, err := exec.Command("sh", "-c", `set -a; . "$0"; env`, file("aws.env")).Output()
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(out)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				if strings.HasPrefix(name, "AWS_") {
					t.Setenv(name, value)
				}
			}
		},
		"JSON, by credential_process": func(t *testing.T) {
			elsewhere(t)
			path := filepath.Join(t.TempDir(), "config")
			t.Setenv("AWS_CONFIG_FILE", path)
			if err := os.WriteFile(path, []byte("[default]\ncredential_process = cat "+file("credentials.json")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			configure(t)
			loaded, err := awsconfig.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			bucket := operator.Bucket
			listed, err := awss3.NewFromConfig(loaded).ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &bucket})
			if err != nil {
				t.Fatal(err)
			}
			var objects []string
			for _, object := range listed.Contents {
				objects = append(objects, *object.Key)
			}
			expect(t, objects, nil)
		})
	}
}

func TestRclone(t *testing.T) {
	configfile.Install()
	if err := config.SetConfigPath(file("rclone.conf")); err != nil {
		t.Fatal(err)
	}
	bucket, err := fs.NewFs(t.Context(), "s3:"+operator.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := bucket.List(t.Context(), "")
	var objects []string
	for _, entry := range entries {
		objects = append(objects, entry.Remote())
	}
	expect(t, objects, err)
}

// TestThanos reads the configuration as objstore/client does, whose import would need the SDK of every other cloud.
func TestThanos(t *testing.T) {
	text, err := os.ReadFile(file("objstore.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Type   string `yaml:"type"`
		Config any    `yaml:"config"`
	}
	if err := yaml.UnmarshalStrict(text, &read); err != nil || read.Type != "S3" {
		t.Fatalf("got the type %q, %v", read.Type, err)
	}
	inner, err := yaml.Marshal(read.Config)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := s3.NewBucket(log.NewNopLogger(), inner, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	var objects []string
	err = bucket.Iter(context.Background(), "", func(name string) error {
		objects = append(objects, name)
		return nil
	})
	expect(t, objects, err)
}
