// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// forgeries are the places of a status in which an editor can put a key. now is a moment at which the key is due.
var forgeries = map[string]func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time){
	"as the current key": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.KeyID, status.AccessKeyID, status.IssuedAt = keyID, keyID, now
	},
	"as a previous key that is due": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: keyID, AccessKeyID: keyID, IssuedAt: now, RevokeAt: now}}
	},
	"as a previous key that is disabled": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: keyID, AccessKeyID: keyID, IssuedAt: now, RevokeAt: now, State: v1alpha1.KeyDisabled}}
	},
	"as the result of an open intent": func(status *v1alpha1.AccessKeyStatus, _ string, now metav1.Time) {
		status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 9, StartedAt: now}
	},
	"as the ID that an open intent chose": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 9, StartedAt: now, KeyID: keyID}
	},
	"as the key that an open intent regenerates": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, Revision: 9, StartedAt: now, KeyID: keyID}
	},
}

// attempts are the requests in which an editor can send the forged status of the AccessKey "attack".
var attempts = map[string]func(ctx SpecContext, w *world, mallory client.Client, forged *v1alpha1.AccessKey){
	"in an update of the status": func(ctx SpecContext, _ *world, mallory client.Client, forged *v1alpha1.AccessKey) {
		Expect(mallory.Status().Update(ctx, forged)).To(beRefusedByStatusPolicy())
	},
	"in an update of the AccessKey": func(ctx SpecContext, _ *world, mallory client.Client, forged *v1alpha1.AccessKey) {
		Expect(mallory.Update(ctx, forged)).To(Succeed())
	},
	"in a new AccessKey of the same name": func(ctx SpecContext, w *world, mallory client.Client, forged *v1alpha1.AccessKey) {
		w.delete(ctx, named(&v1alpha1.AccessKey{}, forged.Name))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, forged.Name))
		forged.ResourceVersion, forged.UID, forged.Finalizers = "", "", nil
		Expect(mallory.Create(ctx, forged)).To(Succeed())
	},
}

var _ = Describe("Attack by a forged status", func() {
	for sent, attempt := range attempts {
		It(sent+" leads to no key of the same user, of another user or of another namespace", func(ctx SpecContext) {
			w, victim := newTenants(ctx)
			w.service.AddUser("bob")
			w.service.AddUser("mallory")
			victim.create(ctx, accessKey("backup", withoutTTL))
			theirs := victim.issued(ctx, "backup", 1)
			w.create(ctx, w.credentialSecret(), w.authoritySecret(), w.keyService(), accessKey("attack", withUser("local:mallory"), withoutTTL))
			w.issued(ctx, "attack", 1)
			targets := map[string]pair{theirs.id: theirs}
			for _, user := range []string{"local:mallory", "local:bob"} {
				key, secret, err := w.service.MakeKey(user)
				Expect(err).NotTo(HaveOccurred())
				targets[key.ID] = pair{key.AccessKeyID, secret}
			}
			w.awaitStatusPolicy(ctx, w.object("AccessKey", "attack"))
			w.forgeEverything(ctx, targets, attempt)
			for _, d := range []time.Duration{time.Second, settled, resync, day, 11 * day} {
				w.step(ctx, d)
			}
			w.delete(ctx, named(&v1alpha1.AccessKey{}, "attack"))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, "attack"))
			for id, target := range targets {
				Expect(w.works(target)).To(BeTrue(), "key %s", id)
			}
			Expect(victim.issued(ctx, "backup", 1)).To(Equal(theirs))
		})
	}
})

// forgeEverything attempts every forgery with every target, as somebody whom RBAC allows everything.
func (w *world) forgeEverything(ctx SpecContext, targets map[string]pair, attempt func(SpecContext, *world, client.Client, *v1alpha1.AccessKey)) {
	GinkgoHelper()
	mallory := asUser(ctx, strongest["a user whose role allows every verb on everything"])
	for place, forge := range forgeries {
		for id := range targets {
			By(id + " " + place)
			w.expect(ctx, "attack", BeAtRest())
			w.settle(ctx)
			forged := w.accessKey(ctx, "attack")
			forge(&forged.Status, id, metav1.NewTime(w.clock.Now().Truncate(time.Second)))
			attempt(ctx, w, mallory, forged)
		}
	}
}
