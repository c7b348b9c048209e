// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"strings"
	"testing"
)

func TestProtectedChangesRequireAnApproval(t *testing.T) {
	commands := []string{"create", "modify", "regenerate-keys", "delete-keys", "delete"}
	lines := []string{
		post, `PATCH USERS/user-2 {"comment":"c"}`, "PATCH USERS/user-2?regenerate_keys=true {}", "PATCH USERS/user-2?delete_keys=True {}", "DELETE USERS/user-2",
	}
	for i, command := range commands {
		b := newBed(Options{})
		b.add(t, "user-2")
		b.Protect(command)
		made := len(b.History())
		for range 2 {
			b.call(lines[i]).Expect(t, 202, codeApproval, "(index 1) requires approval")
		}
		if len(b.History()) != made || len(b.LivePairs()) != made || b.Comment("user-2") != "by hand" || b.Approvals() != 1 {
			t.Errorf("%s: a change without an approval was carried out, or there are %d requests", command, b.Approvals())
		}
		b.call("GET USERS/user-2").Expect(t, 200, "")
		b.Approve(1)
		if got := b.call(lines[i]); got.Status == 202 || got.Status > 299 {
			t.Errorf("%s: got %d %s after the approval", command, got.Status, got.Body)
		}
		b.Protect(commands...)
		b.call(post).Expect(t, 202, codeApproval, fmt.Sprintf("(index %d)", b.Approvals()))
		if b.Approvals() != 2 {
			t.Errorf("%s: an approval was good for more than one change", command)
		}
		b.Protect()
		b.call(`POST USERS {"name":"user-3"}`).Expect(t, 201, "")
	}
}

func TestFormsOfTheRequestForApproval(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		status  int
		want    string
	}{
		"ApprovalError":   {Options{}, 202, `"code":"262325"`},
		"ApprovalStatus":  {Options{ApprovalStatus: 403}, 403, `"code":"262325"`},
		"ApprovalRequest": {Options{Approval: ApprovalRequest}, 202, `"index":1,"operation":"vserver object-store-server user create"`},
		"ApprovalLink":    {Options{Approval: ApprovalLink}, 202, "{}"},
	} {
		b := newBed(test.options)
		b.Protect("create")
		got := b.call(post)
		if got.Status != test.status || !strings.Contains(got.Body, test.want) || (got.Header.Get("Location") != "") != (name == "ApprovalLink") {
			t.Errorf("%s: got %d %s, header %v", name, got.Status, got.Body, got.Header)
		}
	}
}
