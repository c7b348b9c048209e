// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestARequestForApprovalIsRecognizedInEveryForm(t *testing.T) {
	const link = "/api/security/multi-admin-verify/requests/42"
	for body, want := range map[string]string{
		`{"error":{"code":"262325","message":"The security multi-admin-verify request (index 42) requires approval."}}`:                      "42",
		`{"error":{"code":262325,"message":"The security multi-admin-verify request (index 42) is auto-generated and requires approval."}}`:  "42",
		`{"error":{"message":"This operation requires multi-admin verification. To create a verification request use \"request create\"."}}`: "",
		`{"num_records":1,"records":[{"index":42,"state":"pending","required_approvers":2,"owner":{"uuid":"c1483186-6e73-11ec"}}]}`:          "42",
		`{"records":[{"_links":{"self":{"href":"` + link + `"}}}]}`:                                                                          "42",
		`{"index":42,"state":"pending","permitted_users":["user1"],"approve_expiry_time":"2022-01-06T19:59:49-05:00"}`:                       "42",
		`{"multi_admin_verify_request":{"index":"42"}}`:                                                                                      "42",
		`{"message":"Approval request to delete the user was sent. Track the request ID 42 from Events & Jobs > Multi-Admin Requests."}`:     "42",
		`{"status":"pending_approval","request":{"id":"mav-42"}}`:                                                                            "mav-42",
		`{"approval_required":true,"requestId":1000042}`:                                                                                     "1000042",
		`{"approval":{"uuid":"5a0c3e8f-0000-11ec"}}`:                                                                                         "5a0c3e8f-0000-11ec",
		`{"state":"awaiting approval","id":42}`:                                                                                              "42",
		`{"job":{"uuid":"f95a2f1a"},"message":"the multi-admin-verify request 42 is pending"}`:                                               "42",
		`{"message":"approval required"}`:                                                                                                    "",
	} {
		lines := approvalIn(&rest.Response{Status: 202, Body: []byte(body)})
		if got := requestID(lines); lines == nil || got != want {
			t.Errorf("%s: got request %q of %q, want %q", body, got, lines, want)
		}
	}
	if lines := approvalIn(&rest.Response{Status: 202, Header: http.Header{"Location": {link}}}); requestID(lines) != "42" {
		t.Errorf("a link in the header: got %q", lines)
	}
	if lines := approvalIn(&rest.Response{Status: 201, Body: []byte(`{"message":"the request 42 was approved"}`)}); lines != nil {
		t.Errorf("a user that was made: got %q", lines)
	}
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `"approve`, `{"job":{"uuid":"f95a2f1a","_links":{"self":{"href":"/api/cluster/jobs/f95a2f1a"}}}}`,
		`{"job":{"description":"PATCH ` + users + `/approver?regenerate_keys=true"}}`,
		`{"records":[{"name":"multi-admin","comment":"approved by Bob"}]}`,
		`{"records":[{"name":"backup","access_key":"A","secret_key":"approv","approval":"request 42"}]}`,
	} {
		if lines := approvalIn(&rest.Response{Status: 200, Body: []byte(body)}); lines != nil {
			t.Errorf("%s: taken for a request for approval: %q", body, lines)
		}
	}
}

func TestAnErrorThatAsksForAnApprovalIsRecognizedByItsWords(t *testing.T) {
	for message, want := range map[string]bool{
		"The security multi-admin-verify request (index 42) requires approval.":                   true,
		"The security multi-admin-verify request (index 42) is vetoed.":                           true,
		"Request 42 to perform delete operation is pending approval.":                             true,
		"The request 42 must be approved by another administrator.":                               true,
		"An approval is required: request 42":                                                     true,
		"This operation requires multi-admin verification, request index 42":                      true,
		`User "multi-admin-verify" of request 42 is not valid.`:                                   false,
		`The S3 user "approval-required" has no approved keys, request 42`:                        false,
		"The operation requires an object store server. Retry request 42 when there is approval.": false,
	} {
		for _, status := range []int{400, 401, 403, 409, 500} {
			b := newBed(t, netapp.Options{})
			body := `{"error":{"code":"6","message":` + quote(message) + `}}`
			b.cluster.Inject(anyPost, simulator.Answer(status, http.Header{"Retry-After": {"9"}}, body))
			_, err := b.Create(t.Context(), "backup", month)
			if needsApproval(err) != want {
				t.Errorf("%d %s: got %v", status, message, err)
			}
			if want && (keyservice.KindOf(err) != keyservice.Invalid || keyservice.RetryAfterOf(err) != approvalRetry || !strings.Contains(err.Error(), "-index 42")) {
				t.Errorf("%d %s: got %s, %s, %v", status, message, keyservice.KindOf(err), keyservice.RetryAfterOf(err), err)
			}
		}
	}
}

// TestAFailureThatMayHaveMadeAKeyIsAmbiguousWhateverItsWords is about a code that says that the service had begun.
func TestAFailureThatMayHaveMadeAKeyIsAmbiguousWhateverItsWords(t *testing.T) {
	b := newBed(t, netapp.Options{})
	b.cluster.Inject(anyPost, simulator.Answer(500, nil, `{"error":{"code":"92405791","message":"the multi-admin-verify request (index 3) requires approval"}}`))
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Ambiguous)
}

func quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

// approvals are the forms of the response.
var approvals = map[string]netapp.Options{
	"an error":          {},
	"a refusal":         {ApprovalStatus: 403},
	"another refusal":   {ApprovalStatus: 409},
	"a request":         {Approval: netapp.ApprovalRequest},
	"a link to request": {Approval: netapp.ApprovalLink},
}

// change is one that needs approvals.
type change = func(b *testBed) error

func creating(user string) change {
	return func(b *testBed) error {
		ctx := context.Background()
		keys, err := b.List(ctx, user)
		if err != nil {
			return err
		}
		_, err = b.Create(ctx, user, keyservice.CreateRequest{ID: b.ChooseID(user, alice, 1, keys), Owner: alice})
		return err
	}
}

func regenerating(b *testBed) error {
	_, err := b.Regenerate(context.Background(), "ours", "ours", 0)
	return err
}

func deleting(b *testBed) error { return b.Delete(context.Background(), "ours", "ours") }

func TestNothingIsLostWhileAChangeWaitsForItsApproval(t *testing.T) {
	nothing := func(*testing.T, *testBed) {}
	second := func(t *testing.T, b *testBed) { b.second(t, "ours") }
	gone := func(_ *testing.T, b *testBed) { b.cluster.RemoveKey("ours") }
	for name, test := range map[string]struct {
		commands []string
		before   func(*testing.T, *testBed)
		change   change
		op       string
		keys     string // of the user ours, in the end
	}{
		"a new user":                       {[]string{"create"}, nothing, creating("new"), "create key", "ours"},
		"the mark of a second key":         {[]string{"modify"}, nothing, creating("ours"), "mark user", "ours ours/2"},
		"a second key":                     {[]string{"regenerate-keys"}, nothing, creating("ours"), "create key", "ours ours/2"},
		"a second key and its mark":        {[]string{"modify", "regenerate-keys"}, nothing, creating("ours"), "mark user", "ours ours/2"},
		"a key in a foreign user":          {[]string{"regenerate-keys"}, nothing, creating("theirs"), "create key", "ours"},
		"a regeneration":                   {[]string{"regenerate-keys"}, nothing, regenerating, "regenerate key", "ours"},
		"a deletion of the user":           {[]string{"delete"}, nothing, deleting, "delete key", ""},
		"a deletion of user and key":       {[]string{"delete-keys", "delete"}, nothing, deleting, "delete key", ""},
		"a deletion of one of two keys":    {[]string{"delete-keys"}, second, deleting, "delete key", "ours/2"},
		"a deletion of a key that is gone": {[]string{"delete"}, gone, deleting, "delete key", ""},
	} {
		for form, options := range approvals {
			t.Run(name+", "+form, func(t *testing.T) {
				options.Version = netapp.V9191
				b := newBed(t, options)
				theirs := b.person(t, "theirs")
				b.create(t, "ours", month)
				test.before(t, b)
				b.cluster.Protect(test.commands...)
				made := len(b.cluster.History())
				b.approve(t, test.change, test.op, len(test.commands))
				if got := idsOf(b.list(t, "ours")); got != test.keys {
					t.Errorf("in the end there are %s, want %s", got, test.keys)
				}
				if got := len(b.cluster.History()) - made; got > 1 {
					t.Errorf("%d keys were made", got)
				}
				b.lives(t, theirs)
			})
		}
	}
}

// approve tries the change until it succeeds, and approves it after every two tries. Each command has a request of its own.
func (b *testBed) approve(t *testing.T, change change, op string, commands int) {
	t.Helper()
	for request := 1; ; request++ {
		err := change(b)
		if err == nil {
			return
		}
		expectKind(t, err, keyservice.Invalid, ": S3 user ", "another administrator must approve it", "multi-admin-verify request approve -index ")
		expectReason(t, err, ReasonApprovalRequired)
		if request == 1 && !strings.HasPrefix(err.Error(), op) || request > commands || keyservice.RetryAfterOf(err) != approvalRetry {
			t.Fatalf("request %d: retry after %s: %v", request, keyservice.RetryAfterOf(err), err)
		}
		if again := change(b); again == nil || again.Error() != err.Error() {
			t.Fatalf("the text changes:\n%v\n%v", err, again)
		}
		for index := range b.cluster.Approvals() {
			b.cluster.Approve(index + 1)
		}
	}
}

func idsOf(keys []keyservice.Key) string {
	var ids []string
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return strings.Join(ids, " ")
}

// TestAKeyIsDeletedAlthoughItsUserWaitsForAnApproval is about a key that is revoked at once, and a user that goes later.
func TestAKeyIsDeletedAlthoughItsUserWaitsForAnApproval(t *testing.T) {
	b := newBed(t, netapp.Options{})
	key := b.create(t, "backup", month)
	b.cluster.Protect("delete")
	err := b.Delete(t.Context(), "backup", key.ID)
	expectReason(t, err, ReasonApprovalRequired)
	b.works(t, key, false)
	if users := b.cluster.Users(); len(users) != 1 {
		t.Fatalf("the users are %v", users)
	}
	b.cluster.Approve(1)
	if err := b.Delete(t.Context(), "backup", key.ID); err != nil || len(b.cluster.Users()) != 0 {
		t.Errorf("got %v, and the users %v", err, b.cluster.Users())
	}
}

func TestOneApprovalIsEnoughToDeleteAUserWithItsKey(t *testing.T) {
	b := newBed(t, netapp.Options{})
	key := b.create(t, "backup", month)
	b.cluster.Protect("delete", "delete-keys")
	expectKind(t, b.Delete(t.Context(), "backup", key.ID), keyservice.Invalid, "approve -index 1)")
	b.cluster.Approve(1)
	if err := b.Delete(t.Context(), "backup", key.ID); err != nil || len(b.cluster.Users()) != 0 {
		t.Errorf("got %v, and the users %v", err, b.cluster.Users())
	}
}

// TestAMarkThatIsWrittenInAJobIsReadAgain is about a 202 to the request before the one that makes the key.
func TestAMarkThatIsWrittenInAJobIsReadAgain(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	first := b.create(t, "backup", month)
	b.cluster.Inject(anyPatch.Once(), simulator.Answer(202, nil, `{"job":{"uuid":"f95a2f1a-1b0c-11ec-8a2c-005056bb0fd0"}}`))
	_, err := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: "backup/2", Owner: other})
	expectKind(t, err, keyservice.Unavailable, "mark user: S3 user backup: ", "in a job")
	if keys := b.list(t, "backup"); len(keys) != 1 {
		t.Errorf("a key without a mark was made: %+v", keys)
	}
	second := b.create(t, "backup", keyservice.CreateRequest{Owner: other})
	b.works(t, first, true)
	b.works(t, second, true)
}
