// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// forgeries are the places of a status in which an editor can put a key. now is a moment that is due.
var forgeries = map[string]func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time){
	"as the current key": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.KeyID, status.AccessKeyID, status.IssuedAt = keyID, keyID, now
	},
	"as a previous key that is due": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: keyID, AccessKeyID: keyID, IssuedAt: now, RevokeAt: now}}
	},
	"as a previous key that was disabled already": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: keyID, AccessKeyID: keyID, IssuedAt: now, RevokeAt: now, State: v1alpha1.KeyDisabled}}
	},
	"as what an open intent made": func(status *v1alpha1.AccessKeyStatus, _ string, now metav1.Time) {
		status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 9, StartedAt: now}
	},
	"as the ID that an open intent chose": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 9, StartedAt: now, KeyID: keyID}
	},
	"as what an open intent renews": func(status *v1alpha1.AccessKeyStatus, keyID string, now metav1.Time) {
		status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationRegenerate, Revision: 9, StartedAt: now, KeyID: keyID}
	},
}

// attackByStatus forges a status in each way, lets time pass, and deletes the AccessKey in the end.
func (w *world) attackByStatus(ctx SpecContext, name, keyID string, forge func(*v1alpha1.AccessKeyStatus, string, metav1.Time)) {
	GinkgoHelper()
	w.forgeStatus(ctx, name, keyID, forge)
	for _, d := range []time.Duration{time.Second, settled, resync, day, 11 * day} {
		w.step(ctx, d)
		w.settle(ctx)
	}
	w.delete(ctx, named(&v1alpha1.AccessKey{}, name))
	for _, d := range []time.Duration{time.Second, settled, resync} {
		w.step(ctx, d)
		w.settle(ctx)
	}
	w.changeAccessKeyIfThere(ctx, name, retained)
	w.gone(ctx, named(&v1alpha1.AccessKey{}, name))
}

// forgeStatus writes a key into a status.
func (w *world) forgeStatus(ctx SpecContext, name, keyID string, forge func(*v1alpha1.AccessKeyStatus, string, metav1.Time)) {
	GinkgoHelper()
	w.eventually(ctx, func(g Gomega) {
		ak := w.accessKey(ctx, name)
		forge(&ak.Status, keyID, metav1.NewTime(w.clock.Now().Truncate(time.Second)))
		g.Expect(kube.Status().Update(ctx, ak)).To(Succeed())
	})
}

func (w *world) changeAccessKeyIfThere(ctx SpecContext, name string, changes ...func(*v1alpha1.AccessKey)) {
	GinkgoHelper()
	if kube.Get(ctx, w.named(name), &v1alpha1.AccessKey{}) == nil {
		w.changeAccessKey(ctx, name, changes...)
	}
}

var _ = Describe("Attack by an editor of the status", func() {
	for place, forge := range forgeries {
		It("on a key that is older than the AccessKey, "+place, func(ctx SpecContext) {
			w := newStoppedWorld(ctx)
			w.clock.SetTime(time.Now().Add(-time.Hour))
			older, secret, err := w.service.MakeKey(alice)
			Expect(err).NotTo(HaveOccurred())
			w.clock.SetTime(time.Now())
			w.start()
			w.create(ctx, w.credentialSecret(), w.authoritySecret(), w.keyService(), accessKey("attack"))
			w.issued(ctx, "attack", 1)
			w.kept = w.everyKeyOf(alice)
			w.attackByStatus(ctx, "attack", older.ID, forge)
			Expect(w.works(pair{older.AccessKeyID, secret})).To(BeTrue())
		})

		It("on the key of an AccessKey of another namespace, "+place, func(ctx SpecContext) {
			mallory, victim := newTenants(ctx)
			victim.create(ctx, accessKey("backup", withoutTTL))
			mallory.create(ctx, mallory.credentialSecret(), mallory.authoritySecret(), mallory.keyService(), accessKey("attack"))
			mallory.issued(ctx, "attack", 1)
			p := victim.issued(ctx, "backup", 1)
			mallory.kept = victim.everyKeyOf(alice)
			mallory.attackByStatus(ctx, "attack", p.id, forge)
			Expect(victim.issued(ctx, "backup", 1)).To(Equal(p))
		})

		It("on a key of another user, "+place, func(ctx SpecContext) {
			w := newWorld(ctx)
			w.service.AddUser("bob")
			w.create(ctx, accessKey("attack"))
			w.issued(ctx, "attack", 1)
			others, secret, err := w.service.MakeKey("local:bob")
			Expect(err).NotTo(HaveOccurred())
			w.kept = w.everyKeyOf(alice)
			w.attackByStatus(ctx, "attack", others.ID, forge)
			Expect(w.works(pair{others.AccessKeyID, secret})).To(BeTrue())
		})
	}
})

// everyKeyOf a user is let go by the promises: whoever edits a status makes the operator lose keys of her own.
func (w *world) everyKeyOf(user string) map[string]bool {
	kept := map[string]bool{}
	for _, key := range w.service.Keys(user) {
		kept[key.ID] = true
	}
	return kept
}
