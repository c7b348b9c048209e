// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"accesskey.dev/operator/api/v1alpha1"
)

var _ = Describe("kubectl accesskey, as an editor,", func() {
	It("renews: waits until the new pair is published, and says how long the old one works", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		before := team.issue(ctx, accessKey("backup", qumulo, qumulo.user, labelled))
		team.issue(ctx, accessKey("media", qumulo, qumulo.AddUser("media"), labelled))

		renewed := team.run(ctx, "renew", "backup", "--wait", "--timeout=30s")
		Expect(renewed.code).To(Equal(0))
		after := team.get(ctx, "backup")
		Expect(after.Status.AccessKeyID).NotTo(Equal(before.Status.AccessKeyID))
		Expect(renewed.out).To(HavePrefix(team.namespace + "/backup: rotation requested\n"))
		Expect(renewed.out).To(ContainSubstring("rotated to access key " + after.Status.AccessKeyID + "; access key " + before.Status.AccessKeyID + " works until "))

		By("by label")
		result := team.run(ctx, "renew", "-l", "app=shop", "--wait", "--timeout=30s")
		Expect(result.code).To(Equal(0))
		Expect(result.out).To(ContainSubstring("/media: rotated to access key "))
		Expect(team.get(ctx, "backup").Status.Revision).To(BeEquivalentTo(3))
	})

	It("says why a renewal is not made", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", qumulo, qumulo.user))
		team.create(ctx, accessKey("lost", qumulo, qumulo.user, func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = "nowhere" }))

		stalled := team.run(ctx, "renew", "lost", "--wait", "--timeout=2m")
		Expect(stalled.code).To(Equal(1), "after some seconds, not after the timeout")
		Expect(stalled.err).To(ContainSubstring("/lost: Stalled (KeyServiceNotFound): "))

		timeout := team.run(ctx, "renew", "lost", "--wait", "--timeout=2s")
		Expect(timeout.code).To(Equal(1))
		Expect(timeout.err).To(ContainSubstring("/lost: not done after 2s: Stalled (KeyServiceNotFound): "))

		missing := team.run(ctx, "renew", "backup", "nobody")
		Expect(missing.code).To(Equal(1))
		Expect(missing.err).To(ContainSubstring("namespace " + team.namespace + " has no AccessKey nobody"))

		for _, arguments := range [][]string{{"renew"}, {"renew", "backup", "--all"}, {"renew", "--all", "-l", "app=shop"}, {"renew", "-l", "app in"}} {
			Expect(team.run(ctx, arguments...).code).To(Equal(2), "%q", arguments)
		}
		Expect(team.get(ctx, "backup").Annotations).To(BeEmpty())
	})

	It("suspends and resumes, and warns if a tool applies the AccessKey from Git", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", qumulo, qumulo.user))
		team.issue(ctx, accessKey("from-git", qumulo, qumulo.AddUser("git"), func(ak *v1alpha1.AccessKey) {
			ak.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "keys", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
		}))

		suspended := team.run(ctx, "suspend", "--all")
		Expect(suspended.code).To(Equal(0))
		Expect(suspended.out).To(Equal(team.namespace + "/backup: suspended\n" + team.namespace + "/from-git: suspended\n"))
		Expect(suspended.err).To(Equal("Warning: " + team.namespace + "/from-git is managed by Flux (Kustomization flux-system/keys), " +
			"which may revert spec.suspend: make the change in its source, too\n"))
		Expect(team.get(ctx, "backup").Suspended()).To(BeTrue())
		Expect(team.get(ctx, "backup").ManagedFields).To(ContainElement(HaveField("Manager", Equal("accesskey-cli"))), "Flux reverts what managers named kubectl… write")
		Expect(team.run(ctx, "suspend", "backup").out).To(HaveSuffix("/backup: suspended (unchanged)\n"))

		refused := team.run(ctx, "renew", "backup")
		Expect(refused.code).To(Equal(1))
		Expect(refused.err).To(ContainSubstring("/backup is suspended, so it is not rotated; run kubectl accesskey resume backup first"))

		Expect(team.run(ctx, "resume", "backup").out).To(HaveSuffix("/backup: resumed\n"))
		Expect(team.get(ctx, "backup").Spec.Suspend).To(BeNil())
		Expect(team.run(ctx, "renew", "backup", "--wait", "--timeout=30s").code).To(Equal(0))
	})

	It("replaces a compromised key without an overlap, and refuses an ID that the AccessKey does not know", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		leaked := team.issue(ctx, accessKey("backup", qumulo, qumulo.user)).Status.AccessKeyID

		unknown := team.run(ctx, "compromised", "backup", "AKIATYPINGERROR")
		Expect(unknown.code).To(Equal(1))
		Expect(unknown.err).To(ContainSubstring("/backup has no key AKIATYPINGERROR, and had none lately; its keys are " + leaked + ". Nothing was changed."))
		Expect(team.get(ctx, "backup").Spec.CompromisedKeyIDs).To(BeEmpty())

		result := team.run(ctx, "compromised", "backup", leaked, "--wait", "--timeout=30s")
		Expect(result.code).To(Equal(0))
		Expect(result.out).To(ContainSubstring(leaked + " is the current key: it is replaced at once, and revoked as soon as the new pair is published\n"))
		after := team.get(ctx, "backup").Status
		Expect(result.out).To(HaveSuffix("/backup: no compromised key works any more; the Secret holds access key " + after.AccessKeyID + "\n"))
		Expect(after.AccessKeyID).NotTo(Equal(leaked))
		Expect(after.PreviousKeys).To(BeEmpty())

		Expect(team.run(ctx, "compromised", "backup", leaked).out).To(HaveSuffix(leaked + " is revoked already\n"))
		Expect(team.run(ctx, "compromised", "backup", "AKIATYPINGERROR", "--force").code).To(Equal(0))
		Expect(team.get(ctx, "backup").Spec.CompromisedKeyIDs).To(Equal([]string{leaked, "AKIATYPINGERROR"}))
	})

	It("completes the names of AccessKeys and the IDs of their keys", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		id := team.issue(ctx, accessKey("backup", qumulo, qumulo.user)).Status.AccessKeyID
		team.issue(ctx, accessKey("media", qumulo, qumulo.AddUser("media")))

		Expect(team.run(ctx, "__complete", "renew", "").out).To(Equal("backup\nmedia\n:4\n"))
		Expect(team.run(ctx, "__complete", "renew", "backup", "").out).To(Equal("media\n:4\n"))
		Expect(team.run(ctx, "__complete", "status", "backup", "").out).To(Equal(":4\n"))
		Expect(team.run(ctx, "__complete", "compromised", "backup", "").out).To(Equal(id + "\n:4\n"))
		Expect(team.run(ctx, "__complete", "list", "-o", "").out).To(ContainSubstring("wide\n"))
		Expect(team.run(ctx, "__complete", "status", "backup", "-o", "").out).To(And(ContainSubstring("yaml\n"), Not(ContainSubstring("wide\n"))))

		By("the names of key services, of which an editor may not list those of the cluster")
		for _, arguments := range [][]string{{"check", ""}, {"keys", ""}, {"import", "--service", ""}} {
			Expect(team.run(ctx, append([]string{"__complete"}, arguments...)...).out).To(Equal("qumulo\n:4\n"), "%q", arguments)
		}
		everything(ctx, "carla")
		team.clusterService(ctx, qumulo, "common")
		team.user = "carla"
		Expect(team.run(ctx, "__complete", "check", "").out).To(Equal("qumulo\nclusterkeyservice/common\n:4\n"))
		Expect(team.run(ctx, "__complete", "keys", "--cluster", "").out).To(Equal("common\n:4\n"))
	})
})

var _ = Describe("kubectl accesskey, as a viewer,", func() {
	It("shows everything and changes nothing", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		id := team.issue(ctx, accessKey("backup", qumulo, qumulo.user)).Status.AccessKeyID
		team.grant(ctx, "vera", "view")
		team.user = "vera"

		Expect(team.run(ctx, "status", "backup").code).To(Equal(0))
		for _, arguments := range [][]string{{"renew", "backup"}, {"suspend", "backup"}, {"compromised", "backup", id}} {
			result := team.run(ctx, arguments...)
			Expect(result.code).To(Equal(1), "%q", arguments)
			Expect(result.err).To(ContainSubstring(`User "vera" cannot patch resource "accesskeys"`))
		}
	})
})
