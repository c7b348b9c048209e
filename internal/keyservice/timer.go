// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package keyservice

import (
	"context"
	"time"
)

type timerKey struct{}

// WithTimer has told be called with how long each request to a service took that is sent under the context: from the wait
// for the rateLimit to the last byte of the answer, or to the moment at which it was given up.
func WithTimer(ctx context.Context, told func(time.Duration)) context.Context {
	return context.WithValue(ctx, timerKey{}, told)
}

// startTimer returns what stops it.
func startTimer(ctx context.Context) (stop func()) {
	told, ok := ctx.Value(timerKey{}).(func(time.Duration))
	if !ok {
		return func() {}
	}
	start := time.Now()
	return func() { told(time.Since(start)) }
}
