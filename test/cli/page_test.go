// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
)

// page has the commands and outputs that this file compares.
const page = "../../docs/cli.md"

// The specification of the page runs every block of it that is marked as console, from top to bottom, in one namespace. A line that begins
// with "$ " is a command. The lines below it are its output, with times, ages, key IDs and the width of columns as they were in some run. The
// comment <!-- before: NAME --> ahead of a block calls a function of this map first. UPDATE=1 writes the outputs of this run into the page.
//
// To show a command, add the block with the command to the page, and run with UPDATE=1.
var before = map[string]func(SpecContext, *team){
	"a container that started before the last rotation": func(ctx SpecContext, t *team) {
		t.pod(ctx, "web-7d4b9c6f5-x2x8k", "backup", time.Hour)
		t.awaitEvent(ctx, "backup", v1alpha1.EventRotated)
	},
	"an AccessKey that was deleted without its key, and a user who may see all namespaces": func(ctx SpecContext, t *team) {
		seesEverything(ctx, dana)
		t.orphan(ctx, t.issue(ctx, accessKey("lost", qumuloOf(t), services.User{Name: "local:backup"})))
	},
	"a Secret with a pair that was made by hand": func(ctx SpecContext, t *team) {
		app := t.secret("app-credentials")
		app.StringData = map[string]string{"access-key": "1f0c5e7ab2c44AJWXPLM", "secret-key": "not shown", "bucket": "backups"}
		t.create(ctx, app)
	},
}

// qumuloOf returns the KeyService of the page.
func qumuloOf(t *team) *service {
	return &service{object: &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "qumulo"}}}
}

var _ = Describe("docs/cli.md", Ordered, func() {
	It("shows what the commands print", func(ctx SpecContext) {
		text, err := os.ReadFile(page)
		Expect(err).NotTo(HaveOccurred())
		team := newPageTeam(ctx)
		blocks := &blocks{team: team, known: map[string]string{}}
		updated := block.ReplaceAllStringFunc(string(text), func(found string) string {
			parts := block.FindStringSubmatch(found)
			return parts[1] + "```console\n" + blocks.run(ctx, parts[2], parts[3]) + "```\n"
		})
		if os.Getenv("UPDATE") != "" {
			Expect(os.WriteFile(page, []byte(updated), 0o644)).To(Succeed())
			return
		}
		Expect(blocks.differences).To(BeEmpty(), "set UPDATE=1 to write the outputs of this run into the page")
	}, SpecTimeout(3*time.Minute))
})

// newPageTeam creates what the page shows: AccessKeys of several users at one service.
func newPageTeam(ctx SpecContext) *team {
	GinkgoHelper()
	team := newTeam(ctx, "team-a")
	qumulo := team.newService(ctx, "qumulo")
	team.awaitService(ctx, qumulo) // or else the first AccessKey may be seen before it, and has an event about that
	full := qumulo.AddUser("archive")
	for range 2 { // the quota of a user
		_, _, err := qumulo.MakeKey(full)
		Expect(err).NotTo(HaveOccurred())
	}
	team.create(ctx, accessKey("archive", qumulo, full))
	team.awaitEvent(ctx, "archive", v1alpha1.ReasonQuotaExceeded)
	team.issue(ctx, accessKey("backup", qumulo, qumulo.user))
	team.issue(ctx, accessKey("media", qumulo, qumulo.AddUser("media"), withTTL(7, 2), labelled))
	team.issue(ctx, accessKey("reports", qumulo, qumulo.AddUser("reports"), withTTL(365, 30), labelled))
	return team
}

// block is a block of the page, with the comment ahead of it.
var block = regexp.MustCompile("(?m)((?:^<!-- before: (.*) -->\n+)?)^```console\n((?:.*\n)*?)^```\n")

// blocks runs the blocks of the page.
type blocks struct {
	team *team
	// known are the key IDs of this run, by those on the page that stand for them.
	known map[string]string
	// code is the exit code of the last command.
	code        int
	differences []string
}

// run runs the commands of a block, and returns the block with the outputs of this run.
func (b *blocks) run(ctx SpecContext, step, text string) string {
	GinkgoHelper()
	if step != "" {
		Expect(before).To(HaveKey(step), "the page names it in a comment")
		before[step](ctx, b.team)
	}
	updated := ""
	for _, part := range regexp.MustCompile(`(?m)^\$ `).Split(text, -1)[1:] {
		command, want, _ := strings.Cut(part, "\n")
		for onPage, now := range b.known {
			command = strings.ReplaceAll(command, onPage, now)
		}
		got := b.output(ctx, command)
		b.learn(want, got)
		if normal(want) != normal(got) {
			b.differences = append(b.differences, fmt.Sprintf("$ %s\n%s\nbut the page has\n%s", command, got, want))
		}
		updated += "$ " + command + "\n" + got
		if !strings.HasSuffix(updated, "\n") { // as after -o jsonpath
			updated += "\n"
		}
	}
	return updated
}

// output runs a command: of the plugin, of kubectl, or the one that shows the exit code.
func (b *blocks) output(ctx SpecContext, command string) string {
	GinkgoHelper()
	words := strings.Fields(command)
	switch {
	case command == "echo $?":
		return fmt.Sprintln(b.code)
	case len(words) > 2 && words[0] == "kubectl" && words[1] == "accesskey":
		result := b.team.run(ctx, words[2:]...)
		b.code = result.code
		return result.out + result.err
	case words[0] == "kubectl":
		out, err := plane.Kubectl(ctx, nil, append(words[1:], "--namespace="+b.team.namespace, "--as="+b.team.user)...)
		Expect(err).NotTo(HaveOccurred())
		return out
	}
	Fail("the page has a command that is neither of kubectl nor echo $?: " + command)
	return ""
}

// learn notes which key IDs of this run stand for those on the page.
func (b *blocks) learn(want, got string) {
	onPage, now := ids(want), ids(got)
	for i := range min(len(onPage), len(now)) {
		b.known[onPage[i]] = now[i]
	}
}

var (
	word     = regexp.MustCompile(`[0-9A-Za-z]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	moment   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	age      = regexp.MustCompile(`\b\d+[dhms](\d+[hms])?\b`)
	port     = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	spaces   = regexp.MustCompile(` +`)
	progress = regexp.MustCompile(`(?m)^\S+: (waiting for the operator|Reconciling \(.*)\n`)
)

// ids returns the words that look like key IDs.
func ids(text string) []string {
	return slices.DeleteFunc(word.FindAllString(text, -1), func(found string) bool { return !strings.ContainsAny(found, "0123456789") })
}

// normal returns an output without what differs from run to run.
func normal(output string) string {
	output = progress.ReplaceAllString(output, "") // which steps a wait sees depends on the moment
	for _, id := range ids(output) {
		output = strings.ReplaceAll(output, id, "ID")
	}
	output = moment.ReplaceAllString(output, "TIME")
	output = age.ReplaceAllString(output, "AGE")
	output = port.ReplaceAllString(output, "ADDRESS")
	return strings.TrimSpace(spaces.ReplaceAllString(output, " "))
}
