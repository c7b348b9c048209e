// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command consumer is an application with an access key. It lists a bucket again and again, and logs each request. The pair comes
// from the environment, as with envFrom, or from the files of a mounted Secret, which it reads for each request.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"accesskey.dev/operator/test/s3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "consumer: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("consumer", flag.ContinueOnError)
	directory := flags.String("directory", "", "folder with the keys of the Secret as files; by default, they are in the environment")
	interval := flags.Duration("interval", time.Second, "time between two requests")
	ca := flags.String("ca-file", "", "CA certificate of the S3 server; without it, the consumer accepts every certificate")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	read := os.Getenv
	if *directory != "" {
		read = func(key string) string {
			text, _ := os.ReadFile(filepath.Join(*directory, key)) // a missing file is an empty value, as in the environment
			return string(text)
		}
	}
	client, err := connect(read("AWS_ENDPOINT_URL_S3"), *ca)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	ticker := time.NewTicker(*interval)
	defer ticker.Stop()
	for {
		list(ctx, log, client, s3.Pair{AccessKeyID: read("AWS_ACCESS_KEY_ID"), SecretAccessKey: read("AWS_SECRET_ACCESS_KEY")})
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func connect(endpoint, ca string) (*s3.Client, error) {
	if endpoint == "" {
		return nil, errors.New("there is no AWS_ENDPOINT_URL_S3: set spec.s3 of the KeyService")
	}
	if ca == "" {
		return s3.NewInsecureClient(endpoint), nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	return s3.NewClient(endpoint, pem)
}

// list lists the bucket once and logs the result.
func list(ctx context.Context, log *slog.Logger, client *s3.Client, pair s3.Pair) {
	objects, err := client.List(ctx, pair)
	switch code := s3.Refused(err); {
	case code != "":
		log.Error("The S3 server refused the pair", "accessKeyID", pair.AccessKeyID, "code", code)
	case err != nil && ctx.Err() == nil:
		log.Error("The request failed", "accessKeyID", pair.AccessKeyID, "error", err)
	case err == nil:
		log.Info("Listed the bucket", "accessKeyID", pair.AccessKeyID, "objects", cmp.Or(strings.Join(objects, " "), "none"))
	}
}
