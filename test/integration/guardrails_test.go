// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("A grant with maxTTL", func() {
	It("gives no key to an AccessKey with a longer ttl or none, until the ttl fits", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grantFor("a", 7), grantFor("a", 20), grant("b", "*"))
		w.create(ctx, accessKey("backup", onCluster(name)), accessKey("endless", onCluster(name), withoutTTL))
		w.expectStalled(ctx, "backup", "TTLNotGranted", "ClusterKeyService "+name+` grants keys of user "local:alice" to namespace `+w.namespace+
			" with a ttl of at most 480h, and this AccessKey has 720h; set ttl to 480h or less")
		w.expectStalled(ctx, "endless", "TTLNotGranted", "with a ttl of at most 480h, and this AccessKey has none")
		w.settle(ctx)
		Expect(w.service.Calls()).NotTo(HaveKey("POST " + keysPath))
		w.changeAccessKey(ctx, "backup", withTTL(days(20), days(10)))
		w.issued(ctx, "backup", 1)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "endless"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "endless"))
	})

	It("leaves a key alone that was issued before it was lowered, and reports at once that the key is not rotated", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grantFor("a", 30))
		w.create(ctx, accessKey("backup", onCluster(name)))
		p := w.issued(ctx, "backup", 1)
		w.changeClusterService(ctx, name, func(service *v1alpha1.ClusterKeyService) { service.Spec.Grants = []v1alpha1.Grant{grantFor("a", 15)} })
		w.expectDenied(ctx, "backup", "TTLNotGranted", p)
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		w.expectDenied(ctx, "backup", "TTLNotGranted", p)
		w.changeAccessKey(ctx, "backup", withTTL(days(15), days(5)))
		w.issued(ctx, "backup", 2)
	})

	It("cannot be passed by a longer ttl after the key was issued", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grantFor("a", 30))
		w.create(ctx, accessKey("backup", onCluster(name)))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", withTTL(days(31), days(10)))
		w.expectDenied(ctx, "backup", "TTLNotGranted", p)
	})
})

var _ = Describe("allowedUsers", func() {
	It("gives the AccessKeys of a KeyService no keys of other users", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.createService(ctx, allowing("local:team-a-*", "local:alic?"))
		w.create(ctx, accessKey("backup"), accessKey("attack", withUser("local:guest")), accessKey("number", withUser("auth_id:"+w.aliceID)))
		w.issued(ctx, "backup", 1)
		w.expectStalled(ctx, "attack", "UserNotAllowed",
			`allowedUsers of KeyService qumulo does not cover user "local:guest"; create an AccessKey for another user, or ask the owner of the KeyService to add this one`)
		w.expectStalled(ctx, "number", "UserNotAllowed", "auth_id:"+w.aliceID)
		w.settle(ctx)
		Expect(w.service.History()).To(HaveLen(1))

		By("letting them be deleted without keys")
		for _, name := range []string{"attack", "number"} {
			w.delete(ctx, named(&v1alpha1.AccessKey{}, name))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, name))
		}
	})

	It("bounds what a ClusterKeyService grants", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		name := w.createClusterService(ctx, grant("a", "*"))
		w.changeClusterService(ctx, name, func(service *v1alpha1.ClusterKeyService) { service.Spec.AllowedUsers = []string{"local:team-*"} })
		w.create(ctx, accessKey("backup", onCluster(name)))
		w.expectStalled(ctx, "backup", "UserNotAllowed", "allowedUsers of ClusterKeyService "+name)
		w.changeClusterService(ctx, name, func(service *v1alpha1.ClusterKeyService) { service.Spec.AllowedUsers = nil })
		w.issued(ctx, "backup", 1)
	})

	It("leaves a key alone that was issued before, and still revokes it", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.AllowedUsers = []string{"local:bob"} })
		w.expectDenied(ctx, "backup", "UserNotAllowed", p)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.service.LivePairs()).To(BeEmpty())
	})

	It("lets no AccessKey adopt a pair of another user", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", retained))
		p := w.issued(ctx, "backup", 1)
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.AllowedUsers = []string{"local:bob"} })
		w.create(ctx, accessKey("backup"))
		w.expectStalled(ctx, "backup", "UserNotAllowed")
		w.settle(ctx)
		Expect(w.accessKey(ctx, "backup").Status.KeyID).To(BeEmpty())
		Expect(w.works(p)).To(BeTrue())
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.AllowedUsers = []string{alice} })
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
	})
})

// expectDenied expects that a pair that may not be issued any more is left alone, and that a person learns that it will not be rotated.
func (w *world) expectDenied(ctx SpecContext, name, reason string, p pair) {
	GinkgoHelper()
	w.expect(ctx, name, WithTransform(observed, BeTrue()), HaveCondition("Ready", metav1.ConditionTrue, "Issued"),
		HaveCondition("Stalled", metav1.ConditionTrue, reason, p.id+" was issued before that; it keeps working but is not rotated"))
	w.settle(ctx)
	Expect(w.published(ctx, name)).To(Equal(p))
	Expect(w.works(p)).To(BeTrue())
	Expect(w.service.History()).To(HaveLen(1))
}

// grantFor lets the namespaces of a team have keys of every user for some days.
func grantFor(team string, maxDays int) v1alpha1.Grant {
	g := grant(team, "*")
	g.MaxTTL = days(maxDays)
	return g
}

func allowing(users ...string) func(*v1alpha1.KeyServiceSpec) {
	return func(spec *v1alpha1.KeyServiceSpec) { spec.AllowedUsers = users }
}
