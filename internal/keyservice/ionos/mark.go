// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 names it; nothing secret depends on it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

// namespace is this project's own for the UUIDs of keys: the bytes of 1912f150-8ea0-4f6e-b9df-1fcb7d993b3c. It must not change,
// or the keys of open intents are lost.
const namespace = "\x19\x12\xf1\x50\x8e\xa0\x4f\x6e\xb9\xdf\x1f\xcb\x7d\x99\x3b\x3c"

// maxDescription bounds a description, in bytes. No source says how long one may be; 128 is what the service is reported to accept.
const maxDescription = 128

var (
	uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	uidPattern  = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	markPattern = regexp.MustCompile(`^accesskey-operator ([0-9A-Za-z-]{1,64}) ([0-9a-f]{8})( .*)?$`)
	// longMarkPattern is what earlier versions wrote.
	longMarkPattern = regexp.MustCompile(`^AccessKey .+, made by accesskey-operator \(uid ([0-9A-Za-z-]{1,64}), key ([0-9a-f-]{36})\)$`)
)

// ChooseID implements keyservice.HandleChooser. It returns a UUIDv5 of the owner's UID and the revision. It skips a UUID that
// cannot be used (its key is being destroyed or has failed, or the service said that another party has it), and returns the next
// one of a sequence that is just as predictable.
func (s *Service) ChooseID(_ string, owner keyservice.Owner, revision int64, keys []keyservice.Key) string {
	name := fmt.Sprintf("%s/%d", owner.UID, revision)
	id := uuid5(namespace, name)
	deadEnd := func(key keyservice.Key) bool {
		return key.ID == id && (key.State == keyservice.Deleting || key.State == keyservice.Failed)
	}
	for n := 1; s.memory.isTaken(id) || slices.ContainsFunc(keys, deadEnd); n++ {
		id = uuid5(namespace, fmt.Sprintf("%s/%d", name, n))
	}
	return id
}

// uuid5 is the name-based UUID of RFC 9562, section 5.5.
func uuid5(space, name string) string {
	hash := sha1.Sum([]byte(space + name)) //nolint:gosec // see the import
	id := hash[:16]
	id[6] = id[6]&0x0f | 0x50 // version
	id[8] = id[8]&0x3f | 0x80 // variant
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// mark returns the description of a key: the short mark, and the name of the AccessKey for human readers as far as there is room.
func mark(owner keyservice.Owner, id string) string {
	whole := shortMark(owner.UID, id) + " AccessKey " + keyservice.Excerpt(owner.Namespace+"/"+owner.Name)
	if len(whole) > maxDescription {
		whole = strings.ToValidUTF8(whole[:maxDescription-len("...")], "") + "..."
	}
	return whole
}

// shortMark returns the part of the mark in which the operator finds the owner; with the UID of an AccessKey it has 64 bytes. It
// contains a digest of the ID of the key, so that a copy on another key means nothing.
func shortMark(uid, id string) string {
	return fmt.Sprintf("accesskey-operator %s %s", uid, markDigest(uid, id))
}

func markDigest(uid, id string) string {
	sum := sha256.Sum256([]byte(uid + "/" + id))
	return hex.EncodeToString(sum[:4])
}

// readMark returns the UID of the owner that the description of the key with this ID names; empty if it is not a mark. A mark
// whose end was cut off is a mark.
func readMark(description, id string) string {
	if found := markPattern.FindStringSubmatch(description); found != nil && found[2] == markDigest(found[1], id) {
		return found[1]
	}
	if found := longMarkPattern.FindStringSubmatch(description); found != nil && found[2] == id {
		return found[1]
	}
	return ""
}
