// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

func TestReady(t *testing.T) {
	const yes, no, unknown = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
	ready := Readiness{yes, v1alpha1.ReasonIssued, "Secret backup holds access key AKIAK1, valid until 2026-03-31T12:00:00Z"}
	lost := Readiness{no, v1alpha1.ReasonKeyMissing, "The service no longer lists access key AKIAK1 as valid; a new pair will be issued"}
	expired := Readiness{no, v1alpha1.ReasonExpired, "The service ended access key AKIAK1 at 2026-03-01T13:00:00Z; a new pair will be issued"}
	doubtful := Readiness{unknown, v1alpha1.ReasonReplacing, "It is not known whether access key AKIAK1 still works, because the response to its regeneration was lost"}
	for _, c := range []struct {
		name string
		in   Input
		why  string
		want Readiness
	}{
		{"a published pair that the service lists is ready", quiet(), "", ready},
		{"a pair without a ttl has no end", quiet(endless), "", Readiness{yes, v1alpha1.ReasonIssued, "Secret backup holds access key AKIAK1"}},
		{"a pair that the service does not end stays ready after its ttl", quiet(at(issued.Add(ttl))), "",
			Readiness{yes, v1alpha1.ReasonIssued, "Secret backup holds access key AKIAK1, which still works although it should have been rotated before 2026-03-31T12:00:00Z"}},
		{"a service that holds one key is announced before the first rotation", quiet(endless, oneSlot), "",
			Readiness{yes, v1alpha1.ReasonIssued, "Secret backup holds access key AKIAK1; rotations replace it in place, without overlap"}},
		{"a service of which nothing is known is not announced", quiet(oneSlot, unlimited), "", ready},
		{"a failure changes nothing about a pair that works", quiet(failed), "the service did not answer", ready},
		{"a suspended AccessKey stays ready", quiet(suspending), "", ready},
		{"a deleted AccessKey stays ready while its key works", quiet(deleting), "", ready},
		{"a withdrawn grant changes nothing", quiet(notGranted), "", ready},
		{"an open create changes nothing", quiet(intends(2, time.Second, "K1")), "", ready},
		{"a Secret that only lost its owner is ready", quiet(abandoned), "", ready},
		{"a Secret that is out of date around its pair is ready", quiet(outOfDate), "", ready},
		{"a pair that is about to be activated is ready", quiet(being(keyservice.Pending, "K1")), "", ready},
		{"a pair that the service ends in a second is ready", quiet(endsAt("K1", noon.Add(time.Second))), "",
			Readiness{yes, v1alpha1.ReasonIssued, "Secret backup holds access key AKIAK1, valid until 2026-03-01T13:00:01Z"}},
		{"nothing is known of a Secret that has changed", quiet(cached, secret(SecretUnverified)), "", Readiness{}},
		{"a pair whose access key ID the service does not return is ready", quiet(pairAt("K1", "")), "", ready},

		{"a new AccessKey is pending", unissued(), "", Readiness{unknown, v1alpha1.ReasonPending, "No pair has been issued yet"}},
		{"a new AccessKey says what it waits for", unissued(), "user not found", Readiness{unknown, v1alpha1.ReasonPending, "No pair has been issued yet: user not found"}},
		{"a suspended AccessKey without a pair is pending", unissued(suspending), "", Readiness{unknown, v1alpha1.ReasonPending, "No pair has been issued yet"}},
		{"a restored AccessKey is pending until its pair is adopted", restored(), "", Readiness{unknown, v1alpha1.ReasonPending, "No pair has been issued yet"}},
		{"a deleted AccessKey without a key is deleting", unissued(deleting), "", Readiness{no, v1alpha1.ReasonDeleting, "The keys are revoked"}},
		{"between the revocation and the new pair no pair works", unissued(revision(1)), "the service did not answer",
			Readiness{no, v1alpha1.ReasonReplacing, "The former pair no longer works, and the new pair is not published yet: the service did not answer"}},

		{"a pair whose key failed is not ready, for the service's reason", quiet(being(keyservice.Failed, "K1"), says("K1", "suspended by billing")), "",
			Readiness{no, v1alpha1.ReasonKeyMissing, lost.Message + ": suspended by billing"}},

		{"after a regeneration without a response nobody knows which pair works", quiet(regenerates, regenerating("K1", time.Second)), "", doubtful},
		{"nor while the service cannot be read", quiet(cached, regenerates, regenerating("K1", time.Second)), "", doubtful},
		{"nor in the back-off", quiet(cached, failed, sameGeneration, regenerates, regenerating("K1", time.Second)), "", doubtful},
		{"nor while the AccessKey is suspended", quiet(cached, suspending, regenerates, regenerating("K1", time.Second)), "", doubtful},
		{"a regenerated pair is ready once it is recorded",
			quiet(regenerates, regenerating("K1", time.Second), recordSays(func(r *Record) { r.Revision = 2 }), publishedAgo(time.Second), func(in *Input) { in.Secret.Record.Apply(in.AccessKey) }), "",
			Readiness{yes, v1alpha1.ReasonIssued, "Secret backup holds access key AKIAK1, valid until 2026-03-31T12:59:59Z"}},
		{"a pair that was regenerated again is ready while the earlier request is watched for", quiet(regenerates, answered), "",
			Readiness{yes, v1alpha1.ReasonIssued, "Secret backup holds access key AKIAK1, valid until 2026-03-31T12:59:59Z"}},
		{"it is not if the earlier request ended it", quiet(regenerates, answered, pairAt("K1", "AKIAX")), "", lost},
		{"a previous key that is regenerated changes nothing", quiet(regenerates, overlapping("K0"), regenerating("K0", time.Second)), "",
			ready},

		{"a foreign Secret is not ready", quiet(secret(SecretForeign)), "", Readiness{no, v1alpha1.ReasonSecretConflict, "Secret backup is not controlled by this AccessKey"}},
		{"an abandoned Secret of another AccessKey is not ready", quiet(abandoned, recordSays(func(r *Record) { r.Name = "other" })), "",
			Readiness{no, v1alpha1.ReasonSecretConflict, "Secret backup is not controlled by this AccessKey"}},
		{"a lost Secret is not ready", quiet(secret(SecretAbsent)), "", Readiness{no, v1alpha1.ReasonSecretMissing, "Secret backup is missing; a new pair will be issued"}},
		{"a Secret with a new name is missing until it is written", quiet(wants("new"), secret(SecretAbsent)), "",
			Readiness{no, v1alpha1.ReasonSecretMissing, "Secret new is missing; a new pair will be issued"}},
		{"an edited Secret is not ready", quiet(secret(SecretEdited)), "",
			Readiness{no, v1alpha1.ReasonSecretEdited, "Secret backup does not hold the published pair"}},
		{"a Secret with a previous pair is not ready", quiet(holdsPrevious("K0"), overlapping("K0"), keys("K0", "K1")), "",
			Readiness{no, v1alpha1.ReasonSecretEdited, "Secret backup holds access key AKIAK0, which is not the pair that was published last"}},

		{"a key that the service does not list is not ready", quiet(keys()), "", lost},
		{"a key that was disabled is not ready", quiet(being(keyservice.Disabled, "K1")), "", lost},
		{"a key that is being deleted is not ready", quiet(being(keyservice.Deleting, "K1")), "", lost},
		{"a key that failed is not ready", quiet(being(keyservice.Failed, "K1")), "", lost},
		{"a key in an unknown state is not ready", quiet(being("Odd", "K1")), "", lost},
		{"a key that expired before it was activated is not ready", quiet(being(keyservice.Pending, "K1"), endsAt("K1", noon)), "", expired},
		{"a key that expired at the service is not ready", quiet(endsAt("K1", noon)), "", expired},
		{"nor is it while nothing is known of its Secret", quiet(endsAt("K1", noon), cached, secret(SecretUnverified)), "", expired},
		{"nor while the response to its regeneration is lost", quiet(endsAt("K1", noon), regenerates, regenerating("K1", time.Second)), "", expired},
		{"a suspended AccessKey says that its expired key is not rotated", quiet(endsAt("K1", noon), suspending), "",
			Readiness{no, v1alpha1.ReasonExpired, "The service ended access key AKIAK1 at 2026-03-01T13:00:00Z; spec.suspend is set, so no new pair is issued"}},
		{"nor is a lost Secret replaced then", quiet(secret(SecretAbsent), suspending), "", Readiness{no, v1alpha1.ReasonSecretMissing, "Secret backup is missing; spec.suspend is set, so no new pair is issued"}},
		{"nor a lost key", quiet(keys(), suspending), "",
			Readiness{no, v1alpha1.ReasonKeyMissing, "The service no longer lists access key AKIAK1 as valid; spec.suspend is set, so no new pair is issued"}},
		{"nor during a deletion", quiet(secret(SecretAbsent), deleting), "",
			Readiness{no, v1alpha1.ReasonSecretMissing, "Secret backup is missing; the AccessKey is being deleted, so no new pair is issued"}},
		{"a key whose user is gone may work or not", quiet(userGone), "",
			Readiness{unknown, v1alpha1.ReasonUserNotFound, `It is not known whether access key AKIAK1 still works, because the service no longer knows user "local:backup"`}},
		{"a lost Secret is the worse news", quiet(userGone, secret(SecretAbsent)), "", Readiness{no, v1alpha1.ReasonSecretMissing, "Secret backup is missing; a new pair will be issued"}},
		{"an expired key that the service does not list any more is missing", quiet(endsAt("K1", noon), pairAt("K1", "AKIAX")), "", lost},
		{"a key that was replaced externally is not ready", quiet(pairAt("K1", "AKIAX")), "", lost},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Ready(c.in, c.why); got != c.want {
				t.Errorf("Ready = %+v\nwant %+v", got, c.want)
			}
		})
	}
}
