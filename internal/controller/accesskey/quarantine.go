// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
)

// disable disables a previous key, and records until when it is in quarantine. After a crash it is disabled again.
func (r *Reconciler) disable(ctx context.Context, s *scope, action plan.Action) error {
	disabler, ok := s.connection.Service.(keyservice.Disabler)
	if !ok {
		return &keyservice.Error{Kind: keyservice.Invalid, Op: "disable key " + action.KeyID, Err: errors.New("the service cannot disable keys")}
	}
	if err := disabler.Disable(ctx, s.user(), action.KeyID); err != nil {
		return err
	}
	idle := s.idleSince(action.KeyID)
	again := !plan.QuarantineEnd(&s.ak.Status, action.KeyID).IsZero()
	previous := plan.Quarantine(s.ak, action.KeyID, s.in.Now)
	eventType, text := corev1.EventTypeNormal, "Disabled access key %s of user %q, whose overlap is over"
	switch {
	case idle != "":
		text = "Disabled access key %s of user %q" + idle
	case again:
		eventType, text = corev1.EventTypeWarning, "Disabled access key %s of user %q again, which somebody had enabled at the service although its overlap is over"
	}
	s.note(eventType, v1alpha1.EventDisabled, "Disable", text+s.worksOn()+"; it is deleted at %s; until then, the annotation %s: %s lets it work for another overlap",
		plan.ShortID(previous.AccessKeyID), s.ak.Spec.User, rfc3339(previous.DeleteAt.Time), v1alpha1.EnableAnnotation, previous.AccessKeyID)
	return nil
}

// enable enables a key in quarantine that the annotation names, and records until when it works. After a crash it is enabled again,
// because the annotation counts as answered only then.
func (r *Reconciler) enable(ctx context.Context, s *scope, action plan.Action) error {
	enabler, ok := s.connection.Service.(keyservice.Enabler)
	if !ok {
		return &keyservice.Error{Kind: keyservice.Invalid, Op: "enable key " + action.KeyID, Err: errors.New("the service cannot enable keys")}
	}
	if err := enabler.Enable(ctx, s.user(), action.KeyID); err != nil {
		return err
	}
	previous := plan.EndQuarantine(s.ak, action.KeyID, s.in.Now)
	s.note(corev1.EventTypeNormal, v1alpha1.EventEnabled, "Enable", "Enabled access key %s of user %q again, as the annotation %s asks; it works until %s: "+
		"let its consumers load the current pair from Secret %s before that", plan.ShortID(previous.AccessKeyID), s.ak.Spec.User, v1alpha1.EnableAnnotation,
		rfc3339(previous.RevokeAt.Time), s.ak.Status.SecretName)
	return nil
}

// refuseEnable answers an annotation that names a key that cannot be enabled.
func (s *scope) refuseEnable() {
	value, why := s.in.EnableRefusal()
	if value == "" {
		return
	}
	s.ak.Status.LastHandledEnable = value
	s.note(corev1.EventTypeWarning, v1alpha1.EventEnableRefused, "Enable", "Key %s, which the annotation %s names, was not enabled: %s",
		plan.ShortID(strings.Fields(value)[0]), v1alpha1.EnableAnnotation, why)
}

// noteQuarantineEnded tells that a key in quarantine is deleted early, because a new key needs its place.
func (s *scope) noteQuarantineEnded(action plan.Action) {
	end := plan.QuarantineEnd(&s.ak.Status, action.KeyID)
	if !s.in.Now.Before(end) || action.Reason == v1alpha1.ReasonDeleting || action.Reason == v1alpha1.ReasonRevoking {
		return
	}
	s.note(corev1.EventTypeWarning, v1alpha1.EventQuarantineEnded, "Revoke",
		"The quarantine of key %s ended before %s, because user %q can have %d keys and a new one needs the place", action.KeyID, rfc3339(end), s.ak.Spec.User, s.in.Service.KeysPerUser)
}

// noteUnsupported tells once that a part of the spec has no effect at this service, when the message of Ready begins to say so.
func (s *scope) noteUnsupported(reason, text string) {
	says := func(accessKey *v1alpha1.AccessKey) bool {
		ready := meta.FindStatusCondition(accessKey.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && strings.Contains(ready.Message, text)
	}
	if says(s.ak) && !says(s.base) {
		s.note(corev1.EventTypeWarning, reason, "Reconcile", "%s", text)
	}
}

func rfc3339(at time.Time) string { return at.UTC().Format(time.RFC3339) }
