// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"regexp"
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
	entryPattern = regexp.MustCompile(`([1-9])=([^/ ]*/[^/ ]*)/([^/ ]+)`)
	uidPattern   = regexp.MustCompile(`^[0-9A-Za-z-]{1,36}$`)
)

// mark is the comment of a user that the operator makes:
//
//	accesskey.dev/made-by-operator 1=team-a/backup/8f0e3c1e-… 2=team-a/backup/8f0e3c1e-…
//
// For each slot whose key the operator made, it has the namespace, name and UID of the AccessKey. Text that a person adds at the
// end is kept. A key in a slot without an entry is a foreign key.
type mark struct {
	entries map[int]entry
	rest    string
}

type entry struct{ label, uid string }

// parseMark reports whether the operator made the user with this comment, and which keys.
func parseMark(comment string) (mark, bool) {
	parts := markPattern.FindStringSubmatch(comment)
	if parts == nil {
		return mark{}, false
	}
	parsed := mark{entries: map[int]entry{}, rest: parts[2]}
	for _, found := range entryPattern.FindAllStringSubmatch(parts[1], -1) {
		slot, _ := strconv.Atoi(found[1]) // one digit
		parsed.entries[slot] = entry{label: found[2], uid: found[3]}
	}
	return parsed, true
}

func (m mark) uid(slot int) string { return m.entries[slot].uid }

// with returns the mark with the owner of a slot. An owner without a valid UID, such as the zero Owner, removes the entry.
func (m mark) with(slot int, owner keyservice.Owner) mark {
	changed := mark{entries: map[int]entry{}, rest: m.rest}
	for other, kept := range m.entries {
		if other != slot {
			changed.entries[other] = kept
		}
	}
	if uidPattern.MatchString(owner.UID) {
		changed.entries[slot] = entry{label: label(owner), uid: owner.UID}
	}
	return changed
}

// String returns the comment.
func (m mark) String() string {
	comment := made
	for slot := 1; slot <= 9; slot++ {
		if named, ok := m.entries[slot]; ok {
			comment += " " + strconv.Itoa(slot) + "=" + named.label + "/" + named.uid
		}
	}
	if len(comment)+len(m.rest) <= maxComment {
		comment += m.rest
	}
	return comment
}

// label returns the namespace and name of the owner for human readers, cut if it is long.
func label(owner keyservice.Owner) string {
	plain := func(text string) string {
		return strings.Map(func(r rune) rune {
			if r <= ' ' || r > '~' || r == '/' {
				return '~'
			}
			return r
		}, text)
	}
	namespace, name := plain(owner.Namespace), plain(owner.Name)
	if len(namespace) >= maxLabel {
		namespace = namespace[:maxLabel-1]
	}
	text := namespace + "/" + name
	return text[:min(len(text), maxLabel)]
}
