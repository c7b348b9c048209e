// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// approvalRetry is when a change is sent again that waits for an approval. An approval is good for an hour, unless the cluster's
// administrator sets another execution_expiry.
const approvalRetry = 5 * time.Minute

var (
	// approvalPattern finds multi-admin verification in a line of a success.
	approvalPattern = regexp.MustCompile(`(?i)multi[-_ ]?admin|approv`)
	// approvalWords finds it in the message of an error. A user's name, which a message can quote, has no blank and no slash.
	approvalWords = regexp.MustCompile(`(?i)multi-admin-verify[ /]request|multi-admin verification|must be approved|` +
		`(?:requires|needs|pending|awaiting|waiting for)(?: \w+)* approval|approval (?:is )?(?:required|needed|pending)`)
	// requestPatterns find the ID of the request for approval, the most certain first: in its link, by its name, in a sentence.
	requestPatterns = []*regexp.Regexp{
		regexp.MustCompile(`/multi-admin-verify/requests/([\w-]+)`),
		regexp.MustCompile(`(?i)(?:\bindex|(?:request|approval)[._ ]?(?:id|index|uuid))\W{1,3}([\w-]*\d[\w-]*)`),
		regexp.MustCompile(`(?i)(?:\brequest|\bapproval|[._]id)\W{1,3}([\w-]*\d[\w-]*)`),
	}
)

// send sends a request that changes something, and returns the answer if the service has carried it out.
func (s *Service) send(ctx context.Context, change rest.Request) (*rest.Response, error) {
	answer, err := s.client.Do(ctx, change)
	if err != nil {
		return nil, err
	}
	if lines := approvalIn(answer); lines != nil {
		return nil, s.unapproved(change, answer, lines)
	}
	switch {
	case answer.Status != http.StatusAccepted:
		return answer, nil
	case change.Safe:
		return nil, change.Fail(keyservice.Unavailable, errors.New("the service answered 202 Accepted and goes on in a job; the next try finds out whether it is done"))
	default:
		return nil, change.Fail(keyservice.Ambiguous, errors.New("the service answered 202 Accepted and went on in a job, whose answer would not have the secret"))
	}
}

// unapproved returns the error of a change that the service did not carry out, because another administrator has to approve it.
func (s *Service) unapproved(change rest.Request, answer *rest.Response, lines []string) error {
	said := decodeProblem(answer.Body).String()
	for _, line := range lines {
		if text, ok := strings.CutPrefix(line, ".message "); ok && said == "" {
			said = text
		}
	}
	if said == "" {
		said = "a request for approval"
	}
	failed := invalid(change, ReasonApprovalRequired, fmt.Errorf("the service answered %d %s: %s; %s",
		answer.Status, http.StatusText(answer.Status), strings.TrimSuffix(s.client.Redact.Excerpt(said), "."), adviseApproval(s.client.Redact.Excerpt(requestID(lines)))))
	failed.RetryAfter = max(approvalRetry, answer.RetryAfter)
	return failed
}

// asksApproval reports whether an error says that another administrator has to approve the change.
func asksApproval(problem rest.Problem) bool {
	return problem.Code == codeApproval || approvalWords.MatchString(problem.Text)
}

// adviseApproval says what to do about a change that waits for an approval.
func adviseApproval(id string) string {
	command := "security multi-admin-verify request show"
	if id != "" {
		command = "security multi-admin-verify request approve -index " + id
	}
	return fmt.Sprintf("another administrator must approve it (%s), and the operator sends it again every %d minutes until then; "+
		"delete the request if it was vetoed; to need no approvals, delete the multi-admin-verify rule of this command, or give it a query that leaves this SVM out",
		command, int(approvalRetry.Minutes()))
}

// approvalIn returns the lines of an answer that asks for an approval, and nil for any other. No source gives the form of the
// answer, so that every form is accepted that mentions an approval. An answer with status 201 or with a secret is that of a change
// that was made.
func approvalIn(answer *rest.Response) []string {
	if answer.Status == http.StatusCreated || bytes.Contains(answer.Body, []byte(`"secret_key"`)) {
		return nil
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(answer.Body))
	decoder.UseNumber() // so that an index is written as it is
	_ = decoder.Decode(&value)
	lines := linesOf("", value)
	if location := answer.Header.Get("Location"); location != "" {
		lines = append(lines, ".location "+location)
	}
	lines = slices.DeleteFunc(lines, chosenByPeople)
	if !slices.ContainsFunc(lines, approvalPattern.MatchString) {
		return nil
	}
	return lines
}

// linesOf returns a line for each value in a JSON document: its path and its text.
func linesOf(path string, value any) (lines []string) {
	switch value := value.(type) {
	case nil:
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			lines = append(lines, linesOf(path+"."+name, value[name])...)
		}
	case []any:
		for _, element := range value {
			lines = append(lines, linesOf(path, element)...)
		}
	default:
		lines = append(lines, fmt.Sprintf("%s %v", path, value))
	}
	return lines
}

// chosenByPeople reports whether a line has a name, a comment, or the path of a user.
func chosenByPeople(line string) bool {
	path, text, _ := strings.Cut(line, " ")
	return strings.HasSuffix(path, ".name") || strings.HasSuffix(path, ".comment") || strings.Contains(text, "/users")
}

// requestID returns the ID of the request for approval, empty if there is none.
func requestID(lines []string) string {
	for _, pattern := range requestPatterns {
		for _, line := range lines {
			if found := pattern.FindStringSubmatch(line); found != nil {
				return found[1]
			}
		}
	}
	return ""
}
