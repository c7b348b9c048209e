// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/apimachinery/pkg/types"
)

// Tracer begins the spans of passes. A nil Tracer begins none.
type Tracer struct {
	tracer trace.Tracer
	// operations has the span of the first pass of each AccessKey with an open operation. The later passes belong to its trace.
	operations sync.Map
}

// FromProvider returns a Tracer that begins the spans of a provider.
func FromProvider(provider trace.TracerProvider) *Tracer {
	return &Tracer{tracer: provider.Tracer("accesskey.dev/operator")}
}

// Pass is the span of one reconciliation. It begins with the first step, so a reconciliation that sends nothing has none.
type Pass struct {
	owner   *Tracer
	name    string
	object  types.NamespacedName
	started time.Time

	mu    sync.Mutex
	span  trace.Span
	ended bool
}

// passKey is of the Pass in the context of a reconciliation.
type passKey struct{}

// Pass prepares the span of a reconciliation. name is what is reconciled: "AccessKey".
func (t *Tracer) Pass(ctx context.Context, name string, object types.NamespacedName) (context.Context, *Pass) {
	if t == nil {
		return ctx, nil
	}
	pass := &Pass{owner: t, name: "Reconcile " + name, object: object, started: time.Now()}
	return context.WithValue(ctx, passKey{}, pass), pass
}

// Forget forgets the open operation of an AccessKey that is gone.
func (t *Tracer) Forget(object types.NamespacedName) {
	if t != nil {
		t.operations.Delete(object)
	}
}

// begun returns a context with the span of the pass, which begins now if it has not. ok is false after the end of the pass.
func (p *Pass) begun(ctx context.Context) (with context.Context, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return ctx, false
	}
	if p.span == nil {
		parent, _ := p.owner.operations.Load(p.object)
		first, continues := parent.(trace.SpanContext)
		options := []trace.SpanStartOption{
			trace.WithTimestamp(p.started),
			trace.WithAttributes(attribute.String("k8s.namespace.name", p.object.Namespace), attribute.String("k8s.object.name", p.object.Name)),
		}
		if continues {
			ctx = trace.ContextWithSpanContext(ctx, first)
		} else {
			options = append(options, trace.WithNewRoot())
		}
		_, p.span = p.owner.tracer.Start(ctx, p.name, options...)
	}
	return trace.ContextWithSpan(ctx, p.span), true
}

// Text returns an attribute of a span.
func Text(key, value string) attribute.KeyValue { return attribute.String(key, value) }

// End ends the span of the pass, if it has begun. While an operation is open, the next pass continues its trace.
func (p *Pass) End(open bool, err error, attributes ...attribute.KeyValue) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if !open {
		p.owner.operations.Delete(p.object)
	}
	if p.span == nil {
		return
	}
	if open {
		p.owner.operations.LoadOrStore(p.object, p.span.SpanContext())
	}
	for _, each := range attributes {
		if each.Value.AsString() != "" {
			p.span.SetAttributes(each)
		}
	}
	if err != nil {
		p.span.SetStatus(codes.Error, err.Error())
	}
	p.span.End()
}

// inPass reports whether a context is of a reconciliation that is traced.
func inPass(ctx context.Context) bool {
	_, ok := ctx.Value(passKey{}).(*Pass)
	return ok
}

// step begins a span of the pass in the context. Without a pass, or after its end, the span does nothing.
func step(ctx context.Context, name string) (context.Context, trace.Span) {
	pass, ok := ctx.Value(passKey{}).(*Pass)
	if !ok {
		return ctx, trace.SpanFromContext(context.Background())
	}
	with, ok := pass.begun(ctx)
	if !ok {
		return ctx, trace.SpanFromContext(context.Background())
	}
	return pass.owner.tracer.Start(with, name, trace.WithSpanKind(trace.SpanKindClient))
}
