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
		want  string // after the short mark
	}{
		"as a line for people": {owner, " AccessKey team-a/backup"},
		"of the longest names": {
			keyservice.Owner{UID: owner.UID, Namespace: strings.Repeat("n", 63), Name: strings.Repeat("a", 253)},
			" AccessKey " + strings.Repeat("n", 50) + "...",
		},
		"of names cut in the middle of a character": {
			keyservice.Owner{UID: owner.UID, Namespace: "nn", Name: strings.Repeat("ä", 199)}, " AccessKey nn/" + strings.Repeat("ä", 23) + "...",
		},
		"of another form of UID":      {keyservice.Owner{UID: "abc", Namespace: "n", Name: "a"}, " AccessKey n/a"},
		"of names of several lines":   {keyservice.Owner{UID: "u", Namespace: "n", Name: "a\nb"}, " AccessKey n/a b"},
		"of a name that is like ours": {keyservice.Owner{UID: "u", Namespace: "n", Name: "accesskey-operator x 01234567"}, " AccessKey n/accesskey-operator x 01234567"},
	} {
		t.Run(name, func(t *testing.T) {
			line, short := mark(test.owner, id), shortMark(test.owner.UID, id)
			if line != short+test.want || len(line) > maxDescription || !utf8.ValidString(line) {
				t.Errorf("got %q", line)
			}
			for _, line := range []string{line, short, line[:len(short)+5]} { // a service may cut a description
				if got := readMark(line, id); got != test.owner.UID {
					t.Errorf("got %q from %q", got, line)
				}
			}
		})
	}
	if short := shortMark(owner.UID, id); len(short) != 64 {
		t.Errorf("the short mark has %d bytes, which docs/services/ionos.md says otherwise", len(short))
	}
}

func TestTheLongMarkOfEarlierVersionsIsRead(t *testing.T) {
	const id = "c36c5a2f-0000-5000-8000-000000000000"
	ours := longMark("team-a/backup", id)
	for _, line := range []string{ours, longMark(strings.Repeat("n", 50)+"...", id), longMark("n/, made by accesskey-operator (uid x, key y)", id)} {
		if got := readMark(line, id); got != owner.UID {
			t.Errorf("got %q from %q", got, line)
		}
	}
	if got := readMark(ours, "c36c5a2f-0000-5000-8000-000000000001"); got != "" {
		t.Errorf("got %q on another key", got)
	}
}

func longMark(name, id string) string {
	return fmt.Sprintf("AccessKey %s, made by accesskey-operator (uid %s, key %s)", name, owner.UID, id)
}

func TestAForeignDescriptionIsNoMark(t *testing.T) {
	const id, another = "c36c5a2f-0000-5000-8000-000000000000", "c36c5a2f-0000-5000-8000-000000000001"
	ours, long := mark(owner, id), longMark("team-a/backup", id)
	digest := markDigest(owner.UID, id)
	for name, description := range map[string]string{
		"empty":                 "",
		"plain words":           "backup of the website",
		"the UID alone":         owner.UID,
		"after something":       "x " + ours,
		"on a line of its own":  "x\n" + ours,
		"with a line break":     ours + "\n",
		"without a UID":         strings.Replace(ours, owner.UID, "", 1),
		"a strange UID":         strings.Replace(ours, owner.UID, "a b", 1),
		"of another UID":        strings.Replace(ours, owner.UID, strings.Replace(owner.UID, "1", "2", 1), 1),
		"in upper case":         strings.ToUpper(ours),
		"of another key":        mark(owner, another),
		"of another key, short": shortMark(owner.UID, another),
		"without a digest":      strings.Replace(ours, " "+digest, "", 1),
		"a longer digest":       strings.Replace(ours, digest, digest+"0", 1),
		"of another tool":       strings.Replace(ours, "accesskey-operator", "another-operator", 1),
		"cut in the digest":     shortMark(owner.UID, id)[:63],
		"long, with more":       long + " (copy)",
		"long, after something": "x " + long,
		"long, without a name":  strings.Replace(long, "team-a/backup", "", 1),
		"long, without a UID":   strings.Replace(long, owner.UID, "", 1),
		"long, a strange UID":   strings.Replace(long, owner.UID, "a b", 1),
		"long, without a key":   strings.Replace(long, ", key "+id, "", 1),
		"long, of another tool": strings.Replace(long, "accesskey-operator", "another-operator", 1),
		"long, cut":             long[:len(long)-1],
		"something like a mark": fmt.Sprintf("AccessKey n/a (uid %s, key %s)", owner.UID, id),
	} {
		t.Run(name, func(t *testing.T) {
			if got := readMark(description, id); got != "" {
				t.Errorf("got %q from %q", got, description)
			}
		})
	}
}

func TestADescriptionThatIsTooLongForTheServiceIsShortened(t *testing.T) {
	long := owner
	long.Namespace, long.Name = strings.Repeat("n", 63), strings.Repeat("a", 253)
	for _, most := range []int{0, 255, 128, 127, 64} {
		for _, bare := range []bool{false, true} {
			b := newBed(t, cloud.Options{MaxDescription: most, BareErrors: bare})
			for i, by := range []keyservice.Owner{owner, long} {
				req := keyOf(b.Service, int64(i+1))
				req.Owner = by
				made, err := b.Create(t.Context(), "", req)
				if err != nil || !b.valid(made) {
					t.Fatalf("%d characters: got %+v, %v", most, made.Key, err)
				}
				if got := b.list(t)[made.ID].OwnerUID; got != owner.UID {
					t.Errorf("%d characters: the owner is listed as %q", most, got)
				}
			}
		}
	}
	b := newBed(t, cloud.Options{MaxDescription: 63})
	_, err := b.Create(t.Context(), "", keyOf(b.Service, 1))
	expectKind(t, err, keyservice.Invalid, "create key: ", "properties.description is longer than 63 characters")
	b.calls(t, putKey, 2)
}
