// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command simulators runs the simulators of the key services over TLS, by default on the loopback interface. Each service
// has an account that is ready to use. When all services run, the command prints their addresses and accounts as JSON. It runs
// until it receives SIGINT or SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	versions "k8s.io/apimachinery/pkg/util/version"

	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/admin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "simulators: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("simulators", flag.ContinueOnError)
	host := flags.String("host", "", "name by which clients reach the services, such as that of a Kubernetes Service; if it is set, the program listens on all interfaces")
	adminPort := flags.Int("admin-port", 0, "port of the admin endpoint (plain HTTP); 0 selects a free port")
	version := flags.String("ontap-version", "9.16.1", "version of the ONTAP cluster; since 9.19.1 a user has two keys")
	users := flags.Int("qumulo-users", 0, "number of local users of Qumulo in addition to backup: user-0, user-1, …")
	s3Server := flags.String("s3-server", "", "path of versitygw (make s3-server prints it); if it is set, the keys open a real S3 server, and aws is its own IAM API instead of a simulator")
	s3Port := flags.Int("s3-port", 0, "port of the S3 server; 0 selects a free port")
	iamS3Port := flags.Int("aws-s3-port", 0, "port of the S3 server that belongs to the IAM API of versitygw; 0 selects a free port")
	var all []*service
	for _, row := range services.Kinds() {
		s := &service{Service: row}
		flags.IntVar(&s.port, row.Kind+"-port", 0, "port of "+row.Title+"; 0 selects a free port")
		all = append(all, s)
	}
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if _, err := versions.ParseGeneric(*version); err != nil {
		return fmt.Errorf("--ontap-version: %w", err)
	}
	endpoint := &admin.Endpoint{Welcome: admin.Welcome{Services: map[string]admin.Account{}}}
	for _, s := range all {
		r, account, started := s.run(ctx, setting{*host, *s3Server, *version, *users, *iamS3Port})
		defer func() { err = errors.Join(err, r.stop()) }()
		if started != nil {
			return fmt.Errorf("serving %s: %w", s.Title, started)
		}
		endpoint.Services, endpoint.Welcome.Services[s.Kind] = append(endpoint.Services, r.administrated()), account
	}
	if *s3Server != "" {
		server, err := s3.StartAt(ctx, simulator.Address{Host: *host, Port: *s3Port}, *s3Server, endpoint.Working)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		endpoint.Welcome.S3 = &admin.S3{Endpoint: server.Endpoint, Region: s3.Region, CA: string(server.CA), Bucket: s3.Bucket}
	}
	return serve(ctx, endpoint, simulator.Address{Host: *host, Port: *adminPort}, out)
}

// serve prints the welcome and runs the admin endpoint until ctx is done.
func serve(ctx context.Context, endpoint *admin.Endpoint, address simulator.Address, out io.Writer) error {
	listener, clients, err := address.Listen()
	if err != nil {
		return fmt.Errorf("serving the admin endpoint: %w", err)
	}
	endpoint.Welcome.Admin = "http://" + clients
	server := &http.Server{Handler: endpoint.Handler(), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(endpoint.Welcome); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case <-ctx.Done():
		return server.Close()
	case err := <-ended:
		return err
	}
}
