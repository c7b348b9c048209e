// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

// root is user ID 0 of every S3 server, and may do anything.
const root = "root"

// namePattern: codes 92405787 and 92405788 of the API reference.
var namePattern = regexp.MustCompile(`^[0-9A-Za-z_+=,.@-]{1,64}$`)

// user is an S3 user with its keys by slot. Slots are key_id at the service: 1, and from 9.19.1 on 2.
type user struct {
	name, comment string
	// mark is what the comment says. ours: it says that the operator made the user.
	mark mark
	ours bool
	keys map[int]keyservice.Key
}

// has reports whether there is a key in the slot. A user that does not exist has none.
func (u *user) has(slot int) bool {
	return u != nil && u.keys[slot].AccessKeyID != ""
}

// list returns the keys in the order of their slots.
func (u *user) list() []keyservice.Key {
	var keys []keyservice.Key
	for _, slot := range slices.Sorted(maps.Keys(u.keys)) {
		keys = append(keys, u.keys[slot])
	}
	return keys
}

// checkName refuses a name that no user can have, and root.
func checkName(name string) error {
	switch {
	case !namePattern.MatchString(name):
		return errors.New("the name of an S3 user has 1 to 64 characters of 0-9 A-Z a-z _ + = , . @ and -")
	case strings.Trim(name, ".") == "":
		return errors.New("a name of dots cannot be part of a URL")
	case strings.EqualFold(name, root):
		return errors.New("root is the S3 server's own user, whose keys are not the operator's; name another user")
	}
	return nil
}

// keyID is the ID of the key in a slot. For slot 1 it is the user's name alone, in every version, so that an upgrade to two
// keys changes no ID. A name has no slash.
func keyID(name string, slot int) string {
	if slot == 1 {
		return name
	}
	return name + "/" + strconv.Itoa(slot)
}

// slotOf reads the ID of one of the user's keys.
func slotOf(name, id string) (int, error) {
	for slot := 1; slot <= 9; slot++ {
		if keyID(name, slot) == id {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("%q is not the ID of a key of this user", keyservice.Excerpt(id))
}

func describeUser(name string) string { return "S3 user " + keyservice.Excerpt(name) }
