// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// maxUnkept is how many keys of a user in a row may be missing from every list before no more are made.
	maxUnkept = 2
	// unkeptPause is how long no key is made then.
	unkeptPause = time.Hour
)

var errNotKept = errors.New("the service made the last keys of this user and has never listed them; SeaweedFS does not keep keys of the users in its " +
	"static configuration: create the user by the IAM API instead")

// kept notes whether the service keeps the keys that it makes. SeaweedFS makes a key of a user of its static configuration and does
// not keep it, so that each pair would be replaced as lost (weed/s3api/s3api_embedded_iam.go).
type kept struct {
	mu     sync.Mutex
	unseen map[string]unseen // by user in lower case
}

// unseen are the last keys of a user if no list has shown the last one.
type unseen struct {
	keyID string
	count int
	at    time.Time
}

// made notes a new key.
func (k *kept) made(user, keyID string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unseen == nil {
		k.unseen = map[string]unseen{}
	}
	user = strings.ToLower(user)
	k.unseen[user] = unseen{keyID: keyID, count: k.unseen[user].count + 1, at: now}
}

// listed notes which keys the service lists.
func (k *kept) listed(user string, keys []keyservice.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	user = strings.ToLower(user)
	if slices.ContainsFunc(keys, func(key keyservice.Key) bool { return key.ID == k.unseen[user].keyID }) {
		delete(k.unseen, user)
	}
}

// deleted notes a key that no list has to show any more.
func (k *kept) deleted(user, keyID string) {
	k.listed(user, []keyservice.Key{{ID: keyID}})
}

// fails reports whether the service does not seem to keep the keys of a user.
func (k *kept) fails(user string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := k.unseen[strings.ToLower(user)]
	age := now.Sub(last.at)
	return last.count >= maxUnkept && listLag <= age && age < unkeptPause
}
