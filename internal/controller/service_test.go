// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/plan"
)

func TestGlob(t *testing.T) {
	for name, test := range map[string]struct {
		pattern, text string
		want          bool
	}{
		"the same text":                          {"local:backup", "local:backup", true},
		"another text":                           {"local:backup", "local:backups", false},
		"a part of the text":                     {"backup", "local:backup", false},
		"another case":                           {"local:backup", "local:Backup", false},
		"white space counts":                     {"local:backup", "local:backup ", false},
		"* for the end":                          {"local:team-a-*", "local:team-a-backup", true},
		"* for nothing":                          {"local:team-a-*", "local:team-a-", true},
		"* for the beginning":                    {"*:backup", "local:backup", true},
		"* in the middle":                        {"local:*-backup", "local:team-a-backup", true},
		"* in the middle, with another end":      {"local:*-backup", "local:team-a-restore", false},
		"* alone matches all":                    {"*", "sid:S-1-5-21", true},
		"* alone matches nothing too":            {"*", "", true},
		"* matches line breaks":                  {"a*c", "a\nb\nc", true},
		"a line is not enough":                   {"a", "a\nb", false},
		"a last line break is not passed over":   {"a", "a\n", false},
		"many *":                                 {strings.Repeat("*a", 100), strings.Repeat("a", 200), true},
		"? for one character":                    {"uid:100?", "uid:1001", true},
		"? for no character":                     {"uid:100?", "uid:100", false},
		"? for two characters":                   {"uid:100?", "uid:10012", false},
		"? for a character of two bytes":         {"local:m?ller", "local:müller", true},
		"? for a line break":                     {"a?b", "a\nb", true},
		". stands for itself":                    {"local:a.b", "local:axb", false},
		". matches itself":                       {"local:a.b", "local:a.b", true},
		"| makes no choice":                      {"a|local:root", "local:root", false},
		"( ) + ^ $ [ ] { } stand for themselves": {"^(a+)[b]{2}$", "^(a+)[b]{2}$", true},
		"[ ] is no class":                        {"[ab]", "a", false},
		"a broken expression is only text":       {"(", "(", true},
		`a backslash stands for itself`:          {`ad:DOM\user`, `ad:DOM\user`, true},
		`a backslash escapes nothing`:            {`ad:DOM\*`, `ad:DOM*`, false},
		`* after a backslash is still *`:         {`ad:DOM\*`, `ad:DOM\user`, true},
		`? after a backslash is still ?`:         {`ad:DOM\user?`, `ad:DOM\user1`, true},
		`\d is no digit`:                         {`uid:\d`, `uid:1`, false},
		`\E ends nothing`:                        {`\Eroot`, `root`, false},
		"no pattern matches no text":             {"", "", true},
		"no pattern matches nothing else":        {"", "local:backup", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := glob(test.pattern, test.text); got != test.want {
				t.Errorf("glob(%q, %q) is %t", test.pattern, test.text, got)
			}
		})
	}
}

func TestGrantsAreDeniedByDefault(t *testing.T) {
	team := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}
	broken := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "team", Operator: "Near"}}}
	here := labels.Set{"team": "a", "env": "prod"}
	for name, test := range map[string]struct {
		grants    []v1alpha1.Grant
		namespace labels.Set
		want      bool
	}{
		"no grant":                            {nil, here, false},
		"a grant of this user":                {[]v1alpha1.Grant{{NamespaceSelector: team, Users: []string{"local:backup"}}}, here, true},
		"a grant of a pattern":                {[]v1alpha1.Grant{{NamespaceSelector: team, Users: []string{"ad:*", "local:b*"}}}, here, true},
		"a grant of other users":              {[]v1alpha1.Grant{{NamespaceSelector: team, Users: []string{"local:restore", "backup"}}}, here, false},
		"a grant of no user":                  {[]v1alpha1.Grant{{NamespaceSelector: team}}, here, false},
		"a grant for other namespaces":        {[]v1alpha1.Grant{{NamespaceSelector: team, Users: []string{"*"}}}, labels.Set{"team": "b"}, false},
		"a namespace without labels":          {[]v1alpha1.Grant{{NamespaceSelector: team, Users: []string{"*"}}}, nil, false},
		"a selector of all namespaces":        {[]v1alpha1.Grant{{NamespaceSelector: &metav1.LabelSelector{}, Users: []string{"*"}}}, nil, true},
		"no selector":                         {[]v1alpha1.Grant{{Users: []string{"*"}}}, here, false},
		"a selector that can't be read":       {[]v1alpha1.Grant{{NamespaceSelector: broken, Users: []string{"*"}}}, here, false},
		"a grant after one that does not fit": {[]v1alpha1.Grant{{NamespaceSelector: broken, Users: []string{"*"}}, {NamespaceSelector: team, Users: []string{"local:backup"}}}, here, true},
		"the namespace of one grant and the user of another": {[]v1alpha1.Grant{
			{NamespaceSelector: team, Users: []string{"local:restore"}},
			{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}}, Users: []string{"local:backup"}},
		}, here, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := grants(test.grants, test.namespace, "local:backup"); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestServiceFacts(t *testing.T) {
	ready := func(status metav1.ConditionStatus) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, LastTransitionTime: metav1.NewTime(noon)}}
	}
	for name, test := range map[string]struct {
		service v1alpha1.KeyService
		want    plan.Service
	}{
		"a new one":            {v1alpha1.KeyService{}, plan.Service{}},
		"one that is held":     {v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Finalizers: []string{v1alpha1.InUseFinalizer}}}, plan.Service{Held: true}},
		"one that others hold": {v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Finalizers: []string{"foregroundDeletion"}}}, plan.Service{}},
		"one that is deleted":  {v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: ptr.To(metav1.NewTime(noon))}}, plan.Service{Deleting: true}},
		"one that is Ready":    {v1alpha1.KeyService{Status: v1alpha1.KeyServiceStatus{Conditions: ready(metav1.ConditionTrue)}}, plan.Service{ReadySince: noon}},
		"one that is not":      {v1alpha1.KeyService{Status: v1alpha1.KeyServiceStatus{Conditions: ready(metav1.ConditionFalse)}}, plan.Service{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := serviceFacts(&test.service); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAMissingKeyServiceIsAskedFor(t *testing.T) {
	ak := restingAccessKey()
	if got, want := serviceMissing(ak).Error(), "KeyService qumulo does not exist; create it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	ak.DeletionTimestamp = ptr.To(metav1.NewTime(noon.Add(time.Hour)))
	want := "KeyService qumulo does not exist; create it again so that the keys can be revoked, " +
		"or set deletionPolicy: Retain to leave them at the service"
	if got := serviceMissing(ak).Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := judge(serviceMissing(ak)).stalled; got != v1alpha1.ReasonKeyServiceNotFound {
		t.Errorf("stalled by %q", got)
	}
}

func TestAClusterKeyServiceThatIsNotServedIsExplained(t *testing.T) {
	r := &AccessKeyReconciler{Pool: &connect.Pool{}}
	ak := restingAccessKey()
	ak.Spec.ServiceRef = v1alpha1.ServiceReference{Kind: v1alpha1.KindClusterKeyService, Name: "qumulo"}
	want := "this operator works in some namespaces only (--namespaces) and serves no ClusterKeyService; refer to a KeyService of this namespace"
	_, err := r.serviceOf(t.Context(), ak)
	if err == nil || err.Error() != want || judge(err).stalled != v1alpha1.ReasonClusterKeyServicesNotServed {
		t.Errorf("got %v\nwant %s", err, want)
	}
	ak.DeletionTimestamp = ptr.To(metav1.NewTime(noon))
	if _, err := r.serviceOf(t.Context(), ak); err == nil || !strings.Contains(err.Error(), "set deletionPolicy: Retain") {
		t.Errorf("got %v for one that is being deleted", err)
	}
}
