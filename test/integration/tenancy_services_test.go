// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("Attack on a KeyService of another namespace", func() {
	It("by naming it", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		victim.expectService(ctx, BeAtRest())
		victim.service.ResetCalls()
		var attacks []string
		for i, name := range []string{
			serviceName, victim.namespace + "/" + serviceName, "../" + victim.namespace + "/" + serviceName,
			"../../" + victim.namespace + "/keyservices/" + serviceName, "..%2f" + victim.namespace + "%2f" + serviceName, serviceName + "." + victim.namespace,
			victim.namespace + ":" + serviceName, "*", ".", "..",
		} {
			for _, kind := range []string{v1alpha1.KindKeyService, v1alpha1.KindClusterKeyService} {
				ak := accessKey(fmt.Sprintf("attack-%d-%s", i, strings.ToLower(kind)), onService(name))
				ak.Spec.ServiceRef.Kind = kind
				mallory.create(ctx, ak)
				attacks = append(attacks, ak.Name)
			}
		}
		mallory.step(ctx, time.Minute) // a new AccessKey waits for its KeyService
		for _, name := range attacks {
			mallory.expectStalled(ctx, name, "KeyServiceNotFound", "does not exist")
		}
		Expect(victim.service.Calls()).To(BeEmpty(), "the service heard of it")
		Expect(victim.service.History()).To(BeEmpty())
	})

	It("by the names of its Secrets, and of those of ClusterKeyServices", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		shared := victim.createClusterService(ctx, grant("a", "*"))
		victim.expectService(ctx, BeAtRest())
		lure := listen(http.NotFound)
		for i, name := range []string{
			credentials, victim.namespace + "/" + credentials, "../" + victim.namespace + "/" + credentials,
			"../../" + victim.namespace + "/secrets/" + credentials, "..%2F..%2F" + victim.namespace + "%2Fsecrets%2F" + credentials,
			"../../" + victim.clusterNamespace + "/secrets/" + credentials, victim.clusterNamespace + "/" + credentials, "..", ".", shared,
		} {
			service := lure.keyService(name, "token")
			service.Name = fmt.Sprintf("lure-%d", i)
			mallory.create(ctx, service, accessKey(service.Name, onService(service.Name)))
			mallory.step(ctx, settled)
			mallory.expectStalled(ctx, service.Name, "CredentialsNotFound", "Secret "+mallory.namespace+"/"+name+" does not exist")
		}
		Expect(lure.all()).To(BeEmpty(), "a credential could be in it")
	})
})

var _ = Describe("Attack by a KeyService that leads to a server of the attacker", func() {
	redirected := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to+r.URL.RequestURI())
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}

	It("learns the credential that it names itself, and nothing else", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		victim.create(ctx, accessKey("backup"))
		p := victim.issued(ctx, "backup", 1)
		victim.service.ResetCalls()
		lure := listen(redirected(victim.server.URL))
		bait := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "bait"}, StringData: map[string]string{"token": "access-v1:bait"}}
		mallory.create(ctx, bait, lure.keyService("bait", "token"), accessKey("attack", onService("lure")))
		mallory.expect(ctx, "attack", HaveCondition("Synced", metav1.ConditionFalse, Not(BeEmpty())))

		heard := lure.all()
		Expect(heard).To(ContainSubstring("access-v1:bait"))
		for _, secret := range []string{victim.token, p.secret, p.id, victim.namespace, victim.clusterNamespace, "Impersonate", "Cookie"} {
			Expect(heard).NotTo(ContainSubstring(secret))
		}
		By("being followed nowhere")
		Expect(victim.service.Calls()).To(BeEmpty(), "mallory's redirection led to the victim's service")
		Expect(victim.issued(ctx, "backup", 1)).To(Equal(p))
	})

	It("gets no ServiceAccount's token out of a Secret that the attacker can't read", func(ctx SpecContext) {
		mallory, _ := newTenants(ctx)
		lure := listen(http.NotFound)
		mallory.create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, serviceAccountToken(),
			lure.keyService("robot-token", "token"), accessKey("attack", onService("lure")))
		mallory.expectStalled(ctx, "attack", "KeyServiceInvalid", "is of type kubernetes.io/service-account-token, whose token is not for a key service")
		Expect(lure.all()).To(BeEmpty())
	})

	It("says nothing about another namespace's keys by listing them as its own", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		victim.create(ctx, accessKey("backup"))
		p := victim.issued(ctx, "backup", 1)
		lure := listen(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"auth_id":"1000","revision_id":"Qumulo Core 7.9.2.2","entries":[{"access_key_id":%q,"owner":{"auth_id":"1000"},"creation_time":"2020-01-01T00:00:00Z"}],"paging":{}}`, p.id)
		})
		bait := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "bait"}, StringData: map[string]string{"token": "access-v1:bait"}}
		mallory.create(ctx, bait, lure.keyService("bait", "token"), accessKey("attack", onService("lure")))
		mallory.eventually(ctx, func(g Gomega) { g.Expect(lure.all()).To(ContainSubstring("access-v1:bait")) })
		mallory.step(ctx, resync)
		Expect(victim.issued(ctx, "backup", 1)).To(Equal(p))
		victim.stepTo(ctx, victim.accessKey(ctx, "backup").Status.RenewalTime.Time)
		victim.issued(ctx, "backup", 2)
	})
})

var _ = Describe("Attack by what the attacker's AccessKey begins with", func() {
	It("its status, age and identity are given by the API server", func(ctx SpecContext) {
		mallory, victim := newTenants(ctx)
		victim.create(ctx, accessKey("backup"))
		p := victim.issued(ctx, "backup", 1)
		twin := mallory.in(mallory.namespace)
		twin.create(ctx, twin.credentialSecret(), twin.authoritySecret(), twin.keyService())
		attack := accessKey("attack", func(ak *v1alpha1.AccessKey) {
			ak.UID, ak.CreationTimestamp = victim.accessKey(ctx, "backup").UID, metav1.NewTime(mallory.clock.Now().Add(-365*day))
			ak.Status = victim.accessKey(ctx, "backup").Status
		})
		twin.create(ctx, attack)
		twin.issued(ctx, "attack", 1)
		made := twin.accessKey(ctx, "attack")
		Expect(made.UID).NotTo(Equal(victim.accessKey(ctx, "backup").UID))
		Expect(made.CreationTimestamp.Time).To(BeTemporally(">", mallory.clock.Now().Add(-day)))
		Expect(made.Status.KeyID).NotTo(Equal(p.id))
		Expect(kube.Delete(ctx, made)).To(Succeed())
		twin.gone(ctx, named(&v1alpha1.AccessKey{}, "attack"))
		Expect(victim.issued(ctx, "backup", 1)).To(Equal(p))
	})

	It("its user and service can't be changed once they were granted", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.label(ctx, "a")
		w.service.AddUser("bob")
		name := w.createClusterService(ctx, grant("a", alice))
		w.create(ctx, accessKey("attack", onCluster(name)))
		p := w.issued(ctx, "attack", 1)
		for _, patch := range []string{
			`{"spec":{"user":"local:bob"}}`, `{"spec":{"user":null}}`, `{"spec":{"serviceRef":{"name":"another"}}}`, `{"spec":{"serviceRef":{"kind":"KeyService"}}}`,
		} {
			err := kube.Patch(ctx, w.accessKey(ctx, "attack"), client.RawPatch("application/merge-patch+json", []byte(patch)))
			Expect(err).To(MatchError(ContainSubstring("immutable")), patch)
		}
		Expect(w.issued(ctx, "attack", 1)).To(Equal(p))
	})
})
