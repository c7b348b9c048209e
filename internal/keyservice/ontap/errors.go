// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"errors"
	"fmt"
	"net/http"

	"accesskey.dev/operator/internal/keyservice"
)

// Codes that decide what to do next.
const (
	codeDuplicate = "1"
	codeNotFound  = "4"
	// codeRenewed: regenerate_keys was carried out, but what else the request changes was not.
	codeRenewed = "92406081"
)

// meaning is what a code says beyond its HTTP status, which no document gives for most of them.
type meaning struct {
	// kind is empty for one whose fate is unknown: Ambiguous, or Unavailable for a request that changes nothing.
	kind   keyservice.Kind
	reason string
	// advice for the storage administrator, or the owner of the AccessKey.
	advice string
}

const (
	adviseRights = "give the operator's account a role with readonly access to /api/cluster and /api/svm/svms, and all access " +
		"to /api/protocols/s3/services/{svm.uuid}/users"
	adviseTTL = "set a shorter ttl in the AccessKey"
)

// meanings of the codes: the API reference of POST and PATCH …/users, and the general guide's for 1 to 6.
var meanings = map[string]meaning{
	codeDuplicate: {keyservice.Invalid, ReasonUserExists, "a user of this name was made meanwhile; if that was not the operator, name another user"},
	"2":           {keyservice.Invalid, "", ""},
	"3":           {keyservice.Invalid, "", "check that the KeyService's URL is the cluster's management interface"},
	codeNotFound:  {keyservice.NotFound, "", ""},
	"6":           {keyservice.Unauthorized, "", adviseRights},
	"92405773":    {keyservice.Invalid, ReasonSVMNotFound, "create an S3 server on the SVM, or correct the KeyService's svm"},
	"92405787":    {keyservice.Invalid, "", "name another user"},
	"92405788":    {keyservice.Invalid, "", "name another user"},
	"92405791":    {"", "", ""},
	"92405792":    {"", "", ""},
	"92405817":    {keyservice.Invalid, ReasonSVMNotFound, "name a data SVM in the KeyService's svm"},
	"92406080":    {keyservice.Invalid, "", "release the S3 SnapMirror relationship that uses the key"},
	codeRenewed:   {"", "", ""},
	"92406082":    {keyservice.Invalid, "", ""},
	"92406083":    {keyservice.Invalid, ReasonTTLUnsupported, adviseTTL},
	"92406088":    {keyservice.Invalid, "", ""},
	"92406096":    {keyservice.Unauthorized, "", adviseRights},
	"92406097":    {"", "", ""},
	"92406108":    {keyservice.Invalid, "", ""},
	"92406196":    {keyservice.Invalid, ReasonTTLUnsupported, adviseTTL + ", or raise max_key_time_to_live of the SVM's S3 server"},
	"92406197":    {keyservice.Invalid, ReasonTTLUnsupported, "set a ttl in the AccessKey, or set max_key_time_to_live of the SVM's S3 server to 0"},
	"92406200":    {keyservice.Invalid, "", ""},
	"92406201":    {keyservice.Invalid, "", ""},
	"92406202":    {keyservice.Invalid, "", ""},
	"92406205":    {keyservice.Invalid, "", ""},
	"92406308":    {keyservice.Invalid, "", "take the user out of its S3 group"},
}

var errNotONTAP = errors.New("the answer is not that of an ONTAP cluster; check that the KeyService's URL is the cluster's or the SVM's management interface")

// refusal is the error of an answer that is not a success.
type refusal struct {
	// err is fit to be returned; reason is what the service said, without the request's subject.
	err    *keyservice.Error
	reason error
	status int
	// code is the service's, empty if it gave none.
	code string
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap implements errors.Unwrap.
func (r *refusal) Unwrap() error { return r.err }

// codeOf returns the service's code, empty for an error that is not its answer.
func codeOf(err error) string {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.code
	}
	return ""
}

// refuse makes the error of an answer. The code decides, since no source says which HTTP status goes with it.
func (c *client) refuse(r request, response *keyservice.Response) *refusal {
	problem := decodeProblem(response.Body)
	code := string(problem.Code)
	failed := keyservice.StatusError(r.call, response, problem.String())
	known, documented := meanings[code]
	advice := known.advice
	switch {
	case response.Status == http.StatusUnauthorized:
		advice = "the username or the password in the Secret is wrong, the account is locked, or it lacks the application http"
	case documented && known.kind == "":
		failed.Kind = keyservice.Ambiguous
		if r.call.Safe {
			failed.Kind = keyservice.Unavailable
		}
	case documented:
		failed.Kind, failed.Reason = known.kind, known.reason
	case response.Status == http.StatusForbidden:
		advice = adviseRights
	case response.Status < 400, response.Status == http.StatusNotFound, response.Status == http.StatusMethodNotAllowed:
		failed.Kind = keyservice.Unavailable // a proxy, or another server
		advice = meanings["3"].advice
	}
	reason := failed.Err
	if advice != "" {
		reason = fmt.Errorf("%w; %s", reason, advice)
	}
	failed.Err = about(r.subject, reason)
	return &refusal{err: failed, reason: reason, status: response.Status, code: code}
}

// reasonOf is what an error of a request says, without the operation and the subject.
func reasonOf(err error) error {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.reason
	}
	if failed, ok := errors.AsType[*keyservice.Error](err); ok {
		return errors.Unwrap(failed.Err) // about
	}
	return err
}

func about(subject string, err error) error {
	if subject == "" {
		return err
	}
	return fmt.Errorf("%s: %w", subject, err)
}
