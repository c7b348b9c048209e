// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// target is a key service that is shared with one namespace, for some of its users, and how an attacker spells others.
type target struct {
	other
	// granted are the globs; owners whose keys they cover, in the service's notation.
	granted, owners []string
	spellings       []string
}

// bobs are ways to write the user bob, to whom only team-a-… is granted, in any notation with names.
func bobs(prefix string) []string {
	var all []string
	for _, name := range []string{
		"bob", "BOB", " bob", "bob ", "\tbob", "bob\n", "\u00a0bob", "bob\u200b", "ｂｏｂ", "b\u043eb", "bob\x00", "bob\x00team-a-x",
		"./bob", "../bob", "%62ob", "bob%00", "bob/", "bob?", "bob#", "*", "?ob", "bob|team-a-x", "!team-a-x",
		"TEAM-A-x", "Team-a-x", "team-a", "team_a-x", "ｔeam-a-x",
		// These begin as the glob does.
		"team-a-/../bob", "team-a-/../../bob", "team-a-x/../bob", "team-a-%2e%2e%2fbob", "team-a-%2f..%2fbob", "team-a-..\\bob", "team-a-?name=bob",
		"team-a-#bob", "team-a-x:bob", "team-a-x,bob", "team-a-x|bob", "team-a-\x00bob", "team-a-\nbob", "team-a-\u2028bob", "team-a-\u202ebob",
		"team-a-*", "team-a-" + strings.Repeat("x", 200),
	} {
		all = append(all, prefix+name)
	}
	return all
}

// spelled are spellings that only this kind of service could take for a user who is not granted.
var spelled = map[string]func(server keyServer, mine, bob services.User) []string{
	"qumulo": func(server keyServer, mine, bob services.User) []string {
		server.(*qumulo.Simulator).AddIdentity(qumulo.Identity{Domain: qumulo.DomainLocal, Name: "eve", SID: "S-1-5-21-1-2-3-500", UID: ptr.To(uint32(500))})
		id := strings.TrimPrefix(bob.Alias, "auth_id:")
		return []string{
			"auth_id:0" + id, "auth_id: " + id, "auth_id:+" + id, id, "uid:500", "uid:0500", "uid:0x1f4", "sid:S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-500",
			"SID:S-1-5-21-1-2-3-500", "Local:bob", "LOCAL:bob", "LOCAL:team-a-x", "local::bob", "local:local:bob", "ad:bob", "ad:team-a-x", mine.Alias, "team-a-x", "*:bob",
		}
	},
	"ionos": func(keyServer, services.User, services.User) []string { return []string{"operator"} },
	"huawei": func(_ keyServer, mine, bob services.User) []string {
		return []string{bob.Alias + "/access-keys", "../" + bob.Alias, mine.Alias, strings.ToUpper(mine.Alias), bob.Alias[:31], "team-a-/../" + bob.Alias, "team-a-%2f" + bob.Alias}
	},
	"ontap": func(keyServer, services.User, services.User) []string {
		return []string{"root", "ROOT", "team-a-/../root", "bob/2", "bob/keys", ".", "..", "team-a-x&name=bob"}
	},
}

// targetAt is a service of the table with the users team-a-x and bob.
func targetAt(row services.Service) func(clock.PassiveClock) target {
	return func(c clock.PassiveClock) target {
		account := row.Open(services.Options{Clock: c})
		mine, bob := account.AddUser("team-a-x"), account.AddUser("bob")
		prefix := strings.TrimSuffix(mine.Name, "team-a-x")
		aim := target{
			other:   other{server: account.Server, secret: mine.Secret, spec: account.Spec},
			granted: []string{prefix + "team-a-*"}, owners: []string{mine.Owner},
			spellings: append(bobs(prefix), "", bob.Alias, strings.ToUpper(bob.Alias), " "+bob.Alias),
		}
		if prefix != "" {
			aim.spellings = append(aim.spellings, bobs("")...)
		}
		if row.MakesUsers {
			_, _, err := account.MakeKey(bob)
			Expect(err).NotTo(HaveOccurred())
			aim.owners = []string{"team-a-x,bob"} // the user that is made, of those that the glob covers
		}
		if own := spelled[row.Kind]; own != nil {
			aim.spellings = append(aim.spellings, own(account.Server, mine, bob)...)
		}
		return aim
	}
}

// everyTarget returns an entry for each service of the table.
func everyTarget() []TableEntry {
	var all []TableEntry
	for _, row := range services.All() {
		all = append(all, Entry(row.Name, targetAt(row)))
	}
	return all
}

var _ = DescribeTable("Attack on a ClusterKeyService's users by their spelling",
	func(ctx SpecContext, service func(clock.PassiveClock) target) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		aim := service(w.clock)
		name := w.share(ctx, aim)
		before := aim.server.History()
		refused, stalled, issued := 0, 0, 0
		for i, user := range aim.spellings {
			ak := accessKey(fmt.Sprintf("attack-%d", i), withUser(user), onCluster(name))
			ak.Namespace = w.namespace
			err := kube.Create(ctx, ak)
			if apierrors.IsInvalid(err) {
				refused++
				continue
			}
			Expect(err).NotTo(HaveOccurred(), "%q", user)
			w.eventually(ctx, func(g Gomega) {
				now := &v1alpha1.AccessKey{}
				g.Expect(kube.Get(ctx, client.ObjectKeyFromObject(ak), now)).To(Succeed())
				*ak = *now
				g.Expect(meta.IsStatusConditionTrue(now.Status.Conditions, v1alpha1.ConditionReady) ||
					meta.IsStatusConditionTrue(now.Status.Conditions, v1alpha1.ConditionStalled)).To(BeTrue(), "%q", user)
			})
			if ak.Status.KeyID != "" {
				issued++
			} else {
				stalled++
			}
		}
		AddReportEntry("attacks", fmt.Sprintf("%d refused by the API server, %d stalled, %d within the grant", refused, stalled, issued))
		var owners []string
		for _, pair := range aim.server.History()[len(before):] {
			owners = append(owners, pair.Owner)
		}
		Expect(owners).To(HaveLen(issued))
		for _, owner := range owners {
			Expect(aim.owners).To(ContainElement(owner), "a key of somebody who is not granted")
		}
		for _, pair := range before {
			Expect(aim.server.LivePairs()).To(ContainElement(pair))
		}
	},
	everyTarget(),
)

// share makes a ClusterKeyService of a target, granted to team a, and returns its name.
func (w *world) share(ctx SpecContext, aim target) string {
	GinkgoHelper()
	server, err := simulator.Serve(aim.server)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Close)
	w.services = append(w.services, aim.server)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: credentials, Namespace: w.clusterNamespace}, StringData: aim.secret}
	w.create(ctx, secret)
	return w.createShared(ctx, func(spec *v1alpha1.ClusterKeyServiceSpec) {
		aim.spec(&spec.KeyServiceSpec, server.URL, credentials)
		spec.TLS = &v1alpha1.TLS{CABundle: string(server.CA)}
		spec.RateLimit = v1alpha1.RateLimit{QPS: 1000, Burst: 1000}
		spec.Grants = []v1alpha1.Grant{grant("a", aim.granted...)}
	})
}
