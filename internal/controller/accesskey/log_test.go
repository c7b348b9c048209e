// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"slices"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// expectLog expects these lines since the last time, and that the events say the same.
func (b *bed) expectLog(lines ...string) {
	b.t.Helper()
	if !slices.Equal(b.log, lines) {
		b.t.Errorf("logged\n%s\nwant\n%s", strings.Join(b.log, "\n"), strings.Join(lines, "\n"))
	}
	b.log = nil
}

// TestLogOfALife: each change is one line at the default level, and a pass without a change is none.
func TestLogOfALife(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.settle()
	b.expectLog(`"level"=0 "msg"="Issued access key FAKE0000000000000001 of user \"name:backup\" into Secret backup" "accessKeyID"="FAKE0000000000000001" "revision"=1 "reason"="Issued" "type"="Normal"`)

	for range 20 {
		b.clock.Step(b.r.ResyncPeriod)
		b.reconcile()
	}
	b.expectLog()

	b.renew()
	b.settle()
	b.expectLog(`"level"=0 "msg"="Issued access key FAKE0000000000000002 into Secret backup (requested by the annotation accesskey.dev/renew); the previous access key FAKE0000000000000001 works until ` +
		b.accessKey().Status.PreviousKeys[0].RevokeAt.UTC().Format(time.RFC3339) + `" "accessKeyID"="FAKE0000000000000002" "revision"=2 "reason"="Rotated" "type"="Normal"`)

	b.clock.SetTime(b.accessKey().Status.PreviousKeys[0].RevokeAt.Time)
	b.settle()
	b.expectLog(`"level"=0 "msg"="Revoked key FAKE0000000000000001 of user \"name:backup\"" "accessKeyID"="FAKE0000000000000002" "revision"=2 "reason"="Revoked" "type"="Normal"`)

	b.service.FailNext(fake.Create, fake.Fault{Kind: keyservice.Invalid})
	b.clock.SetTime(b.accessKey().Status.RenewalTime.Time)
	b.reconcile()
	b.settle()
	if len(b.log) != 3 || !strings.Contains(b.log[0], `"reason"="Invalid" "type"="Warning"`) || !strings.Contains(b.log[1], `"reason"="Rotated"`) && !strings.Contains(b.log[2], `"reason"="Rotated"`) {
		t.Errorf("a rotation at the second attempt: %s", strings.Join(b.log, "\n"))
	}
	b.log = nil

	b.delete(kube.AccessKey)
	b.settle()
	if len(b.log) != 3 || !strings.Contains(b.log[0], "Revoked key FAKE") || !strings.Contains(b.log[1], "Revoked key FAKE") || !strings.Contains(b.log[2], "Removed the finalizer") {
		t.Errorf("a deletion: %s", strings.Join(b.log, "\n"))
	}
}
