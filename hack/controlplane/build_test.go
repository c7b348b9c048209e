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
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeGo returns a builder with a go command that runs these shell lines. $output is the path that it must write.
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

func TestBuildPutsTheBinaryIntoTheFolder(t *testing.T) {
	g := fakeGo(t, `echo k8s.io/api/core/v1 >&2; echo "$CGO_ENABLED $GOFLAGS $GOWORK" >"$output"; chmod +x "$output"`)
	var log bytes.Buffer
	g.log = &log
	dir := t.TempDir()
	if err := g.binary(t.Context(), binaries[0], dir); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "etcd"))
	if err != nil || string(content) != "0 -mod=readonly off\n" {
		t.Errorf("etcd contains %q (%v)", content, err)
	}
	assertOnly(t, dir, "etcd")
	if !strings.Contains(log.String(), "built etcd v3.6.8 in 0s\n") {
		t.Errorf("log: %s", &log)
	}
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	for name, lines := range map[string]string{
		"go fails":     `echo half >"$output"; chmod +x "$output"; exit 1`,
		"go is killed": `echo half >"$output"; chmod +x "$output"; kill -9 $$`,
		// The shell waits for its child, so only a signal to the whole process group ends both at once.
		"interrupted": `echo half >"$output"; sleep 15; true`,
	} {
		t.Run(name, func(t *testing.T) {
			interrupted, limit := name == "interrupted", time.Minute
			if interrupted {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			dir, start := t.TempDir(), time.Now()
			err := fakeGo(t, lines).binary(ctx, binaries[0], dir)
			if err == nil || interrupted != strings.Contains(err.Error(), "interrupted while building etcd v3.6.8") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			assertOnly(t, dir)
		})
	}
}

func TestLeftoversAreRemovedBeforeABuild(t *testing.T) {
	p, _ := newTestProvider(t)
	writeProgram(t, filepath.Join(p.built(), unfinished+"123"), "etcd")
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
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%s contains %v, want %v", dir, got, want)
	}
}

func TestErrorsOfFailedBuilds(t *testing.T) {
	for name, test := range map[string]struct {
		lines string
		want  []string
	}{
		"a full disk": {
			lines: `echo 'link: write out: no space left on device' >&2; exit 1`,
			want:  []string{"etcd v3.6.8 failed (exit status 1)", "    link: write out: no space", "The disk is full", "6 GiB"},
		},
		"a module that cannot be downloaded": {
			lines: `echo 'go: example.com/m@v1.0.0: Get "https://proxy.example": dial tcp: no route to host' >&2; exit 1`,
			want:  []string{"dial tcp: no route to host", "Check the network and GOPROXY", "KUBEBUILDER_ASSETS"},
		},
		"too little memory": {
			lines: `echo 'compile: signal: killed' >&2; exit 1`,
			want:  []string{"memory ran out"},
		},
		"another error, quoted without the names of packages": {
			lines: `printf 'k8s.io/api\n# k8s.io/api\napi.go:1:1: syntax error' >&2; exit 1`,
			want:  []string{"the last lines of its output:\n    # k8s.io/api\n    api.go:1:1: syntax error"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := fakeGo(t, test.lines).binary(t.Context(), binaries[0], t.TempDir())
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

func TestSpaceIsCheckedBeforeABuild(t *testing.T) {
	g := fakeGo(t, "")
	if err := os.WriteFile(g.command, []byte("#!/bin/sh\necho /no/such/folder\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		command string
		free    uint64
		err     string
		log     string
	}{
		"enough":                         {command: g.command, free: 6 * gib},
		"too little for the first build": {command: g.command, free: 3 * gib, log: "warning: only 3.0 GiB are free at "},
		"too little for any build":       {command: g.command, free: gib, err: "only 1.0 GiB are free at "},
		"no go command":                  {command: "no-such-go", err: "the go command is not in PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			g.command, g.log, g.free = test.command, &log, func(string) uint64 { return test.free }
			err := g.space(t.Context(), t.TempDir())
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got error %v, want %q", err, test.err)
			}
			if !strings.HasPrefix(log.String(), test.log) || (log.Len() == 0) != (test.log == "") {
				t.Errorf("got log %q, want %q", &log, test.log)
			}
		})
	}
	if freeSpace("/no/such/folder") == 0 {
		t.Error("freeSpace returns 0 for a folder that does not exist")
	}
}

func TestProgressCountsPackagesAndDownloads(t *testing.T) {
	const downloads = "go: downloading example.com/m v1.0.0\ngo: downloading example.com/n v1.0.0\n"
	for output, want := range map[string]string{
		downloads: "building etcd v3.6.8: 2 modules downloaded, 0s",
		downloads + "example.com/m\nexample.com/n\n": "building etcd v3.6.8: 2 packages compiled, 0s",
	} {
		p := &progress{title: "etcd v3.6.8", start: time.Now()}
		if p.follow(strings.NewReader(output), io.Discard); p.String() != want {
			t.Errorf("got %q, want %q", p, want)
		}
	}
}

func TestLockHasOneHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("waited for a lock that is free") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that was interrupted returned %v", err)
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
		t.Fatalf("the second caller did not wait (%v)", err)
	default:
	}
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
