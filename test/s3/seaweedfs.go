// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"accesskey.dev/operator/test/simulator"
)

// SeaweedFS is a running SeaweedFS, which serves S3 and the IAM API at one URL. It keeps its state in a temporary folder.
type SeaweedFS struct {
	*Admin
	// Static is a user of the configuration file.
	Static string

	directory string
	ports     []string
	process   *process
}

// StartSeaweedFS starts all servers of SeaweedFS in one process on the loopback interface, which takes about ten seconds. The binary
// is weed. The caller must stop it.
func StartSeaweedFS(ctx context.Context, binary string) (s *SeaweedFS, err error) {
	s = &SeaweedFS{Static: "static"}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting SeaweedFS, %s: %w", binary, err), s.Stop())
		}
	}()
	if s.directory, err = os.MkdirTemp("", "accesskey-seaweedfs-"); err != nil {
		return s, err
	}
	ca, err := writeCertificate(s.directory, "")
	if err != nil {
		return s, err
	}
	root := newPair()
	identities, err := s.writeIdentities(root)
	if err != nil {
		return s, err
	}
	command := []string{
		binary, "server", "-dir=" + s.directory, "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-volume.max=1",
		"-s3", "-s3.iam.readOnly=false", "-s3.config=" + identities, "-s3.port.iceberg=0", "-s3.port.lance=0",
		"-s3.cert.file=" + certificateIn(s.directory), "-s3.key.file=" + certificateIn(s.directory),
		"-s3.localSocket=" + filepath.Join(s.directory, "s3.sock"), "-filer.localSocket=" + filepath.Join(s.directory, "filer.sock"),
	}
	for _, server := range []string{"master", "volume", "filer", "s3"} {
		for _, flag := range []string{".port=", ".port.grpc="} {
			_, port, _, err := choose(simulator.Address{})
			if err != nil {
				return s, err
			}
			s.ports = append(s.ports, port)
			command = append(command, "-"+server+flag+port)
		}
	}
	if s.Admin, err = newAdmin("https://127.0.0.1:"+s.ports[len(s.ports)-2], ca, root); err != nil {
		return s, err
	}
	if s.process, err = run(ctx, s.directory, root, command...); err != nil {
		return s, err
	}
	return s, fill(ctx, s.process, s.URL, ca, root)
}

// Stop stops SeaweedFS and removes its state.
func (s *SeaweedFS) Stop() error {
	errs := []error{s.process.stop()}
	for _, port := range s.ports { // it has sockets outside its folder, too
		sockets, _ := filepath.Glob("/tmp/seaweedfs-*-" + port + ".sock")
		for _, socket := range sockets {
			errs = append(errs, os.Remove(socket))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(s.directory))...)
}

// writeIdentities writes the configuration file, with the root pair and the static user.
func (s *SeaweedFS) writeIdentities(root Pair) (path string, err error) {
	type credential struct {
		AccessKey string `json:"accessKey"`
		SecretKey string `json:"secretKey"`
	}
	type identity struct {
		Name        string       `json:"name"`
		Credentials []credential `json:"credentials"`
		Actions     []string     `json:"actions"`
	}
	static := newPair()
	text, err := json.Marshal(map[string]any{"identities": []identity{
		{"root", []credential{{root.AccessKeyID, root.SecretAccessKey}}, []string{"Admin"}},
		{s.Static, []credential{{static.AccessKeyID, static.SecretAccessKey}}, []string{"Read:" + Bucket, "List:" + Bucket}},
	}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(s.directory, "identities.json")
	return path, os.WriteFile(path, text, 0o600)
}
