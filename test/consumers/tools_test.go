// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consumers

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator"
)

// installed returns the command of a program if it is installed. The file missing, which the Makefile runs, says which are not.
func installed(ctx context.Context, program string, arguments ...string) (*exec.Cmd, bool) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, false
	}
	command := exec.CommandContext(ctx, path, arguments...)
	command.Env = os.Environ()
	return command, true
}

// defaults returns the default keys as environment variables, as with envFrom.
func defaults() (variables []string) {
	for key, value := range published {
		if strings.HasPrefix(key, "AWS_") {
			variables = append(variables, key+"="+string(value))
		}
	}
	return variables
}

func TestTools(t *testing.T) {
	bucket := "s3://" + s3.Bucket
	for _, tool := range []struct {
		name, program string
		environment   []string
		arguments     []string
		says          string
	}{
		// The AWS CLI reads AWS_ENDPOINT_URL_S3 only since 2.13.
		{"AWS CLI with the default keys", "aws", defaults(), []string{"--endpoint-url=" + server.Endpoint, "s3", "ls", bucket}, s3.Object},
		{"AWS CLI with AWSCredentialsFile", "aws", []string{"AWS_SHARED_CREDENTIALS_FILE=" + file("cloud"), "AWS_REGION=" + s3.Region},
			[]string{"--endpoint-url=" + server.Endpoint, "s3", "ls", bucket}, s3.Object},
		{"restic with the default keys", "restic", append(defaults(), "RESTIC_PASSWORD=1"),
			[]string{"--no-cache", "--repo=s3:" + server.Endpoint + "/restic/nightly", "init"}, "created restic repository"},
		{"pgBackRest with PgBackRest", "pgbackrest", nil, pgBackRest(t), s3.Object},
		{"s3cmd with S3cfg", "s3cmd", nil, []string{"--config=" + file(".s3cfg"), "ls", bucket}, s3.Object},
	} {
		command, ok := installed(t.Context(), tool.program, tool.arguments...)
		if !ok {
			continue
		}
		t.Run(tool.name, func(t *testing.T) {
			command.Env = append(command.Env, tool.environment...)
			if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), tool.says) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// pgBackRest returns the arguments with which pgBackRest lists the bucket. It reads every .conf file in a folder.
func pgBackRest(t *testing.T) []string {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "s3.conf"), published["s3.conf"], 0o600); err != nil {
		t.Fatal(err)
	}
	endpoint, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"--config=/dev/null", "--config-include-path=" + folder, "--log-level-file=off", "--repo1-type=s3", "--repo1-path=/",
		"--repo1-s3-bucket=" + s3.Bucket, "--repo1-s3-region=" + s3.Region, "--repo1-s3-uri-style=path",
		"--repo1-s3-endpoint=" + endpoint.Hostname(), "--repo1-storage-port=" + endpoint.Port(),
		"--no-repo1-storage-verify-tls", // it cannot check a certificate for an IP address
		"repo-ls",
	}
}

// TestGitLab uses the Ruby library with which GitLab reads its connection.
func TestGitLab(t *testing.T) {
	if exec.Command("ruby", "-rfog/aws", "-e", "").Run() != nil {
		return // not installed
	}
	const list = `puts Fog::Storage.new(YAML.load_file(ARGV[0]).transform_keys(&:to_sym)).directories.get(ARGV[1]).files.map(&:key)`
	out, err := exec.CommandContext(t.Context(), "ruby", "-rfog/aws", "-ryaml", "-e", list, file("connection"), s3.Bucket).Output()
	expect(t, strings.Fields(string(out)), err)
}

// TestHarbor starts an upload at the registry of Harbor, which gets its pair as Harbor's Helm chart gives it.
func TestHarbor(t *testing.T) {
	address, err := simulator.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "config.yml")
	text := fmt.Sprintf("version: 0.1\nstorage:\n  s3: {region: %s, bucket: %s, regionendpoint: %q, rootdirectory: /registry}\nhttp: {addr: %q}\n",
		s3.Region, s3.Bucket, server.Endpoint, address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command, ok := installed(t.Context(), "docker-registry", "serve", config)
	if !ok {
		return
	}
	for key, value := range published {
		if strings.HasPrefix(key, "REGISTRY_") {
			command.Env = append(command.Env, key+"="+string(value))
		}
	}
	// Its version of the AWS SDK cannot read AWS_CA_BUNDLE. It reads SSL_CERT_FILE.
	command.Env = append(command.Env, "AWS_CA_BUNDLE=")
	runUntil(t, command, func() bool {
		response, err := http.Post("http://"+address+"/v2/image/blobs/uploads/", "", nil)
		if err != nil {
			return false // it has not started
		}
		defer response.Body.Close() //nolint:errcheck // only the status counts
		if response.StatusCode != http.StatusAccepted {
			t.Errorf("the upload was answered with %s", response.Status)
		}
		return true
	})
}

// TestS3FS mounts the bucket, if s3fs and FUSE are there.
func TestS3FS(t *testing.T) {
	folder := t.TempDir()
	command, ok := installed(t.Context(), "s3fs", s3.Bucket, folder, "-f",
		"-o", "passwd_file="+file("passwd-s3fs"), "-o", "url="+server.Endpoint, "-o", "use_path_request_style")
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if !ok || err != nil {
		return
	}
	_ = device.Close()
	defer exec.Command("fusermount", "-u", folder).Run() //nolint:errcheck // fails if it was not mounted
	runUntil(t, command, func() bool {
		_, err := os.Stat(filepath.Join(folder, s3.Object))
		return err == nil
	})
}

// runUntil runs a program until works returns true, and fails the test if that does not happen in time.
func runUntil(t *testing.T, command *exec.Cmd, works func() bool) {
	t.Helper()
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	timeout := time.After(20 * time.Second)
	for !works() {
		select {
		case err := <-ended:
			t.Fatalf("%s ended: %v: %s", command.Path, err, &out)
		case <-timeout:
			t.Fatalf("%s does not work", command.Path) // the end of the test kills it
		case <-time.After(50 * time.Millisecond):
		}
	}
	_ = command.Process.Signal(syscall.SIGTERM)
	<-ended
}
