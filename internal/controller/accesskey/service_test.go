// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/fake"
)

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"local:backup", "local:backup", true}, {"local:backup", "local:backups", false}, {"local:backup", "local:Backup", false},
		{"local:team-a-*", "local:team-a-backup", true}, {"local:*-backup", "local:team-a-restore", false}, {"*", "", true},
		{"a*c", "a\nb\nc", true}, {"a", "a\n", false}, {strings.Repeat("*a", 100), strings.Repeat("a", 200), true},
		{"local:m?ller", "local:müller", true}, {"uid:100?", "uid:10012", false}, {"local:a.b", "local:axb", false},
		{"a|local:root", "local:root", false}, {"(", "(", true}, {`ad:DOM\*`, `ad:DOM\user`, true}, {"", "local:backup", false},
	} {
		if got := glob(test.pattern, test.text); got != test.want {
			t.Errorf("glob(%q, %q) is %t", test.pattern, test.text, got)
		}
	}
}

// FuzzGlob compares glob with a simpler and slower implementation.
func FuzzGlob(f *testing.F) {
	for _, pair := range [][2]string{{"?", "ä"}, {"a*b*c", "abcabc"}, {`\E*`, `\Ex`}, {"[a]", "a"}, {"*", "a\nb"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !utf8.ValidString(pattern) || !utf8.ValidString(text) || strings.Count(pattern, "*") > 8 || len(text) > 64 {
			return // the API server accepts only UTF-8, and the simple implementation is slow
		}
		if got, want := glob(pattern, text), matches([]rune(pattern), []rune(text)); got != want {
			t.Errorf("%q on %q: %t", pattern, text, got)
		}
	})
}

func matches(pattern, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '*':
		return matches(pattern[1:], text) || len(text) > 0 && matches(pattern, text[1:])
	case len(text) == 0:
		return false
	default:
		return (pattern[0] == '?' || pattern[0] == text[0]) && matches(pattern[1:], text[1:])
	}
}

func TestAGrantNamesNamespaceAndUser(t *testing.T) {
	team := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}
	other := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}}
	invalid := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: "Near"}}}
	grant := func(selector *metav1.LabelSelector, users ...string) v1alpha1.Grant {
		return v1alpha1.Grant{NamespaceSelector: selector, Users: users}
	}
	bounded := func(grant v1alpha1.Grant, ttl int) v1alpha1.Grant {
		grant.MaxTTL = hours(ttl)
		return grant
	}
	for name, test := range map[string]struct {
		grants []v1alpha1.Grant
		want   bool
		maxTTL time.Duration
	}{
		"no grant":                         {nil, false, 0},
		"this user":                        {[]v1alpha1.Grant{grant(team, "local:backup")}, true, 0},
		"a pattern":                        {[]v1alpha1.Grant{grant(team, "ad:*", "local:b*")}, true, 0},
		"other namespaces":                 {[]v1alpha1.Grant{grant(other, "*")}, false, 0},
		"all namespaces":                   {[]v1alpha1.Grant{grant(&metav1.LabelSelector{}, "*")}, true, 0},
		"an invalid selector":              {[]v1alpha1.Grant{grant(invalid, "*")}, false, 0},
		"a later grant":                    {[]v1alpha1.Grant{grant(invalid, "*"), grant(team, "local:backup")}, true, 0},
		"one grant each for the two parts": {[]v1alpha1.Grant{grant(team, "local:restore"), grant(other, "local:backup")}, false, 0},

		"a bound":                              {[]v1alpha1.Grant{bounded(grant(team, "*"), 24)}, true, 24 * time.Hour},
		"the highest of two bounds":            {[]v1alpha1.Grant{bounded(grant(team, "*"), 48), bounded(grant(team, "local:*"), 24)}, true, 48 * time.Hour},
		"a grant without a bound":              {[]v1alpha1.Grant{bounded(grant(team, "*"), 24), grant(team, "local:*")}, true, 0},
		"the bound of a grant that covers it":  {[]v1alpha1.Grant{bounded(grant(team, "*"), 24), bounded(grant(other, "*"), 48), grant(team, "ad:*")}, true, 24 * time.Hour},
		"no bound of a grant for other people": {[]v1alpha1.Grant{bounded(grant(other, "*"), 24)}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, maxTTL := grants(test.grants, labels.Set{"team": "a", "env": "prod"}, "local:backup")
			if got != test.want || maxTTL != test.maxTTL {
				t.Errorf("got %t, %s", got, maxTTL)
			}
		})
	}
}

func TestServiceFacts(t *testing.T) {
	ready := func(status metav1.ConditionStatus, reason string) v1alpha1.KeyServiceStatus {
		return v1alpha1.KeyServiceStatus{Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: "told so", LastTransitionTime: metav1.NewTime(noon)},
		}}
	}
	limits := &v1alpha1.ServiceLimits{KeysPerUser: 2, Overlap: ptr.To(true), Regenerate: ptr.To(true), MaxTTL: hours(1)}
	for name, test := range map[string]struct {
		meta   metav1.ObjectMeta
		status v1alpha1.KeyServiceStatus
		want   plan.Service
	}{
		"a KeyService":         {meta: metav1.ObjectMeta{Namespace: "a", Finalizers: []string{"foregroundDeletion"}}, want: plan.Service{Namespaced: true}},
		"in use":               {meta: metav1.ObjectMeta{Finalizers: []string{v1alpha1.InUseFinalizer}}, want: plan.Service{InUse: true}},
		"being deleted":        {meta: metav1.ObjectMeta{DeletionTimestamp: ptr.To(metav1.NewTime(noon))}, want: plan.Service{Deleting: true}},
		"Ready":                {status: ready(metav1.ConditionTrue, v1alpha1.ReasonServiceReachable), want: plan.Service{ReadySince: noon}},
		"away":                 {status: ready(metav1.ConditionFalse, v1alpha1.ReasonUnavailable), want: plan.Service{}},
		"refusing credentials": {status: ready(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized), want: plan.Service{Refusal: "told so"}},
		"refusing credentials until": {
			status: func() v1alpha1.KeyServiceStatus {
				status := ready(metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
				status.RefusedCredentials = &v1alpha1.RefusedCredentials{Message: "without the time"}
				return status
			}(), want: plan.Service{Refusal: "without the time"},
		},
		"leading elsewhere":     {status: ready(metav1.ConditionFalse, v1alpha1.ReasonIdentityChanged), want: plan.Service{IdentityChanged: "told so"}},
		"without the finalizer": {status: ready(metav1.ConditionFalse, v1alpha1.ReasonFinalizerRefused), want: plan.Service{InUseProblem: "told so"}},
		"known from a check": {status: v1alpha1.KeyServiceStatus{Identity: identity, Limits: limits},
			want: plan.Service{Identity: identity, KeysPerUser: 2, Overlap: true, Regenerates: true, EndsPairs: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := serviceFacts(&v1alpha1.KeyService{ObjectMeta: test.meta, Status: test.status}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAMissingServiceIsReportedWithWhatToDo(t *testing.T) {
	local, cluster := newAccessKey(), newAccessKey()
	cluster.Spec.ServiceRef.Kind = v1alpha1.KindClusterKeyService
	r := &Reconciler{Pool: &connect.Pool{}} // serves no ClusterKeyServices
	for hint, deletion := range map[string]*metav1.Time{"": nil, ", or set deletionPolicy: Retain to keep them at the service": {Time: noon}} {
		local.DeletionTimestamp, cluster.DeletionTimestamp = deletion, deletion
		if err := serviceMissing(local); !strings.HasSuffix(err.Error(), hint) || Classify(err).Stalled != v1alpha1.ReasonKeyServiceNotFound {
			t.Errorf("got %v", err)
		}
		if _, err := r.serviceOf(t.Context(), cluster); !strings.HasSuffix(err.Error(), hint) || Classify(err).Stalled != v1alpha1.ReasonClusterKeyServicesNotServed {
			t.Errorf("got %v", err)
		}
	}
}

// TestWhichAccessKeysAnEventReconciles uses the indexes.
func TestWhichAccessKeysAnEventReconciles(t *testing.T) {
	b := newBed(t, fake.Options{})
	add := func(namespace, name string, change func(*v1alpha1.AccessKey)) {
		ak := newAccessKey()
		ak.Namespace, ak.Name = namespace, name
		change(ak)
		b.create(ak)
	}
	add("team-a", "renamed", func(ak *v1alpha1.AccessKey) { ak.Spec.SecretName = "backup" })
	add("team-a", "cluster", func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Kind = v1alpha1.KindClusterKeyService })
	add("team-b", "backup", func(*v1alpha1.AccessKey) {})
	b.cache.Deliver()
	meta := func(namespace, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name}
	}
	ctx := t.Context()
	for name, test := range map[string]struct {
		got  []reconcile.Request
		want string
	}{
		"a KeyService":         {b.r.accessKeysOfService(ctx, &v1alpha1.KeyService{ObjectMeta: meta("team-a", "service")}), "team-a/backup team-a/renamed"},
		"a ClusterKeyService":  {b.r.accessKeysOfService(ctx, &v1alpha1.ClusterKeyService{ObjectMeta: meta("", "service")}), "team-a/cluster"},
		"a namespace":          {b.r.accessKeysIn(ctx, &corev1.Namespace{ObjectMeta: meta("", "team-b")}), "team-b/backup"},
		"the Secret of two":    {b.r.accessKeysWanting(ctx, &corev1.Secret{ObjectMeta: meta("team-a", "backup")}), "team-a/backup team-a/renamed"},
		"a next Secret":        {b.r.accessKeysWanting(ctx, &corev1.Secret{ObjectMeta: meta("team-b", "backup-next")}), "team-b/backup"},
		"the Secret of nobody": {b.r.accessKeysWanting(ctx, &corev1.Secret{ObjectMeta: meta("team-a", "renamed")}), ""},
	} {
		var got []string
		for _, request := range test.got {
			got = append(got, request.String())
		}
		if slices.Sort(got); strings.Join(got, " ") != test.want {
			t.Errorf("%s reconciles %q, want %s", name, got, test.want)
		}
	}
}

// TestANamespaceThatTheCacheLacksIsRetried: no event follows when it appears.
func TestANamespaceThatTheCacheLacksIsRetried(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.create(&v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: "service"}})
	b.change(func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Kind = v1alpha1.KindClusterKeyService })
	if result, err := b.try(); err == nil && result.RequeueAfter == 0 {
		t.Error("the AccessKey is never reconciled again")
	}
}
