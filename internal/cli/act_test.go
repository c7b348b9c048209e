// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// gone records that K0 was revoked because it was compromised.
func gone(ak *v1alpha1.AccessKey) {
	ak.Status.History = []v1alpha1.RevokedKey{{KeyID: "K0", AccessKeyID: "K0", RevokedAt: at(-day), RevokeReason: v1alpha1.RevokedCompromised}}
}

func TestConsequence(t *testing.T) {
	tests := map[string]struct {
		ak       *v1alpha1.AccessKey
		id, want string
	}{
		"the current key":                   {issued(compromisedIDs("K2")), "K2", "is replaced at once, and revoked as soon as the new pair is published"},
		"the current key while suspended":   {issued(compromisedIDs("K2"), suspended), "K2", "works until the AccessKey is resumed"},
		"a previous key":                    {issued(compromisedIDs("K1"), overlapping), "K1", "is revoked at once, and the current pair stays"},
		"a key of the past":                 {issued(compromisedIDs("K0"), gone), "K0", "is revoked already"},
		"an unknown key":                    {issued(compromisedIDs("K9")), "K9", "is no key of this AccessKey, so nothing is revoked"},
		"an ID that the service used again": {issued(compromisedIDs("K0"), gone, func(ak *v1alpha1.AccessKey) { ak.Status.KeyID = "K0" }), "K0", "was named before and its pair of that time is revoked"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := consequence(test.ak, test.id); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestRenewed: a renewal is done when the operator has handled the token and the new pair is published.
func TestRenewed(t *testing.T) {
	handled := func(token string) func(*v1alpha1.AccessKey) {
		return func(ak *v1alpha1.AccessKey) { ak.Status.LastHandledRenewal = token }
	}
	unready := func(ak *v1alpha1.AccessKey) { ak.Status.Conditions[0].Status = metav1.ConditionFalse }
	working := func(ak *v1alpha1.AccessKey) { ak.Status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate} }
	tests := map[string]struct {
		ak                    *v1alpha1.AccessKey
		done, stalled, failed bool
		text                  string
	}{
		"handled":                         {issued(handled("now")), true, false, false, "the pair before does not work any more"},
		"handled, with an overlap":        {issued(handled("now"), overlapping), true, false, false, "access key K1 works until 2026-03-02T12:00:00Z"},
		"another request was handled":     {issued(handled("earlier")), false, false, false, "waiting for the operator"},
		"handled, but not published":      {issued(handled("now"), unready), false, false, false, "not ready (Issued)"},
		"stalled":                         {issued(stalled), false, true, false, "Stalled (QuotaExceeded): no room"},
		"stalled, with an open operation": {issued(stalled, working), false, false, false, "Stalled (QuotaExceeded): no room"},
		"deleted meanwhile":               {issued(deleting), false, false, true, "is being deleted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := renewed(test.ak, "now")
			if got.done != test.done || got.stalled != test.stalled || got.failed != test.failed || !strings.Contains(got.text, test.text) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestWaitGivesUp: a wait fails early only if the AccessKey has been stalled for some time without a break.
func TestWaitGivesUp(t *testing.T) {
	var w watched
	for _, look := range []struct {
		after           time.Duration
		stalled, failed bool
	}{
		{0, true, false}, {9 * time.Second, true, false}, {10 * time.Second, false, false}, {11 * time.Second, true, false},
		{20 * time.Second, true, false}, {21 * time.Second, true, true},
	} {
		if w.update(verdict{stalled: look.stalled}, noon.Add(look.after)); w.failed != look.failed {
			t.Fatalf("after %s: failed is %t", look.after, w.failed)
		}
	}
}

// TestReplaced: no key may be left that spec.compromisedKeyIDs names, and the operator must have seen the list.
func TestReplaced(t *testing.T) {
	unseen := func(ak *v1alpha1.AccessKey) { ak.Generation = 2 }
	for name, test := range map[string]struct {
		ak   *v1alpha1.AccessKey
		done bool
	}{
		"the current key is left":            {issued(compromisedIDs("K2")), false},
		"a previous key is left":             {issued(compromisedIDs("K1"), overlapping), false},
		"none is left":                       {issued(compromisedIDs("K0"), gone), true},
		"the operator has not seen the list": {issued(compromisedIDs("K0"), gone, unseen), false},
	} {
		if got := replaced(test.ak); got.done != test.done {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestManagedBy(t *testing.T) {
	with := func(labels, annotations map[string]string, manager string) *v1alpha1.AccessKey {
		return issued(func(ak *v1alpha1.AccessKey) {
			ak.Labels, ak.Annotations, ak.ManagedFields = labels, annotations, []metav1.ManagedFieldsEntry{{Manager: manager}}
		})
	}
	for want, ak := range map[string]*v1alpha1.AccessKey{
		"":                                      with(map[string]string{"app.kubernetes.io/instance": "shop"}, nil, "kubectl-client-side-apply"),
		"Flux (Kustomization flux-system/keys)": with(map[string]string{"kustomize.toolkit.fluxcd.io/name": "keys", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}, nil, "kustomize-controller"),
		"Flux (HelmRelease apps/shop)":          with(map[string]string{"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "apps"}, nil, "helm-controller"),
		"Argo CD (Application keys)":            with(nil, map[string]string{"argocd.argoproj.io/tracking-id": "keys:accesskey.dev/AccessKey:team-a/backup"}, ""),
		"Argo CD (Application shop)":            with(map[string]string{"argocd.argoproj.io/instance": "shop"}, nil, ""),
		"Argo CD":                               with(nil, nil, "argocd-controller"),
		"Helm":                                  with(nil, nil, "helm"),
	} {
		if got := managedBy(ak); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
