// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"accesskey.dev/operator/api/v1alpha1"
)

// inGit is an AccessKey in full, as it is in Git, with the labels and annotations by which tools track what they apply.
const inGit = `
apiVersion: accesskey.dev/v1alpha1
kind: AccessKey
metadata:
  name: backup
  labels: {kustomize.toolkit.fluxcd.io/name: apps, app.kubernetes.io/instance: apps}
  annotations: {argocd.argoproj.io/tracking-id: "apps:accesskey.dev/AccessKey:team-a/backup"}
spec:
  serviceRef: {name: qumulo}
  user: local:alice
  ttl: 720h
  renewBefore: 14400m
  rotation: {}
  secretName: s3
  secretTemplate: {type: example.com/s3, labels: {team: a}, annotations: {note: b}}
`

// writeManifest applies or replaces a manifest with the real kubectl, and waits until that has ended.
func (w *world) writeManifest(ctx SpecContext, manifest string, arguments ...string) {
	GinkgoHelper()
	ended := make(chan error, 1)
	go func() {
		_, err := plane.Kubectl(ctx, []byte(manifest), append(arguments, "-n", w.namespace, "-f", "-")...)
		ended <- err
	}()
	var err error
	w.eventually(ctx, func(g Gomega) { g.Expect(ended).To(Receive(&err)) })
	Expect(err).NotTo(HaveOccurred())
}

// fieldsByManager are the top-level fields of an AccessKey that each field manager owns, of metadata those below it.
func fieldsByManager(ak *v1alpha1.AccessKey) map[string][]string {
	owned := map[string][]string{}
	for _, entry := range ak.ManagedFields {
		var fields map[string]map[string]any
		Expect(json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields)).To(Succeed())
		for field, below := range fields {
			if field == "f:metadata" {
				owned[entry.Manager] = append(owned[entry.Manager], slices.Collect(maps.Keys(below))...)
				continue
			}
			owned[entry.Manager] = append(owned[entry.Manager], field)
		}
	}
	return owned
}

var _ = Describe("An AccessKey in Git", func() {
	for name, write := range map[string][]string{
		"server-side":     {"apply", "--server-side", "--field-manager=git"},
		"client-side":     {"apply", "--field-manager=git"},
		"by replacing it": {"replace", "--field-manager=git"},
	} {
		It("causes nothing when it is applied again unchanged, "+name, func(ctx SpecContext) {
			w := newWorld(ctx)
			first := slices.Clone(write)
			if first[0] == "replace" {
				first[0] = "create"
			}
			w.writeManifest(ctx, inGit, first...)
			w.eventually(ctx, func(g Gomega) { g.Expect(kube.Get(ctx, w.named("backup"), &v1alpha1.AccessKey{})).To(Succeed()) })
			p := w.issued(ctx, "backup", 1)
			w.settle(ctx)
			before, secret := w.accessKey(ctx, "backup"), w.secret(ctx, "s3")
			w.requests.reset()

			w.writeManifest(ctx, inGit, write...)
			w.settle(ctx)
			after := w.accessKey(ctx, "backup")
			if write[0] == "apply" { // a replacement lacks the finalizer, which the operator then restores
				Expect(after.ResourceVersion).To(Equal(before.ResourceVersion))
				Expect(w.requests.reset()).To(BeEmpty())
			}
			Expect(after.Generation).To(Equal(before.Generation))
			Expect(after.Status).To(Equal(before.Status))
			Expect(w.secret(ctx, "s3").ResourceVersion).To(Equal(secret.ResourceVersion))
			Expect(events(ctx, Default, after)).To(BeEmpty())
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			Expect(w.service.History()).To(HaveLen(1))

			By("the operator owning nothing but its finalizer and the status")
			fields := fieldsByManager(after)
			delete(fields, "git")
			Expect(slices.Concat(slices.Collect(maps.Values(fields))...)).To(ContainElement("f:status"))
			Expect(slices.Concat(slices.Collect(maps.Values(fields))...)).To(HaveEach(BeElementOf("f:finalizers", "f:status")))
			By("the Secret carrying nothing by which a tool would prune it")
			Expect(secret.Labels).To(And(HaveLen(2), HaveKey("team"), HaveKey("app.kubernetes.io/managed-by")))
			Expect(secret.Annotations).NotTo(HaveKey(ContainSubstring("argoproj")))
		})
	}

	It("keeps its finalizer when it is replaced, so that its deletion revokes the key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.writeManifest(ctx, inGit, "create")
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", suspended)
		w.writeManifest(ctx, inGit, "replace")
		w.expect(ctx, "backup", BeAtRest(), HaveField("Finalizers", ConsistOf("accesskey.dev/revoke")))
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1))
		w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
		Expect(w.works(p)).To(BeFalse())
	})

	It("has a new key after it was deleted and created again by force, and the old one is revoked", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.writeManifest(ctx, inGit, "create")
		old := w.issued(ctx, "backup", 1)
		w.writeManifest(ctx, inGit, "replace", "--force")
		fresh := w.issued(ctx, "backup", 1)
		Expect(fresh).NotTo(Equal(old))
		Expect(w.works(old)).To(BeFalse())
	})

	It("has the same key after it was deleted and created again by force with Retain", func(ctx SpecContext) {
		w := newWorld(ctx)
		manifest := inGit + "  deletionPolicy: Retain\n"
		w.writeManifest(ctx, manifest, "create")
		p, uid := w.issued(ctx, "backup", 1), w.accessKey(ctx, "backup").UID
		w.writeManifest(ctx, manifest, "replace", "--force")
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.accessKey(ctx, "backup").UID).NotTo(Equal(uid))
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("shares the renewal with whoever sets the annotation", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.writeManifest(ctx, inGit, "apply", "--server-side")
		w.issued(ctx, "backup", 1)
		kubectl(ctx, "annotate", "accesskey", "backup", "-n", w.namespace, "accesskey.dev/renew=now")
		w.issued(ctx, "backup", 2)
		w.writeManifest(ctx, inGit, "apply", "--server-side")
		w.settle(ctx)
		Expect(w.accessKey(ctx, "backup").Annotations).To(HaveKey(v1alpha1.RenewAnnotation))
		w.issued(ctx, "backup", 2)
	})
})
