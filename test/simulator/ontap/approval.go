// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// codeApproval is the code of NetApp's Ansible module for multi-admin verification (na_ontap_mav_config.py).
const codeApproval = "262325"

// Approval is the form of the response to a change that requires an approval. NetApp's Ansible module expects the words and the
// code of an error. According to NetApp's support (NetApp/trident#1141), the status is 202 and the body contains the request's ID.
type Approval string

// The forms of the response.
const (
	// ApprovalError is an error with code 262325, whose message contains the index.
	ApprovalError Approval = "error"
	// ApprovalRequest is the multi-admin-verify request, as in the response to creating one.
	ApprovalRequest Approval = "request"
	// ApprovalLink is the path of the request in Location, without a body.
	ApprovalLink Approval = "link"
)

// approval is a multi-admin-verify request. Its index is its position in Simulator.approvals, from 1 on.
type approval struct {
	// change identifies the change, so that its repetition is recognized.
	change, operation, state string
}

// Protect requires an approval for the commands: create, modify, regenerate-keys, delete-keys, delete. Without a command, it ends
// multi-admin verification.
func (s *Simulator) Protect(commands ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.protected = commands
}

// Approve approves the request with this index. The change is carried out when it is sent again.
func (s *Simulator) Approve(index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.approvals[index-1].state = "approved"
}

// Approvals returns the number of requests for approval.
func (s *Simulator) Approvals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.approvals)
}

// verified carries out a request if it requires no approval, or if it has one. An approval is good for one change. Multi-admin
// verification follows the check of the account's rights.
func (s *Simulator) verified(r *http.Request, handle endpoint) (answer, *apiError) {
	command := commandOf(r)
	if !slices.Contains(s.protected, command) {
		return handle(r)
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	change := fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)
	index := 1 + slices.IndexFunc(s.approvals, func(a *approval) bool { return a.change == change && a.state != "executed" })
	if index == 0 {
		s.approvals = append(s.approvals, &approval{change, "vserver object-store-server user " + command, "pending"})
		index = len(s.approvals)
	}
	if found := s.approvals[index-1]; found.state == "approved" {
		found.state = "executed"
		return handle(r)
	}
	return s.unapproved(index)
}

// commandOf returns the command of the CLI that a request stands for; empty for a request that changes nothing.
func commandOf(r *http.Request) string {
	query := strings.ToLower(r.URL.RawQuery)
	switch {
	case r.Method == http.MethodPost:
		return "create"
	case r.Method == http.MethodDelete:
		return "delete"
	case r.Method != http.MethodPatch:
		return ""
	case strings.Contains(query, "regenerate_keys=true"):
		return "regenerate-keys"
	case strings.Contains(query, "delete_keys=true"):
		return "delete-keys"
	}
	return "modify"
}

func (s *Simulator) unapproved(index int) (answer, *apiError) {
	path := fmt.Sprintf("/api/security/multi-admin-verify/requests/%d", index)
	switch s.options.Approval {
	case ApprovalLink:
		return answer{status: http.StatusAccepted, location: path}, nil
	case ApprovalRequest:
		return answer{status: http.StatusAccepted, body: map[string]any{"num_records": 1, "records": []any{map[string]any{
			"index": index, "operation": s.approvals[index-1].operation, "query": "-vserver " + DefaultSVM, "state": "pending",
			"required_approvers": 1, "pending_approvers": 1, "execute_on_approval": false, "user_requested": s.options.Username,
			"_links": links(path),
		}}}}, nil
	default:
		return answer{}, &apiError{s.options.ApprovalStatus, codeApproval,
			fmt.Sprintf("The security multi-admin-verify request (index %d) requires approval.", index), ""}
	}
}
