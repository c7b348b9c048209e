// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

// maxPages ends a listing that would never end.
const maxPages = 1000

// ErrCircle says that the pages of a list lead back to one that was read before.
var ErrCircle = errors.New("the service's pages go in a circle")

// ErrStillListed says that a key is listed whose deletion was answered with 404.
var ErrStillListed = errors.New("the service answered 404, yet it still lists the key")

// ErrNoKeyID says that an ID could name another resource than a key.
var ErrNoKeyID = errors.New("this is not the ID of a key")

// Pages reads a list page by page, or fails: half a list would look like lost keys. read is called with an empty cursor
// first, and returns the cursor of the next page, empty on the last one.
func Pages(list Request, read func(cursor string) (next string, err error)) error {
	seen := map[string]bool{}
	for cursor := ""; ; {
		next, err := read(cursor)
		switch {
		case err != nil || next == "":
			return err
		case seen[next]:
			return list.Fail(keyservice.Unavailable, ErrCircle)
		case len(seen) >= maxPages-1:
			return list.Fail(keyservice.Unavailable, errors.New("the service's list does not end"))
		}
		seen[next], cursor = true, next
	}
}

// Sendable reports whether an ID can be part of a path. An empty or strange one could name the collection, or another
// resource.
func Sendable(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsFunc(id, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`/\?#%`, r)
	})
}

// DescribeUser names a user in errors.
func DescribeUser(user string) string { return "user " + keyservice.Excerpt(user) }

// DescribeKey names a key in errors.
func DescribeKey(id string) string { return "key " + keyservice.Excerpt(id) }

// QuotaExceeded returns the error of a create that was refused because the user has too many keys.
func (r Request) QuotaExceeded(limit int, keys []keyservice.Key, refused *Refusal) *keyservice.Error {
	taken := fmt.Sprint(limit)
	if len(keys) > 0 {
		taken += ": " + describeKeys(keys)
	}
	return r.Fail(keyservice.QuotaExceeded, fmt.Errorf(
		"the user has as many keys as the service allows (%s); delete one that is not needed: %w", taken, refused.Reason))
}

// Unexplained returns the error of a create that was refused, and whose user's keys, which would tell why, could not be listed.
func (r Request) Unexplained(refused *Refusal, listErr error) *keyservice.Error {
	return r.FailLike(listErr, fmt.Errorf("%w; the keys that would tell why could not be listed: %w", refused.Reason, listErr))
}

func describeKeys(keys []keyservice.Key) string {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = keyservice.Excerpt(key.ID)
		if key.State == keyservice.Disabled {
			ids[i] += " (inactive)"
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}
