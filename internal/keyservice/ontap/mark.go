// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// made begins the comment of every user that the operator made, and of no other. The operator never edits the comment of a
	// foreign user.
	made = "accesskey.dev/made-by-operator"
	// maxComment bounds a comment, and maxLabel the name of an owner in it, so that two owners fit.
	maxComment = 256
	maxLabel   = 70
)

var (
	markPattern  = regexp.MustCompile(`(?s)^` + regexp.QuoteMeta(made) + `((?: [1-9]=[^/ ]*/[^/ ]*/[^/ ]+)*)( .*)?$`)
	uidPattern   = regexp.MustCompile(`^[0-9A-Za-z-]{1,36}$`)
	unfitPattern = regexp.MustCompile(`[^!-.0-~]`) // blanks, slashes, and what is not ASCII
)

// mark is the comment of a user that the operator makes:
//
//	accesskey.dev/made-by-operator 1=team-a/backup/8f0e3c1e-… 2=team-a/backup/8f0e3c1e-…
//
// For each slot whose key the operator made, it has the namespace, name and UID of the AccessKey. Text that a person adds at the
// end is kept. A key in a slot without an entry is a foreign key.
type mark struct {
	// owners are the AccessKeys by slot, as they are written.
	owners map[int]string
	rest   string
}

// parseMark reports whether the operator made the user with this comment, and which keys.
func parseMark(comment string) (mark, bool) {
	parts := markPattern.FindStringSubmatch(comment)
	if parts == nil {
		return mark{}, false
	}
	parsed := mark{owners: map[int]string{}, rest: parts[2]}
	for _, entry := range strings.Split(parts[1], " ")[1:] {
		slot, owner, _ := strings.Cut(entry, "=")
		parsed.owners[int(slot[0]-'0')] = owner // one digit
	}
	return parsed, true
}

func (m mark) uid(slot int) string {
	return m.owners[slot][strings.LastIndexByte(m.owners[slot], '/')+1:]
}

// with returns the mark with the owner of a slot. An owner without a valid UID, such as the zero Owner, removes the entry.
func (m mark) with(slot int, owner keyservice.Owner) mark {
	changed := mark{owners: map[int]string{}, rest: m.rest}
	maps.Copy(changed.owners, m.owners)
	delete(changed.owners, slot)
	if uidPattern.MatchString(owner.UID) {
		changed.owners[slot] = label(owner) + "/" + owner.UID
	}
	return changed
}

// String returns the comment.
func (m mark) String() string {
	comment := made
	for _, slot := range slices.Sorted(maps.Keys(m.owners)) {
		comment += " " + strconv.Itoa(slot) + "=" + m.owners[slot]
	}
	if len(comment)+len(m.rest) <= maxComment {
		comment += m.rest
	}
	return comment
}

// label returns the namespace and name of the owner for human readers, cut if it is long.
func label(owner keyservice.Owner) string {
	namespace, name := unfitPattern.ReplaceAllString(owner.Namespace, "~"), unfitPattern.ReplaceAllString(owner.Name, "~")
	text := namespace[:min(len(namespace), maxLabel-1)] + "/" + name
	return text[:min(len(text), maxLabel)]
}
