// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"strings"
	"sync"
)

// userLocks let one change at a time be made to a user. Without them the deletion of a user whose one key is revoked could
// take with it the second key that is being made.
type userLocks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock waits for its turn, or until ctx is done. A name's case does not matter, since it may not at the service.
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
