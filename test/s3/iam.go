// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"accesskey.dev/operator/test/simulator"
)

// IAM is a running versitygw with its own IAM API, and an S3 server that asks the IAM API which keys exist. They are two processes,
// which keep their state in a temporary folder.
type IAM struct {
	*Admin
	// Endpoint is the URL of the S3 server.
	Endpoint string

	directory    string
	api, gateway *process
}

// StartIAM starts both servers on the loopback interface. A key works from its creation until it is disabled or deleted. The binary
// is a path, such as that of Binary. The caller must stop the servers.
func StartIAM(ctx context.Context, binary string) (*IAM, error) {
	return StartIAMAt(ctx, simulator.Address{}, binary, newPair())
}

// StartIAMAt is like StartIAM, but the S3 server listens at this address, and the root pair is that of the caller.
func StartIAMAt(ctx context.Context, address simulator.Address, binary string, root Pair) (s *IAM, err error) {
	s = &IAM{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting the IAM API and the S3 server of %s: %w", binary, err), s.Stop())
		}
	}()
	if s.directory, err = os.MkdirTemp("", "accesskey-iam-"); err != nil {
		return s, err
	}
	ca, err := writeCertificate(s.directory, address.Host)
	if err != nil {
		return s, err
	}
	if err := s.startAPI(ctx, binary, ca, root); err != nil {
		return s, err
	}
	clients, port, on, err := choose(address)
	if err != nil {
		return s, err
	}
	s.Endpoint = "https://" + clients
	if s.gateway, err = gateway(ctx, s.directory, on, s.Root, binary, "--iam-standalone-endpoint="+s.socket()); err != nil {
		return s, err
	}
	return s, fill(ctx, s.gateway, "https://127.0.0.1:"+port, ca, s.Root)
}

// Stop stops both servers and removes their state.
func (s *IAM) Stop() error {
	return errors.Join(s.gateway.stop(), s.api.stop(), os.RemoveAll(s.directory))
}

// socket is the path at which the S3 server asks for keys.
func (s *IAM) socket() string { return filepath.Join(s.directory, "private.sock") }

// startAPI starts the IAM API and waits until it answers.
func (s *IAM) startAPI(ctx context.Context, binary string, ca []byte, root Pair) error {
	clients, _, on, err := choose(simulator.Address{})
	if err != nil {
		return err
	}
	users := filepath.Join(s.directory, "users")
	if err := os.Mkdir(users, 0o700); err != nil {
		return err
	}
	if s.Admin, err = newAdmin("https://"+clients, ca, root); err != nil {
		return err
	}
	if s.api, err = versitygw(ctx, s.directory, on, s.Root, binary, "iam", "--dir="+users, "--private-ports="+s.socket()); err != nil {
		return err
	}
	return s.api.answers(ctx, func(ctx context.Context) error { return s.do(ctx, "ListUsers", url.Values{}, nil) })
}
