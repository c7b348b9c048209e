// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"net/http"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// right to do one thing with one kind of resource.
type right struct {
	verb, group, resource string
}

func (r right) String() string {
	if r.group == "" {
		return r.verb + " " + r.resource
	}
	return r.verb + " " + r.resource + "." + r.group
}

// finalizers is the one right that is asked for by none of the operator's requests: where the API server enforces it, as that
// of the tests does, it is a condition of writing an owner that blocks its deletion.
var finalizers = right{"update", "accesskey.dev", "accesskeys/finalizers"}

// rightsOf a role's rules, one by one.
func rightsOf(rules []rbacv1.PolicyRule) []right {
	var all []right
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, right{verb, group, resource})
				}
			}
		}
	}
	return all
}

// without a right are rules that grant all else.
func without(rules []rbacv1.PolicyRule, gone right) []rbacv1.PolicyRule {
	var kept []rbacv1.PolicyRule
	for _, rule := range rules {
		for _, each := range rightsOf([]rbacv1.PolicyRule{rule}) {
			if each != gone {
				kept = append(kept, rbacv1.PolicyRule{
					APIGroups: []string{each.group}, Resources: []string{each.resource}, Verbs: []string{each.verb}, ResourceNames: rule.ResourceNames,
				})
			}
		}
	}
	return kept
}

// asked is a request to the API server in the terms of its rights.
type asked struct {
	right
	// namespace is empty for what belongs to the cluster, or for all namespaces at once.
	namespace string
}

// askedBy reads a request: /api/v1/… or /apis/GROUP/VERSION/…, then [namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]. What
// names no resource is discovery, which everybody may do.
func askedBy(request *http.Request) (asked, bool) {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	found := asked{}
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		found.group, parts = parts[1], parts[3:]
	default:
		return asked{}, false
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		found.namespace, parts = parts[1], parts[2:]
	}
	found.resource = parts[0]
	if len(parts) > 2 {
		found.resource += "/" + parts[2]
	}
	found.verb = verbOf(request, len(parts) > 1)
	return found, true
}

func verbOf(request *http.Request, named bool) string {
	switch request.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		if named {
			return "delete"
		}
		return "deletecollection"
	}
	switch query := request.URL.Query(); {
	case slices.Contains([]string{"1", "true"}, query.Get("watch")):
		return "watch"
	case named:
		return "get"
	default:
		return "list"
	}
}
