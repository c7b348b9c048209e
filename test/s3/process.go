// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// startLimit is how long a server may take to start.
const startLimit = time.Minute

// process is a running server. It keeps its state in a temporary folder.
type process struct {
	command *exec.Cmd
	log     string        // the path of its output
	exited  chan struct{} // closed when it has ended
}

// newPair returns a random pair.
func newPair() Pair {
	return Pair{simulator.Random(20, simulator.Upper), simulator.Random(40, simulator.Hex)}
}

// run starts a server with this root pair and folder. The server outlives ctx.
func run(ctx context.Context, directory string, root Pair, command ...string) (*process, error) {
	output, err := os.CreateTemp(directory, "log-")
	if err != nil {
		return nil, err
	}
	defer output.Close() //nolint:errcheck // the child has its own handle
	p := &process{log: output.Name(), exited: make(chan struct{})}
	p.command = exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
	// Without the environment, it cannot find the AWS settings of a developer.
	p.command.Env = []string{"HOME=" + directory, "ROOT_ACCESS_KEY_ID=" + root.AccessKeyID, "ROOT_SECRET_ACCESS_KEY=" + root.SecretAccessKey}
	p.command.Stdout, p.command.Stderr = output, output
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// answers repeats a request until the server carries it out. If the server ends before, the error contains its output.
func (p *process) answers(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := request(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			text, _ := os.ReadFile(p.log)
			return fmt.Errorf("it ended: %s", text)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop kills the server, which has no state to save. It may be nil.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	err := p.command.Process.Signal(syscall.SIGKILL)
	<-p.exited
	if errors.Is(err, os.ErrProcessDone) { // Ctrl-C also reaches child processes
		return nil
	}
	return err
}

// certificateIn is the path of the certificate and its key in the folder of a server.
func certificateIn(directory string) string { return filepath.Join(directory, "tls.pem") }

// writeCertificate writes a certificate for a host and its key into the folder, and returns the CA.
func writeCertificate(directory, host string) (ca []byte, err error) {
	certificate, ca, err := simulator.NewCertificate(host)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return nil, err
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), ca...)
	return ca, os.WriteFile(certificateIn(directory), text, 0o600)
}

// versitygw starts versitygw with TLS. The command is the binary with its other flags and its subcommand.
func versitygw(ctx context.Context, directory, on string, root Pair, command ...string) (*process, error) {
	certificate := certificateIn(directory)
	general := []string{"--port=" + on, "--cert=" + certificate, "--key=" + certificate, "--region=" + Region, "--quiet"}
	return run(ctx, directory, root, slices.Insert(command, 1, general...)...)
}

// choose returns the host and port of a new server for its clients, its port, and the address for the server, which cannot choose
// a free port itself.
func choose(address simulator.Address) (clients, port, on string, err error) {
	listener, clients, err := address.Listen()
	if err != nil {
		return "", "", "", err
	}
	_, port, err = net.SplitHostPort(clients)
	on = clients
	if address.Host != "" {
		on = ":" + port
	}
	return clients, port, on, errors.Join(err, listener.Close())
}
