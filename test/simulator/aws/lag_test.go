// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
)

func TestChangesTakeEffectAfterTheLags(t *testing.T) {
	b := newBed(Options{ActivationLag: 10 * time.Second, RevokeLag: 4 * time.Second})
	pair, secret := b.make(t)
	expect := func(when string, want bool) {
		t.Helper()
		identity := b.callAs(sdk.Credentials{AccessKeyID: pair.ID, SecretAccessKey: secret}, "GetCallerIdentity")
		if got := b.Valid(pair.ID, secret); got != want || (identity.Status == 200) != want {
			t.Errorf("%s: works: %t, STS: %s", when, got, identity.Body)
		}
	}
	b.call("ListAccessKeys&UserName=alice").Expect(t, 200, "", "<Status>Active</Status>")
	b.clock.Pass(10*time.Second - 1)
	expect("before the activation lag", false)
	b.clock.Pass(1)
	expect("after the activation lag", true)
	b.SetActive(pair.ID, false)
	b.clock.Pass(4 * time.Second)
	expect("disabled", false)
	b.SetActive(pair.ID, true)
	b.clock.Pass(4*time.Second - 1)
	expect("enabled, before the revoke lag", false)
	b.clock.Pass(1)
	expect("enabled, after the revoke lag", true)
	b.call("DeleteAccessKey&UserName=alice&AccessKeyId="+pair.ID).Expect(t, 200, "")
	b.clock.Pass(4*time.Second - 1)
	expect("deleted, before the revoke lag", true)
	b.clock.Pass(1)
	expect("deleted, after the revoke lag", false)
}

func TestListsShowChangesAfterTheListLag(t *testing.T) {
	b := newBed(Options{ListLag: 10 * time.Second})
	pair, _ := b.make(t)
	listed := func() bool { return strings.Contains(b.call("ListAccessKeys&UserName=alice").Body, pair.ID) }
	named := "&UserName=alice&AccessKeyId=" + pair.ID
	if listed() || len(b.Keys("alice")) != 1 {
		t.Error("a new key is listed at once")
	}
	b.call("DeleteAccessKey"+named).Expect(t, 404, "NoSuchEntity")
	b.call("GetAccessKeyLastUsed&AccessKeyId="+pair.ID).Expect(t, 404, "NoSuchEntity")
	if b.clock.Pass(10 * time.Second); !listed() {
		t.Error("a key is not listed after the lag")
	}
	b.call("DeleteAccessKey"+named).Expect(t, 200, "")
	b.call("DeleteAccessKey"+named).Expect(t, 404, "NoSuchEntity")
	if b.clock.Pass(9 * time.Second); !listed() {
		t.Error("a deleted key disappears from the list at once")
	}
	if b.clock.Pass(time.Second); listed() {
		t.Error("a deleted key is listed after the lag")
	}
}

func TestKeyDisabledWithinTheActivationLagNeverWorks(t *testing.T) {
	b := newBed(Options{ActivationLag: 10 * time.Second})
	pair, secret := b.make(t)
	b.SetActive(pair.ID, false)
	if b.clock.Pass(time.Minute); b.Valid(pair.ID, secret) {
		t.Error("it works")
	}
}
