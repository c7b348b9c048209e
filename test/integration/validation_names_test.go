// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// labelKeys are good and bad keys of labels and annotations.
var labelKeys = []string{
	"a", "A", "9", "team", "Team_1", "a-b", "a.b", "a_b", "a--b", "example.com/team", "a.b-c.d/E_f.g", "1/2", text(63), "example.com/" + text(63),
	strings.Repeat("a.", 126) + "a/b", text(253) + "/b",
	"", " ", "te am", "-a", "a-", ".a", "a.", "_a", "a_", "ä", "a\n", "a/", "/a", "a/b/c", "Example.com/team", "example..com/team", "-a/b", "a-/b", ".a/b", "a./b", "a_b/c",
	text(64), "example.com/" + text(64), text(254) + "/b", "a b/c", "a/ b", "a,b", "a=b", "a:b",
}

// labelValues are good and bad values of labels.
var labelValues = []string{
	"", "a", "A", "0", "a-b", "a.b_c", "a..b", text(63),
	" ", "a b", "-a", "a-", ".a", "a.", "_a", "a_", "ä", "a\n", "\n", "a/b", "a:b", "a,b", text(64), "2026-01-01T00:00:00Z",
}

var _ = Describe("The API server accepts the same as for a Secret:", func() {
	create := func(ctx SpecContext, set map[string]any) error {
		return kube.Create(ctx, refusal{set: set}.apply(good(accessKeyKind)), client.DryRunAll)
	}
	agree := func(err error, problems []string, what string) {
		GinkgoHelper()
		if len(problems) > 0 {
			Expect(err).To(MatchError(apierrors.IsInvalid, "is invalid"), what)
			return
		}
		Expect(err).NotTo(HaveOccurred(), what)
	}

	It("the keys of labels and annotations", func(ctx SpecContext) {
		for _, key := range labelKeys {
			agree(create(ctx, map[string]any{"spec.secretTemplate.labels": map[string]any{key: "x"}}), content.IsLabelKey(key), key)
			agree(create(ctx, map[string]any{"spec.secretTemplate.annotations": map[string]any{key: "x"}}), content.IsLabelKey(strings.ToLower(key)), key)
		}
	})

	It("the values of labels", func(ctx SpecContext) {
		for _, value := range labelValues {
			agree(create(ctx, map[string]any{"spec.secretTemplate.labels": map[string]any{"team": value}}), content.IsLabelValue(value), value)
		}
	})

	It("the name of a Secret, which leaves room for the one with -next", func(ctx SpecContext) {
		for _, name := range []string{
			"a", "a.b", "a-b", "a--b", "1", "a.1-b", text(248), strings.Repeat("a.", 123) + "ab",
			"", "A", "a_b", "a..b", ".a", "a.", "-a", "a-", "a.-b", "a-.b", "a/b", "a b", "a\n", "ä", text(249),
		} {
			problems := validation.IsDNS1123Subdomain(name + "-next")
			agree(create(ctx, map[string]any{"spec.secretName": name}), append(problems, validation.IsDNS1123Subdomain(name)...), name)
		}
	})

	It("the name of an AccessKey, if that is the name of the Secret", func(ctx SpecContext) {
		const tooLong = "a name of more than 248 characters leaves no room for the suffix -next of a second Secret: set secretName, or choose a shorter name"
		manifest := good(accessKeyKind)
		manifest.SetNamespace((&world{}).newNamespace(ctx))
		manifest.SetName(text(248))
		Expect(kube.Create(ctx, manifest, client.DryRunAll)).To(Succeed())
		manifest.SetName(text(249))
		Expect(kube.Create(ctx, manifest.DeepCopy(), client.DryRunAll)).To(MatchError(ContainSubstring(tooLong)))
		setField(manifest, "spec.secretName", "short")
		Expect(kube.Create(ctx, manifest)).To(Succeed())
		setField(manifest, "spec.secretName", nil)
		Expect(kube.Update(ctx, manifest)).To(MatchError(ContainSubstring(tooLong)))
	})
})
