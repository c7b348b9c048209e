// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// neighbour is another text that is in the bucket of value when the prefix is put before it.
func neighbour(prefix, value string) string {
	for i := 0; ; i++ {
		if text := fmt.Sprintf("neighbour-%d", i); bucket(prefix+text) == bucket(value) {
			return text
		}
	}
}

func (b *bench) create(objects ...client.Object) {
	b.t.Helper()
	for _, object := range objects {
		if err := b.kube.Create(b.t.Context(), object); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestASecretWakesTheAccessKeysThatWantItsName(t *testing.T) {
	b := newBench(t)
	wanting, next := other(), other()
	wanting.Name, wanting.Spec.SecretName = "wanting", here.Name
	next.Name = here.Name + "-next"
	b.create(wanting, next)
	for name, want := range map[string]int{here.Name: 2, here.Name + "-next": 3, next.Name + "-next": 1, wanting.Name: 0, "nobody's": 0} {
		if got := b.r.wantingSecret(t.Context(), secretNamed(name)); len(got) != want {
			t.Errorf("Secret %s wakes %v", name, got)
		}
	}
}

// TestFormerSecrets: those that an AccessKey controls are former ones when it wants other names.
func TestFormerSecrets(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"backup", "backup-next", "pair", "pair-next", "old"} {
		ak := restingAccessKey()
		ak.Spec.SecretName = name
		secret, _ := publishedSecret(t, ak, nil)
		b.create(secret)
	}
	for wanted, want := range map[string][]string{
		"":       {"old", "pair", "pair-next"},
		"backup": {"old", "pair", "pair-next"},
		"pair":   {"backup", "backup-next", "old"},
		"new":    {"backup", "backup-next", "old", "pair", "pair-next"},
	} {
		for uid, want := range map[types.UID][]string{restingAccessKey().UID: want, "of one that had its name": nil} {
			ak := restingAccessKey()
			ak.UID, ak.Spec.SecretName = uid, wanted
			found, err := b.r.formerSecrets(t.Context(), ak)
			var got []string
			for _, former := range found {
				got = append(got, former.Name)
			}
			slices.Sort(got)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, which wants %q: found %q, %v", uid, wanted, got, err)
			}
		}
	}
}
