// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"accesskey.dev/operator/internal/telemetry"
)

var _ = Describe("Tracing", func() {
	It("shows a rotation as one trace, however many passes it takes, and the steady state not at all", func(ctx SpecContext) {
		w := newStoppedWorld(ctx)
		recorder := tracetest.NewSpanRecorder()
		w.tracer = telemetry.FromProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
		w.start()
		w.createService(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.settle(ctx)

		By("an AccessKey at rest")
		resting := len(recorder.Ended())
		w.step(ctx, time.Minute)
		w.settle(ctx)
		Expect(recorder.Ended()).To(HaveLen(resting))

		By("a rotation that waits for the data plane")
		w.plane.AcceptAfter(90 * time.Second)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.unaccepted(ctx, "backup")
		w.step(ctx, 2*time.Minute)
		w.issued(ctx, "backup", 2)
		w.nothingWaits(ctx, "backup")
		w.settle(ctx)
		names, traces := []string{}, map[string][]string{}
		for _, span := range recorder.Ended()[resting:] {
			trace := span.SpanContext().TraceID().String()
			names, traces[trace] = append(names, span.Name()), append(traces[trace], span.Name())
			for _, secret := range w.secrets() {
				Expect(fmt.Sprintf("%s %v %v", span.Name(), span.Attributes(), span.Status())).NotTo(ContainSubstring(secret))
			}
		}
		Expect(traces).To(ContainElement(ContainElements(
			"qumulo list keys", "kube PATCH secrets (dry run)", "kube PATCH accesskeys/status", "qumulo create key", "s3 list buckets", "kube PATCH secrets", "Reconcile AccessKey",
		)), "%q", names)
		rotations := 0
		for _, trace := range traces {
			for _, name := range trace {
				if name == "qumulo create key" || name == "s3 list buckets" {
					rotations++
					break
				}
			}
		}
		Expect(rotations).To(Equal(1), "the pair is created and verified in one trace: %v", traces)
	})
})
