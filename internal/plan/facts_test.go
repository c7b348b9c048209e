// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
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

func TestCurrentWorks(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Input
		want bool
	}{
		{"a listed key", quiet(), true},
		{"a key that is not listed", quiet(keys("F1")), false},
		{"another pair in the place of the key", quiet(pairAt("K1", "AKIAX")), false},
		{"a pair whose access key ID the service does not tell", quiet(pairAt("K1", "")), true},
		{"an active key", quiet(being(keyservice.Active, "K1")), true},
		{"a key that will work in a moment", quiet(being(keyservice.Pending, "K1")), true},
		{"a disabled key", quiet(being(keyservice.Disabled, "K1")), false},
		{"a key on its way out", quiet(being(keyservice.Deleting, "K1")), false},
		{"a key that was never made", quiet(being(keyservice.Failed, "K1")), false},
		{"a key of a state that nobody knows", quiet(being("Odd", "K1")), false},
		{"a key that ends in a second", quiet(endsAt("K1", noon.Add(time.Second))), true},
		{"a key that ends now", quiet(endsAt("K1", noon)), false},
		{"a key that ended before it worked", quiet(being(keyservice.Pending, "K1"), endsAt("K1", noon)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.in.CurrentWorks(); got != c.want {
				t.Errorf("CurrentWorks = %t, want %t", got, c.want)
			}
		})
	}
}

func TestReplaces(t *testing.T) {
	for _, c := range []struct {
		strategy    v1alpha1.RotationStrategy
		two, oneKey bool // wanted of a service that holds two keys, or one
	}{
		{"", false, true},
		{v1alpha1.StrategyAuto, false, true},
		{v1alpha1.StrategyOverlap, false, false},
		{v1alpha1.StrategyReplace, true, true},
	} {
		t.Run("strategy "+string(c.strategy), func(t *testing.T) {
			two, oneKey := quiet(strategy(c.strategy)).Replaces(), quiet(strategy(c.strategy), oneSlot).Replaces()
			if two != c.two || oneKey != c.oneKey {
				t.Errorf("Replaces = %t with two keys, %t with one, want %t and %t", two, oneKey, c.two, c.oneKey)
			}
		})
	}
	if quiet().Replaces() || !quiet(oneSlot).Replaces() {
		t.Error("no rotation is not Auto")
	}
}

func TestAnEmptyIDNamesNoKey(t *testing.T) {
	in := quiet(key("", noon), holds("", 0))
	if in.listed("") || in.ours("") || in.claimed("") || in.published("") {
		t.Error("the empty ID is taken for a key")
	}
}
