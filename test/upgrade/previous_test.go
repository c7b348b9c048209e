// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// previous is the commit of the previous release. After a release, set it to that release, and run "go test ./test/upgrade -run Live
// -update" to add its golden files.
const previous = "59742ff7d2d9c1e32aa053766330e4a5ca485c84"

const repository = "../.."

// release is a version of the operator.
type release struct {
	name string
	// manager is the path of the binary, config the folder of the kustomizations.
	manager, config string
}

// today builds the operator of this checkout.
func today(t *testing.T) release {
	t.Helper()
	r := release{name: "today", manager: filepath.Join(t.TempDir(), "manager"), config: filepath.Join(repository, "config")}
	build(t, repository, r.manager)
	return r
}

// previousRelease returns the operator of the previous release. It is built once, and kept in the cache that all checkouts share. The test is
// skipped if the history of the checkout does not reach back to that release.
func previousRelease(t *testing.T) release {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), "git", "-C", repository, "cat-file", "-e", previous+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("NOT RUN: the upgrade from the previous release. This checkout does not contain its commit %s (git fetch --unshallow gets it). The golden files are read all the same. %s", previous, output)
	}
	cache, err := os.UserCacheDir()
	must(t, err)
	folder := filepath.Join(cache, "accesskey-operator", "releases", previous+"-"+runtime.Version())
	r := release{name: "previous", manager: filepath.Join(folder, "manager"), config: filepath.Join(folder, "config")}
	if _, err := os.Stat(folder); err == nil {
		return r
	}
	must(t, os.MkdirAll(filepath.Dir(folder), 0o755))
	work, err := os.MkdirTemp(filepath.Dir(folder), "building-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(work) }) // it is gone if it became the folder
	archive, err := exec.CommandContext(t.Context(), "git", "-C", repository, "archive", previous, "go.mod", "go.sum", "api", "cmd", "internal", "config").Output()
	must(t, err)
	unpack := exec.CommandContext(t.Context(), "tar", "-x", "-C", work)
	unpack.Stdin = bytes.NewReader(archive)
	must(t, unpack.Run())
	build(t, work, filepath.Join(work, "manager"))
	// Another test process may have been faster.
	if err := os.Rename(work, folder); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return r
}

func build(t *testing.T, folder, manager string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", manager, "./cmd")
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the manager in %s: %v: %s", folder, err, output)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
