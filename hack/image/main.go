// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command image writes a container image that contains nothing but static binaries. It needs neither a container runtime nor a
// registry, so tests can build images on any machine.
//
//	image --tag=accesskey-operator:dev --output=bin/images/manager.tar bin/manager
//
// The binaries are at the root of the image. The first one is the entrypoint. The output is an archive for docker load,
// kind load image-archive, k3d image import and ctr image import. It depends only on the arguments and the binaries, so equal
// binaries give equal bytes.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// user is the user and the group of the processes, which distroless images call nonroot.
const user = "65532:65532"

// image is what the command line describes.
type image struct {
	tag      name.Tag
	output   string
	created  time.Time
	labels   map[string]string
	binaries []string
}

func main() {
	err := run(os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	i, err := parse(arguments)
	if err != nil {
		return err
	}
	built, err := i.build()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(i.output), 0o755); err != nil {
		return err
	}
	return tarball.WriteToFile(i.output, i.tag, built)
}

func parse(arguments []string) (image, error) {
	i := image{created: time.Unix(0, 0).UTC(), labels: map[string]string{}}
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	tag := flags.String("tag", "", "name and tag of the image, such as accesskey-operator:dev")
	flags.StringVar(&i.output, "output", "", "path of the archive")
	flags.Func("created", "when the image was made (RFC 3339); by default 1970, so that equal binaries give equal images", func(text string) (err error) {
		i.created, err = time.Parse(time.RFC3339, text)
		return err
	})
	flags.Func("label", "a label, as name=value; may be repeated", func(text string) error {
		key, value, found := strings.Cut(text, "=")
		if !found {
			return errors.New("want name=value")
		}
		i.labels[key] = value
		return nil
	})
	if err := flags.Parse(arguments); err != nil {
		return i, err
	}
	i.binaries = flags.Args()
	if i.output == "" || len(i.binaries) == 0 {
		return i, errors.New("--output and at least one binary are required")
	}
	var err error
	i.tag, err = name.NewTag(*tag)
	return i, err
}

// build returns an image with one layer.
func (i image) build() (v1.Image, error) {
	architecture, err := i.architecture()
	if err != nil {
		return nil, err
	}
	content, err := i.layer()
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
		tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: architecture, Created: v1.Time{Time: i.created},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint: []string{"/" + filepath.Base(i.binaries[0])},
			User:       user, WorkingDir: "/", Labels: i.labels,
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: i.created}, CreatedBy: "hack/image"}})
}

// architecture returns the architecture for which Go built the binaries. It fails if one of them needs another system or an
// interpreter, because the image contains no libraries.
func (i image) architecture() (string, error) {
	var all string
	for _, path := range i.binaries {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("reading how %s was built: %w", path, err)
		}
		settings := map[string]string{}
		for _, setting := range info.Settings {
			settings[setting.Key] = setting.Value
		}
		architecture := settings["GOARCH"]
		switch {
		case settings["GOOS"] != "linux" || settings["CGO_ENABLED"] != "0":
			return "", fmt.Errorf("%s is not a static binary for Linux: build it with GOOS=linux and CGO_ENABLED=0", path)
		case all != "" && all != architecture:
			return "", fmt.Errorf("%s is for %s, but %s is for %s", i.binaries[0], all, path, architecture)
		}
		all = architecture
	}
	return all, nil
}

// layer returns a tar archive with the binaries.
func (i image) layer() ([]byte, error) {
	var content bytes.Buffer
	writer := tar.NewWriter(&content)
	for _, path := range i.binaries {
		binary, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: filepath.Base(path), Mode: 0o555, Size: int64(len(binary)), ModTime: i.created}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(binary); err != nil {
			return nil, err
		}
	}
	return content.Bytes(), writer.Close()
}
