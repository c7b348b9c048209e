// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"accesskey.dev/operator/api/v1alpha1"
)

// first returns the first word of each line.
func first(text string) (words []string) {
	for line := range strings.Lines(text) {
		words = append(words, strings.Fields(line)[0])
	}
	return words
}

// withTTL changes the lifetime of the pairs.
func withTTL(ttl, renewBefore int) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.TTL, ak.Spec.RenewBefore = days(ttl), days(renewBefore) }
}

func labelled(ak *v1alpha1.AccessKey) { ak.Labels = map[string]string{"app": "shop"} }

var _ = Describe("kubectl accesskey list", func() {
	It("shows stalled AccessKeys first, then the soonest next step, in every format", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("a-year", qumulo, qumulo.user, withTTL(365, 30)))
		team.issue(ctx, accessKey("b-month", qumulo, qumulo.AddUser("month"), withTTL(30, 10), labelled))
		team.issue(ctx, accessKey("c-week", qumulo, qumulo.AddUser("week"), withTTL(7, 2)))
		team.issue(ctx, accessKey("d-never", qumulo, qumulo.AddUser("never"), func(ak *v1alpha1.AccessKey) { ak.Spec.TTL, ak.Spec.RenewBefore = nil, nil }))
		team.create(ctx, accessKey("z-stalled", qumulo, qumulo.user, func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = "nowhere" }))
		team.await(ctx, "z-stalled", v1alpha1.ConditionStalled)

		table := team.run(ctx, "list")
		Expect(first(table.out)).To(Equal([]string{"NAME", "z-stalled", "c-week", "b-month", "a-year", "d-never"}))
		Expect(table.out).To(MatchRegexp(`z-stalled +Unknown +nowhere +issue +once fixed +KeyServiceNotFound\n`))
		Expect(table.out).To(MatchRegexp(`c-week +True +qumulo +rotate +in 4d\S* +Issued\n`))
		Expect(table.out).To(MatchRegexp(`d-never +True +qumulo +- +- +Issued\n`))
		Expect(table.out).NotTo(ContainSubstring("\x1b["), "there are colours, but no terminal")

		By("in the other formats, in the same order")
		Expect(team.run(ctx, "list", "-o", "name").out).To(HavePrefix("accesskey.accesskey.dev/z-stalled\naccesskey.accesskey.dev/c-week\n"))
		var list v1alpha1.AccessKeyList
		Expect(json.Unmarshal([]byte(team.run(ctx, "list", "-o", "json").out), &list)).To(Succeed())
		Expect(list.Items).To(HaveLen(5))
		Expect(list.Items[1].Name).To(Equal("c-week"))
		Expect(list.Items[1].Kind).To(Equal("AccessKey"))
		Expect(team.run(ctx, "list", "-o", "wide").out).To(ContainSubstring(team.get(ctx, "a-year").Status.AccessKeyID))
		Expect(team.run(ctx, "list", "-o", "jsonpath={.items[0].metadata.name}").out).To(Equal("z-stalled"))
		Expect(team.run(ctx, "list", "-o", "frob").code).To(Equal(2))

		By("by label, and only what the user may see")
		Expect(first(team.run(ctx, "list", "-l", "app=shop").out)).To(Equal([]string{"NAME", "b-month"}))
		forbidden := team.run(ctx, "list", "--all-namespaces")
		Expect(forbidden.code).To(Equal(1))
		Expect(forbidden.err).To(ContainSubstring(`User "dana" cannot list resource "accesskeys"`))
		team.user = "system:serviceaccount:accesskey-system:accesskey-operator"
		Expect(team.run(ctx, "list", "-A").out).To(ContainSubstring(team.namespace + " "))
	})

	It("says on the error stream that there is none", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		Expect(team.run(ctx, "list")).To(Equal(result{0, "", "No AccessKeys found in namespace " + team.namespace + ".\n"}))
	})
})
