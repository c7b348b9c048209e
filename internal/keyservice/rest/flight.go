// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"context"

	"golang.org/x/sync/singleflight"
)

// Flight makes one call for all concurrent callers. A wrong password that is tried once per request would lock the account.
// The zero value is ready for use.
type Flight[T any] struct{ group singleflight.Group }

// Do calls do, and returns its result to all callers with the same key. The call does not end with the context of the caller
// that began it, since the others wait for it too; the HTTP client bounds it. r names the call in the error of a caller whose
// context ends first.
func (f *Flight[T]) Do(ctx context.Context, key string, r Request, do func(context.Context) (T, error)) (T, error) {
	var zero T
	result := f.group.DoChan(key, func() (any, error) { return do(context.WithoutCancel(ctx)) })
	select {
	case done := <-result:
		if done.Err != nil {
			return zero, done.Err
		}
		return done.Val.(T), nil //nolint:forcetypeassert // what do returns
	case <-ctx.Done():
		return zero, r.Done(ctx)
	}
}
