// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"accesskey.dev/operator/test/s3"
)

// TestTheConsumerReportsWhatTheServerAnswers gives the consumer the pair as files, and replaces it as a rotation does.
func TestTheConsumerReportsWhatTheServerAnswers(t *testing.T) {
	binary, err := s3.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var valid atomic.Pointer[string]
	first, second := "FIRST", "SECOND"
	valid.Store(&first)
	server, err := s3.Start(t.Context(), binary, func() map[string]string { return map[string]string{*valid.Load(): "s"} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	directory := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ca.crt", string(server.CA))
	write("AWS_ENDPOINT_URL_S3", server.Endpoint)
	write("AWS_SECRET_ACCESS_KEY", "s")
	write("AWS_ACCESS_KEY_ID", first)

	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"--directory=" + directory, "--interval=20ms", "--ca-file=" + filepath.Join(directory, "ca.crt")}, out)
		ended <- err
		_ = out.Close()
	}()
	lines := bufio.NewScanner(in)
	expect := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the consumer ended without the line %s", want)
	}
	expect(`msg="Listed the bucket" accessKeyID=FIRST objects=` + s3.Object)
	valid.Store(&second)
	expect(`msg="The S3 server refused the pair" accessKeyID=FIRST code=InvalidAccessKeyId`)
	write("AWS_ACCESS_KEY_ID", second)
	expect(`msg="Listed the bucket" accessKeyID=SECOND`)
	stop()
	go func() { _, _ = io.Copy(io.Discard, in) }()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTheConsumerNeedsAnEndpoint(t *testing.T) {
	if err := run(t.Context(), []string{"--directory=" + t.TempDir()}, io.Discard); err == nil || !strings.Contains(err.Error(), "set spec.s3 of the KeyService") {
		t.Errorf("got %v", err)
	}
}
