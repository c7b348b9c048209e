// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consumers

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/s3"
)

// installed returns the command of a program if it is installed. The Makefile says which programs are not.
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
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	defer func() {
		_ = exec.Command("fusermount", "-u", folder).Run() // ends s3fs
		<-ended
	}()
	for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("s3fs ended: %v: %s", err, &out)
		default:
		}
		if _, err := os.Stat(filepath.Join(folder, s3.Object)); err == nil {
			return
		}
	}
	t.Errorf("the bucket was not mounted: %s", &out)
}
