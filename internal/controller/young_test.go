// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"reflect"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

func TestAKeyIsNotMissedInItsFirstMinute(t *testing.T) {
	ak := restingAccessKey()
	for name, test := range map[string]struct {
		listed []keyservice.Key
		age    time.Duration
		want   int
	}{
		"young and not listed yet": {nil, youth - time.Second, 1},
		"young and listed":         {[]keyservice.Key{{ID: "K1"}}, time.Second, 1},
		"old and not listed":       {nil, youth, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := withYoung(test.listed, plainKeys(recordedKeys(ak)), ak.Status.IssuedAt.Add(test.age)); len(got) != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestASecretIsNotMissedWhenItWasJustWritten(t *testing.T) {
	const revision = 3
	for name, test := range map[string]struct {
		change func(*pass)
		// trusted until so long after the issue; zero: what the cache shows counts.
		trusted time.Duration
	}{
		"not in the cache yet": {func(*pass) {}, unseen},
		"there with the pair before": {func(p *pass) {
			p.in.Secret = plan.Secret{State: plan.SecretIntact, Record: plan.Record{Revision: revision - 1}}
		}, unseen},
		"there": {func(p *pass) {
			p.in.Secret = plan.Secret{State: plan.SecretIntact, Record: plan.Record{Revision: revision}}
		}, 0},
		"edited":                              {func(p *pass) { p.in.Secret.State = plan.SecretEdited }, 0},
		"somebody else's":                     {func(p *pass) { p.in.Secret.State = plan.SecretForeign }, 0},
		"written long ago":                    {func(p *pass) { p.in.Now = p.in.Now.Add(unseen) }, 0},
		"wanted under another name by now":    {func(p *pass) { p.ak.Spec.SecretName = "other" }, 0},
		"of an AccessKey that has no key yet": {func(p *pass) { p.ak.Status.KeyID = "" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := passOf(func(p *pass) {
				p.ak.Status.Revision, p.ak.Status.SecretName = revision, p.ak.SecretName()
				p.in.Now, p.in.Secret = p.ak.Status.IssuedAt.Time, plan.Secret{State: plan.SecretAbsent}
			})
			test.change(p)
			before := p.in.Secret
			p.trustYoungSecret()
			switch {
			case test.trusted == 0 && (!p.trustedUntil.IsZero() || !reflect.DeepEqual(p.in.Secret, before)):
				t.Errorf("trusted until %s: %+v", p.trustedUntil, p.in.Secret)
			case test.trusted > 0 && !p.trustedUntil.Equal(p.ak.Status.IssuedAt.Add(test.trusted)):
				t.Errorf("trusted until %s", p.trustedUntil)
			case test.trusted > 0 && (p.in.Secret.State != plan.SecretIntact || p.in.Secret.Record.KeyID != p.ak.Status.KeyID || !p.in.Secret.UpToDate):
				t.Errorf("got %+v", p.in.Secret)
			}
		})
	}
}
