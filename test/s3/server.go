// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package s3 runs a real S3 server, versitygw, in two ways. Start runs it without accounts of its own: for each request it asks
// the test which access keys exist, so a key of a simulated key service opens it exactly as long as the key works there. StartIAM
// runs it with its own IAM API, which is then the key service.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"accesskey.dev/operator/test/simulator"
)

const (
	// Bucket is the bucket that the server has from the start. It contains Object, and every key may read and write it.
	Bucket = "backups"
	// Object is an object in Bucket.
	Object = "welcome.txt"
	// Region is the region of the server.
	Region = "us-east-1"
)

// Server is a running versitygw that stores its objects in a temporary folder.
type Server struct {
	// Endpoint is the URL of the server, such as https://127.0.0.1:9000.
	Endpoint string
	// CA is the CA certificate of the server in PEM format.
	CA []byte

	directory string
	accounts  *http.Server
	process   *process
}

// Start starts a server on the loopback interface. It accepts the pairs that keys returns, as secrets by access key ID, and calls
// keys for each request. The binary is a path, such as that of Binary. The caller must stop the server.
func Start(ctx context.Context, binary string, keys func() map[string]string) (*Server, error) {
	return StartAt(ctx, simulator.Address{}, binary, keys)
}

// StartAt is like Start, but the server listens at this address.
func StartAt(ctx context.Context, address simulator.Address, binary string, keys func() map[string]string) (s *Server, err error) {
	s = &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting the S3 server %s: %w", binary, err), s.Stop())
		}
	}()
	if s.directory, err = os.MkdirTemp("", "accesskey-s3-"); err != nil {
		return s, err
	}
	iam, err := s.serveAccounts(keys)
	if err != nil {
		return s, err
	}
	if s.CA, err = writeCertificate(s.directory, address.Host); err != nil {
		return s, err
	}
	clients, port, on, err := choose(address)
	if err != nil {
		return s, err
	}
	s.Endpoint = "https://" + clients
	root := newPair()
	s.process, err = gateway(ctx, s.directory, on, root, binary, "--s3-iam-endpoint="+iam,
		"--s3-iam-bucket="+accountsBucket, "--s3-iam-region="+Region,
		"--s3-iam-access=unchecked", "--s3-iam-secret=unchecked", "--iam-cache-disable")
	if err != nil {
		return s, err
	}
	return s, fill(ctx, s.process, "https://127.0.0.1:"+port, s.CA, root)
}

// Stop stops the server and removes its objects.
func (s *Server) Stop() error {
	errs := []error{s.process.stop()}
	if s.accounts != nil {
		errs = append(errs, s.accounts.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.directory))...)
}

// gateway starts versitygw as an S3 server that keeps its objects in the folder. The command is the binary with the flags of its
// accounts.
func gateway(ctx context.Context, directory, on string, root Pair, command ...string) (*process, error) {
	metadata, objects := filepath.Join(directory, "metadata"), filepath.Join(directory, "objects")
	for _, folder := range []string{metadata, objects} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, err
		}
	}
	return versitygw(ctx, directory, on, root, append(command, "posix", "--sidecar="+metadata, objects)...)
}

// fill waits until the S3 server answers at the URL, and creates the bucket.
func fill(ctx context.Context, server *process, url string, ca []byte, root Pair) error {
	client, err := NewClient(url, ca)
	if err != nil {
		return err
	}
	return server.answers(ctx, func(ctx context.Context) error { return client.Create(ctx, root) })
}
