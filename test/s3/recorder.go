// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"

	"accesskey.dev/operator/test/simulator"
)

// Operator is the creator and the deleter of the keys that are created and deleted through a Recorder.
const Operator = "the operator"

// Recorder is a proxy in front of the IAM API of a real server. It counts the actions, meets faults as a simulator does, and records
// which keys were created and deleted. Everything else is up to the server. As at the simulator of AWS, rules of faults and Calls
// know a request by its action, such as "POST /CreateAccessKey".
type Recorder struct {
	*simulator.Core
	*Admin

	api   *url.URL
	proxy httputil.ReverseProxy
}

// sent is an original request, in the context of a routed one.
type sent struct {
	request *http.Request
	form    url.Values
}

type contextKey struct{}

// NewRecorder returns a proxy in front of the API of admin.
func NewRecorder(admin *Admin) (*Recorder, error) {
	api, err := url.Parse(admin.URL)
	r := &Recorder{Core: simulator.NewCore(nil), Admin: admin, api: api}
	r.proxy = httputil.ReverseProxy{Transport: admin.client.http.Transport, Rewrite: r.rewrite, ErrorHandler: unanswered}
	for _, action := range []string{
		"GetUser", "ListUsers", "ListAccessKeys", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "GetAccessKeyLastUsed", "GetAccountSummary", "GetCallerIdentity",
	} {
		r.Handle("POST /"+action, r.forward)
	}
	r.Handle("/", r.forward)
	return r, err
}

// ServeHTTP implements http.Handler.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the client has disconnected
	}
	form, _ := url.ParseQuery(string(body)) // a malformed form has no action
	request.Body = io.NopCloser(bytes.NewReader(body))
	routed := request.WithContext(context.WithValue(request.Context(), contextKey{}, sent{request, form}))
	routed.URL, routed.Body = &url.URL{Path: "/" + url.PathEscape(form.Get("Action"))}, io.NopCloser(bytes.NewReader(body))
	r.Core.ServeHTTP(w, routed)
}

// forward sends the original request to the server, and records what it changed before it passes the answer on.
func (r *Recorder) forward(w http.ResponseWriter, routed *http.Request) {
	w.Header().Del("Date") // the server sends its own
	original, _ := routed.Context().Value(contextKey{}).(sent)
	proxy := r.proxy
	proxy.ModifyResponse = func(response *http.Response) error {
		answer, err := io.ReadAll(response.Body)
		if err == nil && response.StatusCode == http.StatusOK {
			r.note(original.form, answer)
		}
		response.Body = io.NopCloser(bytes.NewReader(answer))
		return err
	}
	proxy.ServeHTTP(w, original.request)
}

func (r *Recorder) rewrite(request *httputil.ProxyRequest) {
	request.SetURL(r.api)
	request.Out.Host = request.In.Host // which is signed
}

// unanswered tells a client that the server did not answer. Tests stop servers on purpose.
func unanswered(w http.ResponseWriter, _ *http.Request, _ error) {
	w.WriteHeader(http.StatusBadGateway)
}

// note records the key that an action created or deleted.
func (r *Recorder) note(form url.Values, answer []byte) {
	switch form.Get("Action") {
	case "CreateAccessKey":
		var made struct {
			Pair Pair `xml:"CreateAccessKeyResult>AccessKey"`
		}
		if xml.Unmarshal(answer, &made) == nil {
			r.created(form.Get("UserName"), Operator, made.Pair)
		}
	case "DeleteAccessKey":
		r.End(form.Get("AccessKeyId"), Operator)
	}
}

func (r *Recorder) created(user, by string, made Pair) simulator.Pair {
	id := made.AccessKeyID
	return r.Record(simulator.Pair{ID: id, AccessKeyID: id, Owner: user, CreatedBy: by}, made.SecretAccessKey)
}

// MakeKey creates a key of a user by hand, and also returns its secret.
func (r *Recorder) MakeKey(user string) (simulator.Pair, string, error) {
	made, err := r.Admin.MakeKey(context.Background(), user)
	if err != nil {
		return simulator.Pair{}, "", err
	}
	return r.created(user, simulator.Person, made), made.SecretAccessKey, nil
}

// RemoveKey deletes a key by hand and reports whether it existed.
func (r *Recorder) RemoveKey(id string) bool {
	return r.Admin.RemoveKey(context.Background(), r.owner(id), id) == nil && r.End(id, simulator.Person)
}

// SetActive enables or disables a key by hand.
func (r *Recorder) SetActive(id string, active bool) {
	_ = r.Admin.SetActive(context.Background(), r.owner(id), id, active) // an unknown key stays as it is
}

// Valid asks the server whether a key is active. Only the recorder knows its secret.
func (r *Recorder) Valid(accessKeyID, secret string) bool {
	if !r.Core.Valid(accessKeyID, secret) {
		return false
	}
	keys, err := r.Keys(context.Background(), r.owner(accessKeyID))
	return err == nil && slices.ContainsFunc(keys, func(key Key) bool { return key.ID == accessKeyID && key.Status == "Active" })
}

// owner returns the user of a key that exists; empty if it does not.
func (r *Recorder) owner(id string) string {
	for _, pair := range r.LivePairs() {
		if pair.ID == id {
			return pair.Owner
		}
	}
	return ""
}
