// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package telemetry traces what the operator does: a trace of each operation of an AccessKey, with its passes, the requests to the key
// service and to the data plane, and those to the API server. It is off unless the standard environment variables of OpenTelemetry
// name an endpoint.
package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Name is the name of the service in traces, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES has another one.
const Name = "accesskey-operator"

// protocol is how traces are sent; OTLP over gRPC is not supported.
const protocol = "http/protobuf"

// enabled reports whether the environment asks for traces.
func enabled() (bool, error) {
	endpoint := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "", "otlp":
	case "none":
		return false, nil
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q: set it to otlp or none", exporter)
	}
	wanted := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), protocol)
	if wanted != protocol {
		return false, fmt.Errorf("the protocol of OTEL_EXPORTER_OTLP_PROTOCOL is %q: the operator only sends traces by %s", wanted, protocol)
	}
	return true, nil
}

// New returns the Tracer that the environment asks for, and a function that sends what is left and stops it. Without an endpoint in the
// environment, the Tracer is nil, which traces nothing.
func New(ctx context.Context, version string, logger logr.Logger) (tracer *Tracer, stop func(context.Context) error, err error) {
	stop = func(context.Context) error { return nil }
	if on, err := enabled(); err != nil || !on {
		return nil, stop, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, stop, fmt.Errorf("setting up traces: %w", err)
	}
	origin, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", Name), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, stop, fmt.Errorf("setting up traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Info("Could not send traces", "error", err.Error()) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(origin))
	return FromProvider(provider), provider.Shutdown, nil
}
