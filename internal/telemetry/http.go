// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// ServiceCall begins the span of a request to a key service or a data plane. op is what the request does: "create key". The span ends
// with the status of the answer, 0 without one, and with how long the request waited for the rate limit. It has neither the URL nor the
// error, which could quote a secret.
func ServiceCall(ctx context.Context, backend, op string) (traced context.Context, end func(status int, waited time.Duration)) {
	if !inPass(ctx) {
		return ctx, func(int, time.Duration) {}
	}
	ctx, span := step(ctx, backend+" "+op)
	span.SetAttributes(attribute.String("accesskey.service", backend), attribute.String("accesskey.operation", op))
	return ctx, func(status int, waited time.Duration) {
		if waited >= time.Millisecond {
			span.SetAttributes(attribute.Int64("accesskey.rate_limit_wait_ms", waited.Milliseconds()))
		}
		finish(span, status)
	}
}

// finish ends the span of a request. Every answer with a status of 400 or more is an error.
func finish(span trace.Span, status int) {
	switch {
	case status == 0:
		span.SetStatus(codes.Error, "no answer")
	case status >= http.StatusBadRequest:
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	if status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	span.End()
}

// KubeTransport traces the requests to the API server that a reconciliation sends.
func KubeTransport(next http.RoundTripper) http.RoundTripper { return kubeTransport{next} }

type kubeTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t kubeTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if !inPass(request.Context()) {
		return t.next.RoundTrip(request)
	}
	resource, name := resourceOf(request.URL.Path)
	does := "kube " + request.Method + " " + resource
	if request.URL.Query().Has("dryRun") {
		does += " (dry run)"
	}
	ctx, span := step(request.Context(), does)
	span.SetAttributes(attribute.String("http.request.method", request.Method), attribute.String("k8s.resource", resource), attribute.String("k8s.object.name", name))
	response, err := t.next.RoundTrip(request.WithContext(ctx))
	switch {
	case err != nil:
		finish(span, 0)
	case response.StatusCode == http.StatusNotFound && request.Method == http.MethodGet: // an answer like any other
		span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
		span.End()
	default:
		finish(span, response.StatusCode)
	}
	return response, err
}

// WrappedRoundTripper lets client-go find the transport below.
func (t kubeTransport) WrappedRoundTripper() http.RoundTripper { return t.next }

// resourceOf returns the resource and the name in the path of a request to the API server, such as "accesskeys/status" and "backup" of
// /apis/accesskey.dev/v1alpha1/namespaces/team-a/accesskeys/backup/status.
func resourceOf(path string) (resource, name string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	skip := 2 // api/v1
	if parts[0] == "apis" {
		skip = 3
	}
	if len(parts) > skip+2 && parts[skip] == "namespaces" {
		skip += 2
	}
	if len(parts) <= skip {
		return strings.Trim(path, "/"), ""
	}
	resource = parts[skip]
	if len(parts) > skip+1 {
		name = parts[skip+1]
	}
	if len(parts) > skip+2 {
		resource += "/" + parts[skip+2]
	}
	return resource, name
}
