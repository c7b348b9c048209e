// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

func TestAMarkIsReadBack(t *testing.T) {
	long := keyservice.Owner{UID: otherUID, Namespace: strings.Repeat("n", 63), Name: strings.Repeat("m", 253)}
	longer := keyservice.Owner{UID: aliceUID, Namespace: strings.Repeat("n", 100), Name: "x"}
	for name, test := range map[string]struct {
		mark mark
		want string
		uids [2]string
	}{
		"nobody's": {mark{}, made, [2]string{}},
		"one key":  {mark{}.with(1, alice), aliceMarked, [2]string{aliceUID}},
		"the other key": {
			mark{}.with(2, alice), made + " 2=team-a/backup/" + aliceUID, [2]string{"", aliceUID},
		},
		"two keys of one": {
			mark{}.with(1, alice).with(2, alice), aliceMarked + " 2=team-a/backup/" + aliceUID, [2]string{aliceUID, aliceUID},
		},
		"two keys of two": {
			mark{}.with(2, other).with(1, alice), aliceMarked + " 2=team-b/other/" + otherUID, [2]string{aliceUID, otherUID},
		},
		"one taken out": {
			mark{}.with(1, alice).with(2, other).with(1, keyservice.Owner{}), made + " 2=team-b/other/" + otherUID, [2]string{"", otherUID},
		},
		"one replaced": {mark{}.with(1, other).with(1, alice), aliceMarked, [2]string{aliceUID}},
		"a UID that does not fit": {
			mark{}.with(1, keyservice.Owner{UID: strings.Repeat("a", 37)}).with(2, keyservice.Owner{UID: "a b"}), made, [2]string{},
		},
		"names with odd characters": {
			mark{}.with(1, keyservice.Owner{UID: "u", Namespace: "a b/c", Name: "ä\n"}), made + " 1=a~b~c/~~/u", [2]string{"u"},
		},
		"long names": {
			mark{}.with(1, long).with(2, long),
			made + " 1=" + strings.Repeat("n", 63) + "/mmmmmm/" + otherUID + " 2=" + strings.Repeat("n", 63) + "/mmmmmm/" + otherUID,
			[2]string{otherUID, otherUID},
		},
		"a namespace that is too long": {
			mark{}.with(1, longer), made + " 1=" + strings.Repeat("n", 69) + "//" + aliceUID, [2]string{aliceUID},
		},
	} {
		t.Run(name, func(t *testing.T) {
			comment := test.mark.String()
			if comment != test.want || len(comment) > maxComment {
				t.Errorf("got  %q\nwant %q", comment, test.want)
			}
			read, ours := parseMark(comment)
			if !ours || read.uid(1) != test.uids[0] || read.uid(2) != test.uids[1] || read.String() != comment {
				t.Errorf("read %+v, %t", read, ours)
			}
		})
	}
}

func TestACommentWithoutTheMarkIsForeign(t *testing.T) {
	for _, comment := range []string{
		"", " ", "S3 user", " " + aliceMarked, "x " + aliceMarked, strings.ToUpper(made), made + "x", made + ".", made[:len(made)-1],
	} {
		if _, ours := parseMark(comment); ours {
			t.Errorf("%q is taken for ours", comment)
		}
	}
}

func TestTextAfterAMarkIsNoMark(t *testing.T) {
	for comment, uid := range map[string]string{
		aliceMarked + " rest":               aliceUID,
		aliceMarked + " line\nbreak":        aliceUID,
		aliceMarked + "  1=a/b/c":           aliceUID,
		made + "  1=a/b/c":                  "",
		made + " note 1=a/b/c":              "",
		made + " 1=a/b":                     "",
		made + " 1=a/b/":                    "",
		made + " 0=a/b/c":                   "",
		made + " 1=a/b/c/d":                 "",
		made + " 10=a/b/c":                  "",
		made + " 1=a/b/c 1=a/b/" + otherUID: otherUID,
	} {
		read, ours := parseMark(comment)
		if !ours || read.uid(1) != uid {
			t.Errorf("%q: read %+v, %t", comment, read, ours)
		}
	}
}

func TestTextAfterTheMarkIsKeptIfItFits(t *testing.T) {
	const second = " 2=team-a/backup/" + aliceUID
	long := strings.Repeat("x", maxComment-len(aliceMarked+second)-1)
	for comment, want := range map[string]string{
		aliceMarked + " ask Bob":       aliceMarked + second + " ask Bob",
		aliceMarked + " " + long:       aliceMarked + second + " " + long,
		aliceMarked + " " + long + "x": aliceMarked + second,
	} {
		read, _ := parseMark(comment)
		if got := read.with(2, alice).String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
