// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package s3 runs a real S3 server, versitygw. It has no accounts of its own: for each request it asks
// the test which access keys exist, so a key of a simulated key service opens it exactly as long as the key works there.
package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"accesskey.dev/operator/test/simulator"
)

const (
	// Bucket is the bucket that the server has from the start. It contains Object, and every key may read and write it.
	Bucket = "backups"
	// Object is an object in Bucket.
	Object = "welcome.txt"
	// Region is the region of the server.
	Region = "us-east-1"

	// startLimit is how long the server may take to start.
	startLimit = 30 * time.Second
)

// Server is a running versitygw that stores its objects in a temporary folder.
type Server struct {
	// Endpoint is the URL of the server, such as https://127.0.0.1:9000.
	Endpoint string
	// CA is the CA certificate of the server in PEM format.
	CA []byte

	directory string
	log       string
	local     string // the URL of the server on this machine
	accounts  *http.Server
	process   *exec.Cmd
	exited    chan struct{} // closed when the process has ended
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
	s.log = filepath.Join(s.directory, "log")
	iam, err := s.serveAccounts(keys)
	if err != nil {
		return s, err
	}
	if err := s.writeCertificate(address.Host); err != nil {
		return s, err
	}
	on, err := s.choose(address)
	if err != nil {
		return s, err
	}
	root := Pair{simulator.Random(20, simulator.Upper), simulator.Random(40, simulator.Hex)}
	if err := s.run(ctx, []string{binary, "--port=" + on, "--s3-iam-endpoint=" + iam}, root); err != nil {
		return s, err
	}
	return s, s.fill(ctx, root)
}

// Stop stops the server and removes its objects.
func (s *Server) Stop() error {
	var errs []error
	if s.process != nil {
		errs = append(errs, s.process.Process.Signal(syscall.SIGKILL)) // it has no state to save
		<-s.exited
	}
	if s.accounts != nil {
		errs = append(errs, s.accounts.Close())
	}
	errs = append(errs, os.RemoveAll(s.directory))
	for i, err := range errs {
		if errors.Is(err, os.ErrProcessDone) { // Ctrl-C also reaches child processes
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// run starts the process. The command is the binary with the flags that depend on the address.
func (s *Server) run(ctx context.Context, command []string, root Pair) error {
	for _, folder := range []string{"objects", "metadata"} {
		if err := os.Mkdir(filepath.Join(s.directory, folder), 0o700); err != nil {
			return err
		}
	}
	output, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer output.Close() //nolint:errcheck // the child has its own handle
	s.process = exec.CommandContext(context.WithoutCancel(ctx), command[0], append(command[1:],
		"--cert="+s.certificate(), "--key="+s.certificate(), "--region="+Region, "--quiet",
		"--s3-iam-bucket="+accountsBucket, "--s3-iam-region="+Region,
		"--s3-iam-access=unchecked", "--s3-iam-secret=unchecked", "--iam-cache-disable",
		"posix", "--sidecar="+filepath.Join(s.directory, "metadata"), filepath.Join(s.directory, "objects"))...)
	// Without the environment, it cannot find the AWS settings of a developer.
	s.process.Env = []string{"HOME=" + s.directory, "ROOT_ACCESS_KEY_ID=" + root.AccessKeyID, "ROOT_SECRET_ACCESS_KEY=" + root.SecretAccessKey}
	s.process.Stdout, s.process.Stderr = output, output
	if err := s.process.Start(); err != nil {
		s.process = nil
		return err
	}
	s.exited = make(chan struct{})
	go func() {
		_ = s.process.Wait()
		close(s.exited)
	}()
	return nil
}

// fill waits until the server answers, and creates the bucket.
func (s *Server) fill(ctx context.Context, root Pair) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	client, err := NewClient(s.local, s.CA)
	if err != nil {
		return err
	}
	for {
		err := client.Create(ctx, root)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			text, _ := os.ReadFile(s.log)
			return fmt.Errorf("it ended: %s", text)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// certificate is the path of a file with the certificate and its key.
func (s *Server) certificate() string { return filepath.Join(s.directory, "tls.pem") }

func (s *Server) writeCertificate(host string) error {
	var certificate tls.Certificate
	var err error
	if certificate, s.CA, err = simulator.NewCertificate(host); err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return err
	}
	return os.WriteFile(s.certificate(), append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), s.CA...), 0o600)
}

// choose sets the URLs of the server and returns the address for versitygw, which cannot choose a free port itself.
func (s *Server) choose(address simulator.Address) (on string, err error) {
	listener, clients, err := address.Listen()
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(clients)
	s.Endpoint, s.local = "https://"+clients, "https://127.0.0.1:"+port
	if address.Host != "" {
		return ":" + port, errors.Join(err, listener.Close())
	}
	return clients, errors.Join(err, listener.Close())
}
