// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// verify asks the data plane about the pair that waits, or else about the one in the Secret. The planner decides again with the answer.
func (r *Reconciler) verify(ctx context.Context, s *scope) error {
	if intent := s.ak.Status.Intent; intent != nil {
		intent.KeyID = s.in.Next.Record.KeyID
		intent.Verification = r.probe(ctx, s, secret.PairOf(s.next)).Note(intent.Verification)
		return nil
	}
	if s.connection == nil { // another reconciliation asks
		return nil
	}
	if s.secret == nil {
		var err error
		if s.secret, err = r.store.Read(ctx, s.name.Namespace, s.ak.SecretName()); err != nil {
			return err
		}
		s.in.Secret = s.template().Inspect(s.secret)
	}
	if s.in.Secret.State != plan.SecretIntact {
		return nil
	}
	r.probe(ctx, s, secret.PairOf(s.secret))
	s.noteProbe()
	return nil
}

// noteProbe notes in the status what the data plane said about the published pair.
func (s *scope) noteProbe() {
	status := &s.ak.Status
	if probe := s.in.Probe; probe.AccessKeyID != "" && probe.AccessKeyID == status.AccessKeyID {
		status.Verification = probe.Note(status.Verification)
	}
}

// keepsBack asks the data plane about a pair that was just created, and reports whether the pair has to wait.
func (r *Reconciler) keepsBack(ctx context.Context, s *scope, credential keyservice.Credential) bool {
	intent := s.ak.Status.Intent
	if !s.in.MayWait(intent) {
		return false
	}
	intent.Verification = r.probe(ctx, s, pairOf(credential)).Note(intent.Verification)
	return s.in.KeepsBack(intent.Verification)
}

// probe asks the data plane about a pair, once.
func (r *Reconciler) probe(ctx context.Context, s *scope, pair secret.Pair) plan.Probe {
	err := errors.New("the operator is not connected to it yet")
	if s.connection.DataPlane != nil {
		err = s.connection.DataPlane.Verify(ctx, pair.AccessKeyID, pair.SecretAccessKey)
	}
	s.in.Now = r.Clock.Now()
	s.in.Probe = plan.Probe{AccessKeyID: pair.AccessKeyID, At: s.in.Now, Result: v1alpha1.VerificationAccepted}
	if err == nil {
		r.probes.Delete(s.name)
		return s.in.Probe
	}
	s.in.Probe.Result, s.in.Probe.Message = v1alpha1.VerificationUnknown, err.Error()
	if keyservice.KindOf(err) == keyservice.Unauthorized {
		s.in.Probe.Result = v1alpha1.VerificationRejected
	}
	r.probes.Store(s.name, s.in.Probe)
	return s.in.Probe
}

// lastProbe returns the last probe of a pair that the data plane has not accepted.
func (r *Reconciler) lastProbe(name types.NamespacedName) plan.Probe {
	value, _ := r.probes.Load(name)
	probe, _ := value.(plan.Probe)
	return probe
}

func pairOf(credential keyservice.Credential) secret.Pair {
	return secret.Pair{AccessKeyID: credential.AccessKeyID, SecretAccessKey: credential.SecretAccessKey}
}

// setVerified reports whether the data plane accepts the pair. An event tells when a published pair is not accepted, and when it is
// accepted later.
func setVerified(s *scope) {
	verified, present := plan.Verified(s.in)
	before := meta.FindStatusCondition(s.base.Status.Conditions, v1alpha1.ConditionVerified)
	switch {
	case s.service == "" || present && verified.Status == "": // nothing new is known
		if before != nil {
			set(s, v1alpha1.ConditionVerified, before.Status, before.Reason, before.Message)
		}
		return
	case !present:
		remove(s, v1alpha1.ConditionVerified)
		return
	}
	set(s, v1alpha1.ConditionVerified, verified.Status, verified.Reason, verified.Message)
	switch published := s.ak.Status.KeyID != ""; {
	case verified.Status == metav1.ConditionTrue && before != nil && notAccepted(before.Reason):
		s.note(corev1.EventTypeNormal, v1alpha1.EventVerified, "Verify", "%s", verified.Message)
	case published && notAccepted(verified.Reason):
		s.warn(v1alpha1.ConditionVerified, "Verify", before)
	}
}

// notAccepted reports whether a reason of Verified says that the data plane was asked and did not accept the pair.
func notAccepted(reason string) bool {
	return reason == v1alpha1.ReasonRejected || reason == v1alpha1.ReasonDataPlaneUnavailable
}
