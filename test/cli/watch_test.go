// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/cli"
)

// watching is a run of the plugin that goes on until somebody ends it.
type watching struct {
	out, errOut *gbytes.Buffer
	interrupt   context.CancelFunc
	code        chan int
}

// watch begins a run of kubectl accesskey.
func (t *team) watch(ctx context.Context, arguments ...string) *watching {
	ctx, cancel := context.WithCancel(ctx)
	DeferCleanup(cancel)
	w := &watching{gbytes.NewBuffer(), gbytes.NewBuffer(), cancel, make(chan int, 1)}
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: w.out, ErrOut: w.errOut}
	go func() { w.code <- cli.Run(ctx, streams, append(arguments, t.common()...)) }()
	return w
}

var _ = Describe("kubectl accesskey list --watch", func() {
	It("prints a row for each change, under one head, until it is interrupted", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", qumulo, qumulo.user, labelled))
		labels, all := team.watch(ctx, "list", "-w", "-l", "app=shop"), team.watch(ctx, "list", "--watch", "-o", "wide")
		for _, each := range []*watching{labels, all} {
			Eventually(ctx, each.out).Should(gbytes.Say(`NAME +READY .*\nbackup +True `))
		}

		team.issue(ctx, accessKey("media", qumulo, qumulo.AddUser("media")))
		Eventually(ctx, all.out).Should(gbytes.Say(`\nmedia +Unknown +qumulo +issue (.*\n)+media +True +qumulo +rotate `))
		Expect(team.run(ctx, "suspend", "backup").code).To(Equal(0))
		for _, each := range []*watching{labels, all} {
			Eventually(ctx, each.out).Should(gbytes.Say(`\nbackup +True +qumulo +expire .* Suspended`))
		}
		Expect(kube.Delete(ctx, team.get(ctx, "backup"))).To(Succeed())
		for _, each := range []*watching{labels, all} {
			Eventually(ctx, each.out).Should(gbytes.Say(`\nbackup +True +qumulo +revoke (.*\n)+backup +- +qumulo +- +- +Deleted`))
			each.interrupt()
			Eventually(ctx, each.code).Should(Receive(Equal(0)))
			Expect(strings.Count(string(each.out.Contents()), "NAME")).To(Equal(1))
			Expect(each.errOut.Contents()).To(BeEmpty())
		}
		Expect(string(labels.out.Contents())).NotTo(ContainSubstring("media"))
	})

	It("prints objects one after another with -o", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		qumulo := team.newService(ctx, "qumulo")
		team.issue(ctx, accessKey("backup", qumulo, qumulo.user))
		names, yaml, text := team.watch(ctx, "list", "-w", "-o", "name"), team.watch(ctx, "list", "-w", "-o", "yaml"), team.watch(ctx, "list", "-w", "-o", "json")
		Eventually(ctx, names.out).Should(gbytes.Say("accesskey.accesskey.dev/backup\n"))
		Eventually(ctx, yaml.out).Should(gbytes.Say(`(?m)^kind: AccessKey\n(.*\n)*  name: backup\n`))
		Eventually(ctx, text.out).Should(gbytes.Say(`"type": "Synced"(.*\n)*}\n`))
		Expect(team.run(ctx, "suspend", "backup").code).To(Equal(0))
		Eventually(ctx, names.out).Should(gbytes.Say("accesskey.accesskey.dev/backup\n"))
		Eventually(ctx, yaml.out).Should(gbytes.Say(`(?m)^---\napiVersion: accesskey.dev/v1alpha1\n(.*\n)*  suspend: true\n`))
		Eventually(ctx, text.out).Should(gbytes.Say(`"suspend": true(.*\n)*}\n`))
		for decoder, i := json.NewDecoder(strings.NewReader(string(text.out.Contents()))), 0; i < 2; i++ {
			var ak v1alpha1.AccessKey
			Expect(decoder.Decode(&ak)).To(Succeed())
			Expect(ak.Kind + " " + ak.Name).To(Equal("AccessKey backup"))
			Expect(ak.Suspended()).To(Equal(i > 0))
		}
	})

	It("waits for the first AccessKey, and says that the right to watch is missing", func(ctx SpecContext) {
		team := newTeam(ctx, "")
		empty := team.watch(ctx, "list", "-w")
		team.grantAccessKeys(ctx, "fritz", "get", "list")
		team.user = "fritz"
		refused := team.run(ctx, "list", "-w")
		Expect(refused.code).To(Equal(1))
		Expect(refused.err).To(MatchRegexp(`^error: the watch ended: .*forbidden.*ask an administrator`))
		team.create(ctx, &v1alpha1.AccessKey{ObjectMeta: named("first"), Spec: v1alpha1.AccessKeySpec{
			ServiceRef: v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "nowhere"},
		}})
		Eventually(ctx, empty.out).Should(gbytes.Say(`^NAME .*\nfirst +`))
	})
})
