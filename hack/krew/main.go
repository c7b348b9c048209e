// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command krew writes what a release of the kubectl plugin consists of: an archive for each platform, and the manifest by which krew, the
// package manager of kubectl plugins, finds and checks them. It uploads nothing.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"text/template"
)

// platforms are those for which kubectl itself is released most.
var platforms = [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}}

//go:embed accesskey.yaml.tmpl
var manifest string

// release is what the manifest says.
type release struct {
	Version, Homepage, URL string
	Archives               []archive
}

// archive is the plugin for one platform.
type archive struct{ OS, Arch, Name, Binary, SHA256 string }

func main() {
	var r release
	output := flag.String("output", "bin/krew", "the folder for the archives and the manifest")
	flag.StringVar(&r.Version, "version", "", "the version of the release, such as v0.1.0")
	flag.StringVar(&r.URL, "url", "", "where the archives will be, such as https://downloads.example/v0.1.0")
	flag.StringVar(&r.Homepage, "homepage", "", "the page of the project")
	flag.Parse()
	if err := r.write(*output); err != nil {
		fmt.Fprintln(os.Stderr, "krew:", err)
		os.Exit(1)
	}
}

func (r *release) write(folder string) error {
	if !regexp.MustCompile(`^v\d+\.\d+\.\d+`).MatchString(r.Version) || r.URL == "" || r.Homepage == "" {
		return fmt.Errorf("set -version to a version such as v0.1.0, -url and -homepage")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	licence, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}
	for _, platform := range platforms {
		program, err := build(platform[0], platform[1], r.Version)
		if err != nil {
			return err
		}
		packed, data, err := pack(platform, program, licence)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, packed.Name), data, 0o644); err != nil {
			return err
		}
		r.Archives = append(r.Archives, packed)
	}
	file, err := os.Create(filepath.Join(folder, "accesskey.yaml"))
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // render reports what matters
	return r.render(file)
}

// build builds the plugin with the Makefile, which stamps the version.
func build(goos, goarch, version string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "krew-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a leftover does no harm
	command := exec.Command("make", "--silent", "cli", "BIN="+folder, "VERSION="+version)
	command.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch)
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the plugin for %s/%s: %w: %s", goos, goarch, err, out)
	}
	return os.ReadFile(filepath.Join(folder, "kubectl-accesskey"))
}

// pack returns an archive with the plugin and its licence. The same plugin always gives the same bytes.
func pack(platform [2]string, program, licence []byte) (archive, []byte, error) {
	a := archive{OS: platform[0], Arch: platform[1], Binary: "kubectl-accesskey"}
	a.Name = fmt.Sprintf("kubectl-accesskey_%s_%s.tar.gz", a.OS, a.Arch)
	if a.OS == "windows" {
		a.Binary += ".exe"
	}
	var data bytes.Buffer
	compressed := gzip.NewWriter(&data)
	files := tar.NewWriter(compressed)
	for _, file := range []struct {
		name string
		mode int64
		data []byte
	}{{a.Binary, 0o755, program}, {"LICENSE", 0o644, licence}} {
		if err := files.WriteHeader(&tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.data))}); err != nil {
			return a, nil, err
		}
		if _, err := files.Write(file.data); err != nil {
			return a, nil, err
		}
	}
	if err := files.Close(); err != nil {
		return a, nil, err
	}
	if err := compressed.Close(); err != nil {
		return a, nil, err
	}
	digest := sha256.Sum256(data.Bytes())
	a.SHA256 = hex.EncodeToString(digest[:])
	return a, data.Bytes(), nil
}

// render writes the manifest.
func (r *release) render(w io.Writer) error {
	return template.Must(template.New("manifest").Option("missingkey=error").Parse(manifest)).Execute(w, r)
}
