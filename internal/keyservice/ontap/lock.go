// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"strings"
	"sync"
)

// userLocks allow one change to a user at a time. Without them, deleting a user with its revoked key could also delete the
// second key that is being made.
type userLocks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock waits for the lock, or until ctx is done. It ignores the case of the name, as the service may.
func (l *userLocks) lock(ctx context.Context, name string) (unlock func(), ok bool) {
	name = strings.ToLower(name)
	for {
		l.mu.Lock()
		turn, taken := l.held[name]
		if !taken {
			freed := make(chan struct{})
			l.held[name] = freed
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				delete(l.held, name)
				close(freed)
			}, true
		}
		l.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return nil, false
		}
	}
}
