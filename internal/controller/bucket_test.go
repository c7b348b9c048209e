// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
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
	neighbouring, wanting := other(), other()
	neighbouring.Name = neighbour("", here.Name)
	wanting.Name, wanting.Spec.SecretName = "wanting", here.Name
	b.create(neighbouring, wanting)
	for name, want := range map[string]int{here.Name: 2, here.Name + "-next": 2, neighbouring.Name: 1, "nobody's": 0} {
		if got := b.r.wantingSecret(t.Context(), secretNamed(name)); len(got) != want {
			t.Errorf("Secret %s wakes %v", name, got)
		}
	}
}

func TestASecretOfAnotherIsNoFormerOne(t *testing.T) {
	b := newBench(t)
	former, neighbours := restingAccessKey(), other()
	neighbours.UID = types.UID(neighbour("", string(former.UID)))
	former.Spec.SecretName = "former"
	for _, ak := range []*v1alpha1.AccessKey{former, neighbours} {
		secret, _ := publishedSecret(t, ak, nil)
		b.create(secret)
	}
	found, err := b.r.formerSecrets(t.Context(), restingAccessKey())
	if err != nil || len(found) != 1 || found[0].Name != "former" {
		t.Errorf("found %+v, %v", found, err)
	}
}
