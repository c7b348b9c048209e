// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"time"

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
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
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

func qumuloTarget(c clock.PassiveClock) target {
	server := qumulo.New(qumulo.Options{Clock: c})
	token := server.AddToken(time.Time{})
	owner := server.AddUser("team-a-x")
	bob := server.AddIdentity(qumulo.Identity{Domain: qumulo.DomainLocal, Name: "bob", SID: "S-1-5-21-1-2-3-500", UID: ptr.To(uint32(500))})
	return target{
		other: other{
			server: server, secret: map[string]string{"token": token},
			spec: func(spec *v1alpha1.KeyServiceSpec, url string) {
				spec.Qumulo = &v1alpha1.QumuloService{URL: url, TokenSecretRef: &v1alpha1.TokenReference{Name: credentials, Key: "token"}}
			},
		},
		granted: []string{"local:team-a-*"}, owners: []string{"auth_id:" + owner},
		spellings: append(append(bobs("local:"), bobs("")...),
			"", "auth_id:"+bob, "auth_id:0"+bob, "auth_id: "+bob, "auth_id:+"+bob, bob, "uid:500", "uid:0500", "uid:0x1f4", "sid:S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-500",
			"SID:S-1-5-21-1-2-3-500", "Local:bob", "LOCAL:bob", "LOCAL:team-a-x", "local::bob", "local:local:bob", "ad:bob", "ad:team-a-x", "auth_id:"+owner, "team-a-x", "*:bob"),
	}
}

func huaweiTarget(c clock.PassiveClock) target {
	server := huawei.New(huawei.Options{Clock: c})
	owner, bob := server.AddUser("team-a-x"), server.AddUser("bob")
	return target{
		other: other{
			server: server, secret: map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey},
			spec: func(spec *v1alpha1.KeyServiceSpec, url string) {
				spec.Huawei = &v1alpha1.HuaweiService{URL: url, DomainID: huawei.DefaultDomainID, CredentialsSecretRef: v1alpha1.SecretReference{Name: credentials}}
			},
		},
		granted: []string{"team-a-*"}, owners: []string{owner},
		spellings: append(bobs(""), bob, strings.ToUpper(bob), " "+bob, bob+"/access-keys", "../"+bob, owner, strings.ToUpper(owner), bob[:31], "team-a-/../"+bob, "team-a-%2f"+bob, ""),
	}
}

func ontapTarget(c clock.PassiveClock) target {
	server := ontap.New(ontap.Options{Clock: c, Version: ontap.V9191})
	_, _, err := server.AddUser("bob", "a person's")
	Expect(err).NotTo(HaveOccurred())
	return target{
		other: other{
			server: server, secret: map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword},
			spec: func(spec *v1alpha1.KeyServiceSpec, url string) {
				spec.ONTAP = &v1alpha1.ONTAPService{URL: url, SVM: ontap.DefaultSVM, CredentialsSecretRef: v1alpha1.SecretReference{Name: credentials}}
			},
		},
		// Users that are not there are made, so the glob covers more than one.
		granted: []string{"team-a-*"}, owners: []string{"team-a-x,bob"},
		spellings: append(bobs(""), "root", "ROOT", "team-a-/../root", "bob/2", "bob/keys", ".", "..", "", "team-a-x&name=bob"),
	}
}

func ionosTarget(c clock.PassiveClock) target {
	server := ionos.New(ionos.Options{Clock: c})
	token := server.AddUser("operator")
	server.AddUser("bob")
	return target{
		other: other{
			server: server, secret: map[string]string{"token": token},
			spec: func(spec *v1alpha1.KeyServiceSpec, url string) {
				spec.IONOS = &v1alpha1.IONOSService{URL: url, TokenSecretRef: v1alpha1.TokenReference{Name: credentials, Key: "token"}}
			},
		},
		granted: []string{"team-a-*"}, spellings: append(bobs(""), "", "operator"),
	}
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
	Entry("Qumulo", qumuloTarget), Entry("Huawei Cloud", huaweiTarget), Entry("ONTAP", ontapTarget), Entry("IONOS", ionosTarget),
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
		aim.spec(&spec.KeyServiceSpec, server.URL)
		spec.TLS = &v1alpha1.TLS{CABundle: string(server.CA)}
		spec.RateLimit = v1alpha1.RateLimit{QPS: 1000, Burst: 1000}
		spec.Grants = []v1alpha1.Grant{grant("a", aim.granted...)}
	})
}
