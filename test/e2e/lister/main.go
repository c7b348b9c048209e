// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command lister is an application that uses the credentials of an AccessKey: it lists a bucket every second, and reports each
// answer. It finds the credentials with the AWS SDK's own chain. With --read-again it looks for them before each request, as an
// application must do that uses a mounted file; otherwise it keeps those from its start.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"accesskey.dev/operator/test/e2e/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "lister:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context) error {
	bucket := flag.String("bucket", "", "bucket to list")
	consumer := flag.String("consumer", "", "name of this consumer")
	reports := flag.String("reports", "", "URL that gets a report of each request")
	again := flag.Bool("read-again", false, "look for the credentials before each request")
	flag.Parse()
	client, err := newClient(ctx)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		if *again {
			if client, err = newClient(ctx); err != nil {
				return err
			}
		}
		answer := list(ctx, client, *bucket)
		if ctx.Err() != nil {
			return nil // the Pod is being stopped, so the request was cancelled
		}
		answer.Consumer = *consumer
		if err := send(ctx, *reports, answer); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func newClient(ctx context.Context) (*s3.Client, error) {
	settings, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = true }), nil
}

// list lists the bucket once, without retries, so that no refusal is hidden.
func list(ctx context.Context, client *s3.Client, bucket string) report.Report {
	answer := report.Report{Pod: os.Getenv("HOSTNAME")}
	credentials, err := client.Options().Credentials.Retrieve(ctx)
	if err == nil {
		answer.AccessKeyID = credentials.AccessKeyID
		start := time.Now()
		_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
		answer.Took = time.Since(start)
	}
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

func send(ctx context.Context, url string, answer report.Report) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("reporting to %s: %w", url, err)
	}
	return response.Body.Close()
}
