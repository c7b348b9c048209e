// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// right is the permission to use one verb on one resource.
type right struct {
	verb, group, resource string
}

func (r right) String() string {
	if r.group == "" {
		return r.verb + " " + r.resource
	}
	return r.verb + " " + r.resource + "." + r.group
}

// forbidden matches the API server's message about a missing right, in JSON or protobuf. The missing right can differ from
// the verb of the request: a server-side apply that creates the object also needs the right to create it.
var forbidden = regexp.MustCompile(`cannot (\w+) resource \\?"([^"\\]+)\\?" in API group \\?"([^"\\]*)\\?"`)

// missing returns the right that a refused request lacked.
func missing(asked right, reason string) right {
	if found := forbidden.FindStringSubmatch(reason); found != nil {
		return right{verb: found[1], group: found[3], resource: found[2]}
	}
	return asked
}

// rightsOf returns every single right that the rules grant.
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

// without returns rules that grant the same rights except one.
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

// asked is a request to the API server, as RBAC sees it.
type asked struct {
	right
	// namespace is empty for cluster-scoped resources, and for requests that span all namespaces.
	namespace string
}

// askedBy parses the path of a request: /api/v1/… or /apis/GROUP/VERSION/…, followed by
// [namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]. It returns false for discovery, which every user may do.
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
