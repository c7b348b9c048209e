// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"accesskey.dev/operator/internal/keyservice"
	cloud "accesskey.dev/operator/test/simulator/ionos"
)

func TestUUID5IsThatOfTheRFC(t *testing.T) {
	const dns = "\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"           // 6ba7b810-9dad-11d1-80b4-00c04fd430c8
	if got := uuid5(dns, "www.example.com"); got != "2ed6657d-e927-568b-95e1-2665a8aea6a2" { // RFC 9562, A.4
		t.Errorf("got %s", got)
	}
}

func TestChooseIDIsTheSameForTheSameAttemptOnly(t *testing.T) {
	b := newBed(t, cloud.Options{})
	first := b.ChooseID("", owner, 1, nil)
	if first != "17898c41-37ca-526a-ba4c-c06277fc4834" {
		t.Errorf("got %s: open intents of older versions lose their keys", first)
	}
	moved := owner
	moved.Name = "another name says nothing"
	if got := b.ChooseID("", moved, 1, nil); got != first {
		t.Errorf("got %s, not %s", got, first)
	}
	other := owner
	other.UID = "8a9d3c5e-0000-4000-8000-000000000002"
	seen := map[string]bool{first: true}
	for _, id := range []string{b.ChooseID("", owner, 2, nil), b.ChooseID("", owner, 11, nil), b.ChooseID("", other, 1, nil)} {
		if seen[id] || !uuidPattern.MatchString(id) || id[14] != '5' {
			t.Errorf("got %s", id)
		}
		seen[id] = true
	}
}

func TestChooseIDPassesOverIDsThatLeadNowhere(t *testing.T) {
	b := newBed(t, cloud.Options{})
	first := b.ChooseID("", owner, 1, nil)
	for state, passed := range map[keyservice.State]bool{
		"": false, keyservice.Active: false, keyservice.Pending: false, keyservice.Deleting: true, keyservice.Failed: true,
	} {
		next := b.ChooseID("", owner, 1, []keyservice.Key{{ID: "x", State: keyservice.Deleting}, {ID: first, State: state}})
		if (next != first) != passed {
			t.Errorf("%q: got %s after %s", state, next, first)
		}
		third := b.ChooseID("", owner, 1, []keyservice.Key{{ID: first, State: state}, {ID: next, State: keyservice.Deleting}})
		if passed && (third == first || third == next) {
			t.Errorf("%q: got %s after %s and %s", state, third, first, next)
		}
	}
}

func TestTheMarkIsReadBack(t *testing.T) {
	const id = "c36c5a2f-0000-5000-8000-000000000000"
	for name, test := range map[string]struct {
		owner keyservice.Owner
		want  string // the line's begin
	}{
		"as a line for people": {owner, "AccessKey team-a/backup, made by accesskey-operator (uid 8a9d3c5e-"},
		"of the longest names": {
			keyservice.Owner{UID: owner.UID, Namespace: strings.Repeat("n", 63), Name: strings.Repeat("a", 253)},
			"AccessKey " + strings.Repeat("n", 63) + "/" + strings.Repeat("a", 50),
		},
		"of names cut in the middle of a character": {
			keyservice.Owner{UID: owner.UID, Namespace: "n", Name: strings.Repeat("ä", 199)}, "AccessKey n/ää",
		},
		"of another form of UID":      {keyservice.Owner{UID: "abc", Namespace: "n", Name: "a"}, "AccessKey n/a, made"},
		"of names of several lines":   {keyservice.Owner{UID: "u", Namespace: "n", Name: "a\nb"}, "AccessKey n/a b, made"},
		"of a name that is like ours": {keyservice.Owner{UID: "u", Namespace: "n", Name: "(uid x, key " + id + ")"}, "AccessKey n/(uid x"},
	} {
		t.Run(name, func(t *testing.T) {
			line := mark(test.owner, id)
			if !strings.HasPrefix(line, test.want) || len(line) > maxDescription || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
				t.Errorf("got %q", line)
			}
			if got := readMark(line, id); got != test.owner.UID {
				t.Errorf("got %q from %q", got, line)
			}
		})
	}
}

func TestAForeignDescriptionIsNoMark(t *testing.T) {
	const id = "c36c5a2f-0000-5000-8000-000000000000"
	ours := mark(owner, id)
	for name, description := range map[string]string{
		"empty":                 "",
		"plain words":           "backup of the website",
		"the UID alone":         owner.UID,
		"copied, with more":     ours + " (copy)",
		"after something":       "x " + ours,
		"on a line of its own":  "x\n" + ours,
		"with a line break":     ours + "\n",
		"without a name":        strings.Replace(ours, "team-a/backup", "", 1),
		"without a UID":         strings.Replace(ours, owner.UID, "", 1),
		"a strange UID":         strings.Replace(ours, owner.UID, "a b", 1),
		"in upper case":         strings.ToUpper(ours),
		"of another key":        mark(owner, "c36c5a2f-0000-5000-8000-000000000001"),
		"without a key":         strings.Replace(ours, ", key "+id, "", 1),
		"of another tool":       strings.Replace(ours, "accesskey-operator", "another-operator", 1),
		"cut":                   ours[:len(ours)-1],
		"something like a mark": fmt.Sprintf("AccessKey n/a (uid %s, key %s)", owner.UID, id),
	} {
		t.Run(name, func(t *testing.T) {
			if got := readMark(description, id); got != "" {
				t.Errorf("got %q from %q", got, description)
			}
		})
	}
}
