// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestEarliest(t *testing.T) {
	never := time.Time{}
	for _, c := range []struct {
		name       string
		a, b, want time.Time
	}{
		{"of two moments the first", noon, renewal, noon},
		{"in any order", renewal, noon, noon},
		{"never is later than any moment", never, noon, noon},
		{"in any order too", noon, never, noon},
		{"of never and never, never", never, never, never},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := earliest(c.a, c.b); !got.Equal(c.want) {
				t.Errorf("earliest = %s, want %s", got, c.want)
			}
		})
	}
}

func TestCandidateKeyIDs(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want []string
	}{
		{"a new key", quiet(intends(2, 0, "K1"), key("K2", noon)), []string{"K2"}},
		{"every new key, in the order of the service", quiet(intends(2, 0, "K1"), key("K3", noon), key("K2", noon)), []string{"K3", "K2"}},
		{"not a known key", quiet(intends(2, 0, "K1", "F1"), key("F1", noon)), nil},
		{"not the current nor a previous key", quiet(intends(2, 0), secret(SecretAbsent), keys("K0", "K1"), previous("K0", noon)), nil},
		{"not the published key, even if status lost it", quiet(wiped, intends(2, 0)), nil},
		{"not a claimed key", quiet(intends(2, 0, "K1"), claimedKey("B1", noon)), nil},
		{"not a key older than the AccessKey by more than the clocks can be apart", quiet(intends(2, 0, "K1"), key("F1", issued.Add(-time.Minute-clockSkew-time.Second))), nil},
		{"a key older than the AccessKey by the clocks", quiet(intends(2, 0, "K1"), key("K2", issued.Add(-time.Minute-clockSkew))), []string{"K2"}},
		{"a key of no known age", quiet(intends(2, 0, "K1"), key("K2", time.Time{})), []string{"K2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.in.CandidateKeyIDs(); !slices.Equal(got, c.want) {
				t.Errorf("CandidateKeyIDs = %v, want %v", got, c.want)
			}
		})
	}
}

func TestRenewalToken(t *testing.T) {
	for _, c := range []struct{ name, token, want string }{
		{"none", "", ""},
		{"as it is", "2026-03-01", "2026-03-01"},
		{"cut to what status can hold", strings.Repeat("x", 1025), strings.Repeat("x", 1024)},
		{"cut at a whole character", strings.Repeat("日", 400), strings.Repeat("日", 341)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := quiet(asksFor(c.token)).RenewalToken()
			if got != c.want || !utf8.ValidString(got) {
				t.Errorf("RenewalToken = %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnEmptyIDNamesNoKey(t *testing.T) {
	in := quiet(key("", noon), holds("", 0))
	if in.listed("") || in.ours("") || in.claimed("") || in.published("") {
		t.Error("the empty ID is taken for a key")
	}
}
