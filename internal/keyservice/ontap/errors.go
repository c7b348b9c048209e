// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"errors"
	"net/http"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Codes on which the next step depends.
const (
	codeDuplicate = "1"
	codeNotFound  = "4"
	// codeRegenerated: regenerate_keys was carried out, but the other changes of the request were not.
	codeRegenerated = "92406081"
	// codeApproval: another administrator has to approve the command (na_ontap_mav_config.py).
	codeApproval = "262325"
)

// meaning is what a code says beyond its HTTP status, which no document gives for most of them.
type meaning struct {
	// kind is Ambiguous for a request whose fate is unknown.
	kind   keyservice.Kind
	reason string
	// advice for the storage administrator, or the owner of the AccessKey.
	advice string
}

const (
	adviseRights = "give the operator's account a role with readonly access to /api/cluster and /api/svm/svms, and all access " +
		"to /api/protocols/s3/services/{svm.uuid}/users"
	adviseSVM = "create an S3 server on the SVM, or correct the KeyService's svm"
	adviseTTL = "set a shorter ttl in the AccessKey"
)

// meanings of the codes: the API reference of POST and PATCH …/users, and the general guide's for 1 to 6.
var meanings = map[string]meaning{
	codeDuplicate:   {keyservice.Invalid, ReasonUserExists, "a user of this name was made meanwhile; if that was not the operator, name another user"},
	"2":             {keyservice.Invalid, "", ""},
	"3":             {keyservice.Invalid, "", "check that the KeyService's URL is the cluster's management interface"},
	codeNotFound:    {keyservice.NotFound, "", ""},
	"6":             {keyservice.Unauthorized, "", adviseRights},
	"92405773":      {keyservice.Invalid, ReasonSVMNotFound, adviseSVM},
	"92405787":      {keyservice.Invalid, "", "name another user"},
	"92405788":      {keyservice.Invalid, "", "name another user"},
	"92405791":      {keyservice.Ambiguous, "", ""},
	"92405792":      {keyservice.Ambiguous, "", ""},
	"92405817":      {keyservice.Invalid, ReasonSVMNotFound, "name a data SVM in the KeyService's svm"},
	"92406080":      {keyservice.Invalid, "", "release the S3 SnapMirror relationship that uses the key"},
	codeRegenerated: {keyservice.Ambiguous, "", ""},
	"92406082":      {keyservice.Invalid, "", ""},
	"92406083":      {keyservice.Invalid, ReasonTTLUnsupported, adviseTTL},
	"92406088":      {keyservice.Invalid, "", ""},
	"92406096":      {keyservice.Unauthorized, "", adviseRights},
	"92406097":      {keyservice.Ambiguous, "", ""},
	"92406108":      {keyservice.Invalid, "", ""},
	"92406196":      {keyservice.Invalid, ReasonTTLUnsupported, adviseTTL + ", or raise max_key_time_to_live of the SVM's S3 server"},
	"92406197":      {keyservice.Invalid, ReasonTTLUnsupported, "set a ttl in the AccessKey, or set max_key_time_to_live of the SVM's S3 server to 0"},
	"92406200":      {keyservice.Invalid, "", ""},
	"92406201":      {keyservice.Invalid, "", ""},
	"92406202":      {keyservice.Invalid, "", ""},
	"92406205":      {keyservice.Invalid, "", ""},
	"92406308":      {keyservice.Invalid, "", "take the user out of its S3 group"},
}

var errNotONTAP = errors.New("the answer is not that of an ONTAP cluster; check that the KeyService's URL is the cluster's or the SVM's management interface")

// invalid returns an error of the request that a person has to act on.
func invalid(r rest.Request, reason string, err error) *keyservice.Error {
	failed := r.Fail(keyservice.Invalid, err)
	failed.Reason = reason
	return failed
}

// needsApproval reports whether a change was not carried out because another administrator has to approve it.
func needsApproval(err error) bool {
	failed, ok := errors.AsType[*keyservice.Error](err)
	return ok && failed.Reason == ReasonApprovalRequired
}

// codeOf returns the service's code, empty for an error that is not its answer.
func codeOf(err error) string {
	if refused, ok := rest.Refused(err); ok {
		return refused.Problem.Code
	}
	return ""
}

// classify uses the code, since no source says which HTTP status goes with it.
func classify(refused *rest.Refusal) {
	known, documented := meanings[refused.Problem.Code]
	advice := known.advice
	switch {
	case known.kind != keyservice.Ambiguous && asksApproval(refused.Problem):
		refused.Err.Kind, refused.Err.Reason = keyservice.Invalid, ReasonApprovalRequired
		refused.Err.RetryAfter = max(approvalRetry, refused.Err.RetryAfter)
		advice = adviseApproval(requestID([]string{refused.Problem.Text}))
	case refused.Throttled():
		advice = ""
	case refused.Status == http.StatusUnauthorized:
		advice = "the username or the password in the Secret is wrong, the account is locked, or it lacks the application http"
	case documented:
		refused.Err.Kind, refused.Err.Reason = known.kind, known.reason
	case refused.Status == http.StatusForbidden:
		advice = adviseRights
	case refused.Status < 400, refused.Status == http.StatusNotFound, refused.Status == http.StatusMethodNotAllowed:
		refused.Err.Kind = keyservice.Unavailable // a proxy, or another server
		advice = meanings["3"].advice
	}
	if advice != "" {
		refused.Advise(advice)
	}
}

// reasonOf returns what an error of a request says without the operation and the subject.
func reasonOf(err error) error {
	if refused, ok := rest.Refused(err); ok {
		return refused.Reason
	}
	if failed, ok := errors.AsType[*keyservice.Error](err); ok {
		return errors.Unwrap(failed.Err) // of the subject
	}
	return err
}
