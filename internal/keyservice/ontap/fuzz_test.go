// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/hostile"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

// FuzzAnswers gives the backend answers that no cluster gives.
func FuzzAnswers(f *testing.F) {
	const (
		old   = "200\n" + `{"version":{"full":"NetApp Release 9.16.1P2: Fri","generation":9,"major":16,"minor":1}}` + "\n---\n"
		two   = "200\n" + `{"version":{"full":"NetApp Release 9.19.1: Fri"}}` + "\n---\n"
		svms  = "200\n" + `{"records":[{"uuid":"` + netapp.DefaultSVMUUID + `","name":"svm1"}],"num_records":1}` + "\n---\n"
		ours  = `{"name":"alice","comment":"` + aliceMarked + `","access_key":"K1","key_expiry_time":"2026-03-31T12:00:00+00:00"`
		keys  = `,"keys":[{"id":1,"access_key":"K1","expiry_time":"2026-03-31 12:00:00 -0500"},{"id":2}]}`
		none  = "404\n" + `{"error":{"code":"4","message":"entry doesn't exist"}}` + "\n---\n"
		page  = "200\n" + `{"records":[` + ours + `}],"_links":{"next":{"href":"` + users + `?start.name=alice"}}}`
		issue = `{"records":[{"name":"alice","access_key":"K2","secret_key":"s","key_expiry_time":"2026-03-31T12:00:00Z"}]}`
	)
	hostile.Fuzz(f, "alice", "alice", []string{
		old + svms + page,
		two + svms + "200\n" + ours + keys,
		old + svms + page + "\n---\n200\n" + `{"records":[]}`,
		old + svms + none + "201\n" + issue,
		two + svms + two + "200\n" + ours + keys + "\n---\n200\n{}",
		two + svms + "200\n" + ours + keys + "\n---\n200\n" + issue,
		old + svms + "401\n" + `{"error":{"code":"6","message":"User is not authorized: AUTH BODY"}}`,
		old + svms + none + "409\n" + `{"error":{"code":1,"message":"duplicate"}}`,
		two + svms + "200\n" + ours + keys + "\n---\n500\n" + `{"error":{"code":"92406081","message":"regenerated"}}` + "\n---\n200\n" + issue,
		old + svms + "202\n" + `{"job":{"uuid":"u"}}`,
		old + svms + none + "202\n" + `{"error":{"code":"262325","message":"AUTH BODY: request (index 3) requires approval"}}`,
		old + svms + none + "202\n" + `{"message":"approval of AUTH, request BODY","request_id":"AUTH1"}`,
	}, func(client *http.Client, _ bool) (keyservice.Service, error) {
		return New(Config{URL: "https://cluster.example", SVM: "svm1", Username: "admin", Password: hostile.Secret, HTTP: client})
	})
}

// FuzzMark reads any comment, and names owners in it: what a person wrote is kept, and nobody else's slot changes.
func FuzzMark(f *testing.F) {
	for _, comment := range []string{aliceMarked, made, made + " a person's words", "a person's comment", made + " 1=a/b/c 2=d/e/f and 3=g/h/i", made + " 1=//x", ""} {
		f.Add(comment, "team-b", "other", otherUID)
	}
	f.Add(aliceMarked, "a/ b\x00ä", strings.Repeat("x", 300), "not a UID")
	f.Fuzz(func(t *testing.T, comment, namespace, name, uid string) {
		before, ours := parseMark(comment)
		if !ours {
			return
		}
		after, ours := parseMark(before.with(2, keyservice.Owner{UID: uid, Namespace: namespace, Name: name}).String())
		if !ours {
			t.Fatalf("the mark in %q is lost", comment)
		}
		want := ""
		if uidPattern.MatchString(uid) {
			want = uid
		}
		if after.uid(2) != want || after.uid(1) != before.uid(1) {
			t.Errorf("%q: slots %q and %q, then %q and %q, want %q", comment, before.uid(1), before.uid(2), after.uid(1), after.uid(2), want)
		}
		if after.rest != before.rest && len(after.String())+len(before.rest) <= maxComment {
			t.Errorf("of %q the words %q became %q", comment, before.rest, after.rest)
		}
	})
}

// FuzzUser lists users of any name: the request names that user and nothing else, and a handle leads back to its slot.
func FuzzUser(f *testing.F) {
	for _, name := range []string{"alice", "a+b=c,d.e@f-g_h", ".", "..", "", "root", "a/b", "a?b", "a%2f", "a b", "ä", strings.Repeat("x", 65)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var sent *url.URL
		client := &http.Client{Transport: bed.RoundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r.URL
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		})}
		service, err := New(Config{URL: "https://cluster.example", SVM: "svm1", Username: "admin", Password: "p", HTTP: client})
		if err != nil {
			t.Fatal(err)
		}
		service.cluster.Store(&cluster{version: twoKeys, svm: netapp.DefaultSVMUUID})
		_, err = service.List(t.Context(), name)
		if (sent == nil) != (keyservice.KindOf(err) == keyservice.Invalid) {
			t.Fatalf("sent %v with %v", sent, err)
		}
		if sent == nil {
			return
		}
		for slot := 1; slot <= 9; slot++ {
			if found, err := slotOf(name, keyID(name, slot)); found != slot || err != nil {
				t.Errorf("slot %d of %q became %d, %v", slot, name, found, err)
			}
		}
		again, err := url.ParseRequestURI(sent.RequestURI())
		if err != nil || again.Path != users+"/"+name || len(again.Query()) != 1 || sent.Fragment != "" {
			t.Errorf("%q went to %s", name, sent)
		}
	})
}
