// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("kubectl accesskey", func() {
	It("prints its version and the API that the cluster serves", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		Expect(team.run(ctx, "version").out).To(ContainSubstring("cluster: accesskey.dev/v1alpha1"))
	})

	It("exits with 2 and names the help if the command line is wrong", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		for _, arguments := range [][]string{{"verson"}, {"version", "--frobnicate"}, {"version", "now"}} {
			result := team.run(ctx, arguments...)
			Expect(result.code).To(Equal(2), "%q", arguments)
			Expect(result.err).To(MatchRegexp(`^error: .*\n(?s:.*)See 'kubectl accesskey.* --help'\.\n$`), "%q", arguments)
		}
	})

	It("exits with 1 if the API server refuses the request", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		result := team.run(ctx, "version", "--server=https://127.0.0.1:1")
		Expect(result.code).To(Equal(1))
		Expect(result.err).To(HavePrefix("error: "))
	})

	It("completes namespaces for users who may list them, and nothing for others", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		Expect(team.run(ctx, "__complete", "version", "--namespace", "").out).To(Equal(":1\n"))
		team.user = "system:serviceaccount:kube-system:namespace-controller"
		Expect(team.run(ctx, "__complete", "version", "--namespace", "").out).To(ContainSubstring(team.namespace + "\n"))
	})
})
