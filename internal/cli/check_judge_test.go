// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// reached is an address that answers with a certificate that ends in so many days, and a clock that is ahead.
func reached(days int, ahead time.Duration) *connect.Reach {
	return &connect.Reach{
		URL: "https://qumulo.example:8000", Host: "qumulo.example", Date: today.Add(ahead), At: today,
		Certificate: &x509.Certificate{DNSNames: []string{"qumulo.example"}, NotAfter: today.Add(time.Duration(days) * 24 * time.Hour)},
	}
}

func changed(reach *connect.Reach, change func(*connect.Reach)) *connect.Reach {
	change(reach)
	return reach
}

func TestJudgeAddress(t *testing.T) {
	refused := errors.New("cannot dial 192.0.2.1:8000: connection refused")
	tests := []struct {
		name  string
		judge finding
		want  checkResult
		says  string
	}{
		{"an answer is ok", judgeReach("address", reached(90, 0), nil), checkOK, "answers this machine"},
		{"no answer is a failure", judgeReach("address", &connect.Reach{URL: "https://qumulo.example", Err: refused}, nil), checkFailed, "connection refused"},
		{"a name that nobody knows is a failure", judgeReach("address", &connect.Reach{Host: "qumulo.example", Unresolved: true, Err: refused}, nil), checkFailed, "refused"},
		{"the name of a Service says nothing outside of the cluster", judgeReach("address", &connect.Reach{Host: "qumulo.storage.svc", Unresolved: true, Err: refused}, nil), checkSkipped, "known only inside the cluster"},
		{"certificates that cannot be read are no failure of the service", judgeReach("address", nil, errors.New("no right")), checkSkipped, "no right"},
		{"a good certificate is ok", judgeCertificate(reached(90, 0), today), checkOK, "names qumulo.example, valid until 2026-05-30T12:00:00Z"},
		{"a certificate that ends soon is a warning", judgeCertificate(reached(3, 0), today), checkWarning, "in 3d: renew it"},
		{"a certificate that lives for a day only is ok", judgeCertificate(changed(reached(1, 0), func(r *connect.Reach) { r.Certificate.NotBefore = today }), today), checkOK, "valid until 2026-03-02"},
		{"a certificate that nobody trusts is a failure", judgeCertificate(changed(reached(90, 0), func(r *connect.Reach) { r.Distrust = errors.New("signed by an unknown authority") }), today), checkFailed, "unknown authority"},
		{"a certificate that nobody verifies is a warning", judgeCertificate(changed(reached(90, 0), func(r *connect.Reach) { r.Skipped = true }), today), checkWarning, "insecureSkipVerify"},
		{"no certificate is skipped", judgeCertificate(nil, today), checkSkipped, ""},
		{"clocks that agree are ok", judgeClock(reached(90, 0)), checkOK, "agrees"},
		{"a few seconds are ok", judgeClock(reached(90, 5*time.Second)), checkOK, "5s ahead of"},
		{"a few minutes are a warning", judgeClock(reached(90, -5*time.Minute)), checkWarning, "5m0s behind"},
		{"a quarter of an hour is a failure", judgeClock(reached(90, 15*time.Minute)), checkFailed, "refuse signed requests"},
		{"no time is skipped", judgeClock(&connect.Reach{}), checkSkipped, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expectFinding(t, test.judge, test.want, test.says) })
	}
}

func expectFinding(t *testing.T, got finding, want checkResult, says string) {
	t.Helper()
	if got.result != want || !strings.Contains(got.message, says) {
		t.Errorf("got %s: %s, want %s with %q", got.result, got.message, want, says)
	}
}

func TestJudgeOperator(t *testing.T) {
	ready := func(status metav1.ConditionStatus, generation int64) *v1alpha1.KeyService {
		return &v1alpha1.KeyService{
			ObjectMeta: metav1.ObjectMeta{Generation: 2},
			Status:     v1alpha1.KeyServiceStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: "Unauthorized", Message: "wrong password", ObservedGeneration: generation}}},
		}
	}
	expectFinding(t, judgeOperator(ready(metav1.ConditionTrue, 2)), checkOK, "Ready")
	expectFinding(t, judgeOperator(ready(metav1.ConditionFalse, 2)), checkFailed, "Unauthorized since 0001-01-01T00:00:00Z: wrong password")
	expectFinding(t, judgeOperator(ready(metav1.ConditionTrue, 1)), checkWarning, "has not checked this version")
	expectFinding(t, judgeOperator(&v1alpha1.KeyService{}), checkWarning, "is the operator running")
}

func TestJudgeRights(t *testing.T) {
	signedIn := func(change func(*checked)) *checked {
		c := &checked{service: &v1alpha1.KeyService{}, signedIn: true, identity: "qumulo/1", version: "Qumulo Core 7", limits: keyservice.Limits{KeysPerUser: 2}, now: today}
		change(c)
		return c
	}
	issued := backup()
	issued.Status.IssuedAt = metav1.NewTime(today.Add(-2 * time.Hour))
	adopted := issued
	adopted.Status.IssueReason, adopted.Status.History = v1alpha1.IssuedImported, nil
	unrevoked := issued
	unrevoked.Status.History = nil
	stalled := issued
	stalled.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonUnauthorized, Message: "may not create keys"}}
	unauthorized := &keyservice.Error{Kind: keyservice.Unauthorized, Op: "list keys", Err: errors.New("refused")}
	tests := []struct {
		name  string
		judge finding
		want  checkResult
		says  string
	}{
		{"accepted credentials are ok", signedIn(func(*checked) {}).judgeCredentials(), checkOK, "qumulo/1"},
		{"refused credentials are a failure", (&checked{signInErr: unauthorized}).judgeCredentials(), checkFailed, "refused"},
		{"credentials that were not sent are skipped", (&checked{signInErr: errNotTried}).judgeCredentials(), checkSkipped, "not tried"},
		{"a known version is ok", signedIn(func(*checked) {}).judgeVersion(), checkOK, "Qumulo Core 7"},
		{"an upgrade that the operator has not seen is a warning", signedIn(func(c *checked) { c.service.GetStatus().Version = "Qumulo Core 6" }).judgeVersion(), checkWarning, "the operator saw Qumulo Core 6"},
		{"a list that is refused is a failure with advice", signedIn(func(c *checked) { c.listErr = unauthorized }).judgeList(), checkFailed, "give the account this right"},
		{"a list is ok", signedIn(func(c *checked) { c.keys = []listedKey{{user: "a"}, {user: "a"}, {user: "b"}} }).judgeList(), checkOK, "3 keys of 2 users"},
		{"nothing was created yet", signedIn(func(*checked) {}).judgeChanges(), checkSkipped, "not tried"},
		{"an imported key proves nothing", signedIn(func(c *checked) { c.accessKeys = []v1alpha1.AccessKey{adopted} }).judgeChanges(), checkSkipped, "not tried"},
		{"a created key proves the right", signedIn(func(c *checked) { c.accessKeys = []v1alpha1.AccessKey{unrevoked} }).judgeChanges(), checkOK, "has not revoked one yet"},
		{"a revoked key proves the right", signedIn(func(c *checked) { c.accessKeys = []v1alpha1.AccessKey{issued} }).judgeChanges(), checkOK, "created a key at 2026-03-01T10:00:00Z and revoked one at 2026-03-01T11:59:00Z"},
		{"an AccessKey that is refused is a failure", signedIn(func(c *checked) { c.accessKeys = []v1alpha1.AccessKey{stalled} }).judgeChanges(), checkFailed, "team-a/backup: may not create keys"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expectFinding(t, test.judge, test.want, test.says) })
	}
}

func TestJudgeQuota(t *testing.T) {
	keys := func(keys ...listedKey) *checked {
		return &checked{signedIn: true, limits: keyservice.Limits{KeysPerUser: 2}, keys: keys}
	}
	key := func(id string, ownership ownership, role string) listedKey {
		return listedKey{"local:backup", keyservice.Key{ID: id, AccessKeyID: id}, owner{ownership: ownership, role: role}}
	}
	current, previous, hand := key("K1", ownershipManaged, roleCurrent), key("K2", ownershipManaged, rolePrevious), key("K3", ownershipUnknown, "")
	waiting := keys(hand, hand)
	waiting.accessKeys = []v1alpha1.AccessKey{{Spec: v1alpha1.AccessKeySpec{User: "local:backup"}}}
	tests := []struct {
		name string
		c    *checked
		want checkResult
		says string
	}{
		{"one key leaves room", keys(current), checkOK, "has room"},
		{"a previous key goes by itself", keys(current, previous), checkOK, "has room"},
		{"a key that nobody records takes the room", keys(current, hand), checkWarning, "user local:backup has 2 of 2 keys, which leaves no room for the next one; delete one of those that no AccessKey records: K3"},
		{"an AccessKey without a key waits for room", waiting, checkWarning, "user local:backup has 2 of 2 keys"},
		{"a user without an AccessKey does not matter", keys(hand, hand), checkOK, "has room"},
		{"one key per user needs no room", &checked{signedIn: true, limits: keyservice.Limits{KeysPerUser: 1}}, checkOK, "in place"},
		{"without a list nothing is known", &checked{}, checkSkipped, "list"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { expectFinding(t, test.c.judgeQuota()[0], test.want, test.says) })
	}
}

func TestTheWorstFindingDecides(t *testing.T) {
	ok, warning, failed, skipped := finding{result: checkOK}, finding{result: checkWarning}, finding{result: checkFailed}, finding{result: checkSkipped}
	for _, test := range []struct {
		findings []finding
		want     checkResult
	}{
		{[]finding{ok, skipped}, checkOK}, {[]finding{ok, warning, skipped}, checkWarning}, {[]finding{warning, failed, warning}, checkFailed},
	} {
		if got := worst(test.findings); got != test.want {
			t.Errorf("%v: got %s, want %s", test.findings, got, test.want)
		}
	}
}
