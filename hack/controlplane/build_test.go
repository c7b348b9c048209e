// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeGo is a go command that runs the given shell lines with the path it is to write in $output.
func fakeGo(t *testing.T, lines string) *goBuild {
	t.Helper()
	source := t.TempDir()
	for _, module := range []string{"etcd", "kubernetes"} {
		if err := os.Mkdir(filepath.Join(source, module), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\noutput=$2\n" + lines + "\n"
	command := filepath.Join(source, "go")
	if err := os.WriteFile(command, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return &goBuild{command: command, source: source, pins: testPins, log: io.Discard}
}

func TestBuiltBinaryAppearsWhole(t *testing.T) {
	g := fakeGo(t, `echo k8s.io/api/core/v1 >&2; echo "$CGO_ENABLED $GOFLAGS $GOWORK" >"$output"; chmod +x "$output"`)
	var log bytes.Buffer
	g.log = &log
	dir := t.TempDir()
	if err := g.binary(t.Context(), binaries[0], dir); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "etcd"))
	if err != nil || string(content) != "0 -mod=readonly off\n" {
		t.Errorf("etcd holds %q (%v)", content, err)
	}
	assertOnly(t, dir, "etcd")
	if !strings.Contains(log.String(), "built etcd v3.6.8 in 0s\n") {
		t.Errorf("log: %s", &log)
	}
}

func TestHalfWrittenBinaryIsNeverUsed(t *testing.T) {
	for name, lines := range map[string]string{
		"go fails":     `echo half >"$output"; chmod +x "$output"; exit 1`,
		"go is killed": `echo half >"$output"; chmod +x "$output"; kill -9 $$`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := fakeGo(t, lines).binary(t.Context(), binaries[0], dir); err == nil {
				t.Error("no error")
			}
			assertOnly(t, dir)
		})
	}
}

func TestInterruptedBuildLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	dir, start := t.TempDir(), time.Now()
	// The shell waits for its child, so that only a signal to the whole group ends both at once.
	err := fakeGo(t, `echo half >"$output"; sleep 15; true`).binary(ctx, binaries[0], dir)
	if err == nil || !strings.Contains(err.Error(), "interrupted while building etcd v3.6.8") {
		t.Errorf("got %v", err)
	}
	if time.Since(start) > 10*time.Second {
		t.Errorf("took %s", time.Since(start))
	}
	assertOnly(t, dir)
}

func TestLeftoversAreClearedBeforeTheNextBuild(t *testing.T) {
	p, _ := newTestProvider(t)
	left := filepath.Join(p.built(), unfinished+"123")
	writeProgram(t, left, "etcd")
	if _, err := p.directory(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertOnly(t, p.built(), allNames()...)
}

func assertOnly(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("%s holds %v, want %v", dir, entries, want)
	}
	for _, name := range want {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestFailedBuildSaysWhatToDo(t *testing.T) {
	tests := map[string]struct {
		lines string
		want  []string
	}{
		"a full disk": {
			lines: `echo 'link: write out: no space left on device' >&2; exit 1`,
			want:  []string{"etcd v3.6.8 failed (exit status 1)", "    link: write out: no space", "The disk is full", "6 GiB"},
		},
		"a module that can't be had": {
			lines: `echo 'go: example.com/m@v1.0.0: Get "https://proxy.example": dial tcp: no route to host' >&2; exit 1`,
			want:  []string{"dial tcp: no route to host", "Check the network and GOPROXY", "KUBEBUILDER_ASSETS"},
		},
		"too little memory": {
			lines: `echo 'compile: signal: killed' >&2; exit 1`,
			want:  []string{"want of memory"},
		},
		"anything else, quoted without the names of packages": {
			lines: `printf 'k8s.io/api\n# k8s.io/api\napi.go:1:1: syntax error' >&2; exit 1`,
			want:  []string{"go's last lines:\n    # k8s.io/api\n    api.go:1:1: syntax error"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := fakeGo(t, test.lines).binary(t.Context(), binaries[0], t.TempDir())
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
		})
	}
}

func TestMissingGoCommandIsNamed(t *testing.T) {
	g := fakeGo(t, "")
	g.command = "no-such-go"
	g.free = freeSpace
	err := g.room(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "the go command is needed") {
		t.Errorf("got %v", err)
	}
}

func TestMissingRoomIsAnErrorBeforeTheBuild(t *testing.T) {
	g := fakeGo(t, "")
	if err := os.WriteFile(g.command, []byte("#!/bin/sh\necho /no/such/folder\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		free uint64
		err  string
		log  string
	}{
		"enough":                       {free: 6 * gib},
		"too little for a first build": {free: 3 * gib, log: "warning: only 3.0 GiB are free at "},
		"too little for any":           {free: gib, err: "only 1.0 GiB are free at "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			g.log, g.free = &log, func(string) uint64 { return test.free }
			err := g.room(t.Context(), t.TempDir())
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got error %v, want %q", err, test.err)
			}
			if !strings.HasPrefix(log.String(), test.log) || (log.Len() == 0) != (test.log == "") {
				t.Errorf("got log %q, want %q", &log, test.log)
			}
		})
	}
	if freeSpace("/no/such/folder") == 0 {
		t.Error("no free space found above a folder that does not exist")
	}
}

func TestProgressCountsPackagesAndDownloads(t *testing.T) {
	p := &progress{title: "etcd v3.6.8", start: time.Now()}
	_, _ = p.Write([]byte("go: downloading example.com/m v1.0.0\ngo: downloa"))
	_, _ = p.Write([]byte("ding example.com/n v1.0.0\n"))
	if got, want := p.String(), "building etcd v3.6.8: 2 modules downloaded, 0s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, _ = p.Write([]byte("example.com/m\nexample.com/n\n"))
	if got, want := p.String(), "building etcd v3.6.8: 2 packages compiled, 0s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	waits, got := make(chan struct{}), make(chan error)
	go func() {
		second, err := lock(t.Context(), path, func() { close(waits) })
		if err == nil {
			second()
		}
		got <- err
	}()
	<-waits
	select {
	case err := <-got:
		t.Fatalf("the second got the lock while it was held (%v)", err)
	default:
	}
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestWaitForTheLockCanBeInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
