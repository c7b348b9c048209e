// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/types"
)

var backup = types.NamespacedName{Namespace: "team-a", Name: "backup"}

// recorded returns a Tracer, and a function that returns the spans that have ended.
func recorded() (*Tracer, func() []sdktrace.ReadOnlySpan) {
	recorder := tracetest.NewSpanRecorder()
	return FromProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))), recorder.Ended
}

func call(ctx context.Context, op string, status int) {
	_, end := ServiceCall(ctx, "qumulo", op)
	end(status, 0)
}

func TestOperationIsOneTrace(t *testing.T) {
	tracer, ended := recorded()
	ctx, pass := tracer.Pass(t.Context(), "AccessKey", backup)
	call(ctx, "create key", http.StatusCreated)
	call(ctx, "list buckets", http.StatusForbidden)
	pass.End(true, nil, attribute.String("accesskey.verb", "Create"))
	_, pass = tracer.Pass(t.Context(), "AccessKey", backup)
	pass.End(true, nil) // it sent nothing
	ctx, pass = tracer.Pass(t.Context(), "AccessKey", backup)
	call(ctx, "list buckets", http.StatusOK)
	pass.End(false, nil)
	ctx, pass = tracer.Pass(t.Context(), "AccessKey", backup)
	call(ctx, "delete key", 0)
	pass.End(false, errors.New("no answer"))

	var names []string
	traces := map[string][]string{}
	for _, span := range ended() {
		names = append(names, span.Name())
		id := span.SpanContext().TraceID().String()
		traces[id] = append(traces[id], span.Name())
	}
	want := []string{"qumulo create key", "qumulo list buckets", "Reconcile AccessKey", "qumulo list buckets", "Reconcile AccessKey", "qumulo delete key", "Reconcile AccessKey"}
	if !slices.Equal(names, want) || len(traces) != 2 {
		t.Fatalf("spans %q in %d traces", names, len(traces))
	}
	spans := ended()
	if got := traces[spans[0].SpanContext().TraceID().String()]; !slices.Equal(got, want[:5]) {
		t.Errorf("the operation is %q", got)
	}
	if spans[0].Parent().SpanID() != spans[2].SpanContext().SpanID() || spans[4].Parent().SpanID() != spans[2].SpanContext().SpanID() || spans[2].Parent().IsValid() {
		t.Error("the first pass is not the parent of its requests and of the second pass")
	}
	if spans[1].Status().Description != "Forbidden" || spans[5].Status().Description != "no answer" || spans[6].Status().Description != "no answer" {
		t.Errorf("failures: %+v, %+v, %+v", spans[1].Status(), spans[5].Status(), spans[6].Status())
	}
}

func TestRequestsToTheAPIServer(t *testing.T) {
	tracer, ended := recorded()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	client := http.Client{Transport: KubeTransport(http.DefaultTransport)}
	ctx, pass := tracer.Pass(t.Context(), "AccessKey", backup)
	for _, path := range []string{"/apis/accesskey.dev/v1alpha1/namespaces/team-a/accesskeys/backup/status", "/api/v1/namespaces/team-a/secrets/backup?dryRun=All", "/api/v1/namespaces/team-a", "/version"} {
		for _, from := range []context.Context{ctx, t.Context()} { // a request of nobody is not traced
			request, _ := http.NewRequestWithContext(from, http.MethodGet, server.URL+path, http.NoBody)
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
		}
	}
	pass.End(false, nil)
	var names []string
	for _, span := range ended() {
		names = append(names, span.Name())
	}
	if want := []string{"kube GET accesskeys/status", "kube GET secrets (dry run)", "kube GET namespaces", "kube GET version", "Reconcile AccessKey"}; !slices.Equal(names, want) {
		t.Errorf("spans %q, want %q", names, want)
	}
}

func TestNothingIsTracedAfterThePass(t *testing.T) {
	tracer, ended := recorded()
	ctx, pass := tracer.Pass(t.Context(), "AccessKey", backup)
	pass.End(false, nil)
	call(ctx, "list keys", http.StatusOK)
	if spans := ended(); len(spans) > 0 {
		t.Errorf("%d spans", len(spans))
	}
}

// TestSentAsTheEnvironmentSays sends a pass to a collector on the loopback.
func TestSentAsTheEnvironmentSays(t *testing.T) {
	got := make(chan *coltracepb.ExportTraceServiceRequest, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(body)
		}
		text, _ := io.ReadAll(body)
		request := &coltracepb.ExportTraceServiceRequest{}
		if err := proto.Unmarshal(text, request); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		got <- request
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.cluster.name=test")
	tracer, stop, err := New(t.Context(), "v1.2.3", logr.Discard())
	if err != nil || tracer == nil {
		t.Fatal(tracer, err)
	}
	ctx, pass := tracer.Pass(t.Context(), "AccessKey", backup)
	call(ctx, "create key", http.StatusCreated)
	pass.End(false, nil)
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := (<-got).GetResourceSpans()[0]
	origin := sent.GetResource().String()
	if !strings.Contains(origin, "accesskey-operator") || !strings.Contains(origin, "v1.2.3") || !strings.Contains(origin, "k8s.cluster.name") || len(sent.GetScopeSpans()[0].GetSpans()) != 2 {
		t.Errorf("sent %s", sent)
	}
}

func TestEnvironment(t *testing.T) {
	for _, c := range []struct {
		name        string
		environment map[string]string
		on          bool
		problem     string
	}{
		{"nothing", nil, false, ""},
		{"an endpoint", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, true, ""},
		{"switched off", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, false, ""},
		{"no exporter", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		{"another exporter", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "zipkin"}, false, "set it to otlp or none"},
		{"another protocol", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "only sends traces by http/protobuf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range c.environment {
				t.Setenv(name, value)
			}
			tracer, stop, err := New(t.Context(), "dev", logr.Discard())
			if (tracer != nil) != c.on || (err != nil) != (c.problem != "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%v, %v", tracer, err)
			}
			if err := stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOffCostsNothing: without a Tracer, a pass and its requests allocate nothing.
func TestOffCostsNothing(t *testing.T) {
	var off *Tracer
	if n := testing.AllocsPerRun(100, func() { offPass(t.Context(), off) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOff(b *testing.B) {
	for b.Loop() {
		offPass(b.Context(), nil)
	}
}

func offPass(ctx context.Context, off *Tracer) {
	ctx, pass := off.Pass(ctx, "AccessKey", backup)
	_, end := ServiceCall(ctx, "qumulo", "create key")
	end(http.StatusCreated, time.Second)
	off.Forget(backup)
	pass.End(false, nil)
}
