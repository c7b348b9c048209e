// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Statuses of a key.
const (
	active   = "Active"
	inactive = "Inactive"
)

// Patterns of parameters (API reference).
var (
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]+$`)
	keyIDPattern = regexp.MustCompile(`^\w+$`)
)

func tooLong(field string, most int) *apiError {
	return invalid(validationError, "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", field, most)
}

// required returns a parameter that must not be absent or empty.
func required(c *call, name string) (string, *apiError) {
	value := c.form.Get(name)
	if value == "" {
		return "", invalid("MissingParameter", "The request must contain the parameter %s.", name)
	}
	return value, nil
}

// userOf returns the user that the request names. Without a name it is the caller, which must be a user.
func (s *Simulator) userOf(c *call) (*user, *apiError) {
	name := c.form.Get("UserName")
	switch {
	case !c.form.Has("UserName") && c.caller.user == nil:
		return nil, invalid(validationError, "Must specify userName when calling with non-User credentials")
	case !c.form.Has("UserName"):
		return c.caller.user, nil
	case len(name) > 128:
		return nil, tooLong("userName", 128)
	case !namePattern.MatchString(name):
		return nil, invalid(validationError, "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	}
	if found := s.find(name); found != nil {
		return found, nil
	}
	return nil, noSuchUser(name)
}

func checkKeyID(c *call) *apiError {
	id, refused := required(c, "AccessKeyId")
	switch {
	case refused != nil:
		return refused
	case len(id) < 16:
		return invalid(validationError, "1 validation error detected: Value at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16")
	case len(id) > 128:
		return tooLong("accessKeyId", 128)
	case !keyIDPattern.MatchString(id):
		return invalid(validationError, "The specified value for accessKeyId is invalid. It must contain only alphanumeric characters.")
	}
	return nil
}

// keyOf returns the key that the request names. A key that is newer than the list lag, or of another user, is unknown.
func (s *Simulator) keyOf(c *call) (*key, *apiError) {
	owner, refused := s.userOf(c)
	if refused != nil {
		return nil, refused
	}
	k := s.found(c)
	if k == nil || k.Owner != owner.id {
		return nil, noSuchKey(c.form.Get("AccessKeyId"))
	}
	return k, nil
}

// found returns the existing key that the request names, whatever its user, or nil.
func (s *Simulator) found(c *call) *key {
	k := s.key(c.form.Get("AccessKeyId"))
	if k == nil || !k.Live() || k.CreatedAt.After(s.Now().Add(-s.options.ListLag)) {
		return nil
	}
	return k
}

func (s *Simulator) listKeys(c *call) ([]node, *apiError) {
	owner, refused := s.userOf(c)
	if refused != nil && (!s.options.Lenient || refused.code != noSuchEntity) {
		return nil, refused
	}
	var items []item
	past := s.Now().Add(-s.options.ListLag)
	for _, k := range s.keys {
		if owner != nil && k.Owner == owner.id && !k.CreatedAt.After(past) && (k.Live() || k.DeletedAt.After(past)) {
			items = append(items, item{k.ID, s.metadata(owner, k)})
		}
	}
	return s.page(c, "AccessKeyMetadata", items)
}

func (s *Simulator) getLastUsed(c *call) ([]node, *apiError) {
	if refused := checkKeyID(c); refused != nil {
		return nil, refused
	}
	k := s.found(c)
	if k == nil {
		if id := c.form.Get("AccessKeyId"); s.options.DeniesUnknown {
			return nil, forbidden(accessDenied, "User: %s is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key %s", s.arn(c.caller), id)
		}
		return nil, noSuchKey(c.form.Get("AccessKeyId"))
	}
	var used []node
	if !k.used.at.IsZero() {
		used = append(used, leaf("LastUsedDate", written(k.used.at)))
	}
	used = append(used, leaf("ServiceName", cmp.Or(k.used.service, "N/A")), leaf("Region", cmp.Or(k.used.region, "N/A")))
	at := slices.IndexFunc(s.users, func(candidate *user) bool { return candidate.id == k.Owner })
	return []node{leaf("UserName", s.users[at].name), branch("AccessKeyLastUsed", used...)}, nil
}

func (s *Simulator) getUser(c *call) ([]node, *apiError) {
	found, refused := s.userOf(c)
	if refused != nil {
		return nil, refused
	}
	return []node{branch("User", s.describe(found)...)}, nil
}

func (s *Simulator) describe(u *user) []node {
	return []node{
		leaf("Path", u.path), leaf("UserName", u.name), leaf("UserId", u.id), leaf("Arn", s.arn(caller{user: u})), leaf("CreateDate", written(u.createdAt)),
	}
}

func (s *Simulator) listUsers(c *call) ([]node, *apiError) {
	prefix := cmp.Or(c.form.Get("PathPrefix"), "/")
	if !strings.HasPrefix(prefix, "/") {
		return nil, invalid(validationError, "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters.")
	}
	var items []item
	for _, u := range s.users {
		if strings.HasPrefix(u.path, prefix) {
			items = append(items, item{u.name, s.describe(u)})
		}
	}
	return s.page(c, "Users", items)
}

// getAccountSummary returns the entries of the summary that concern users and their keys.
func (s *Simulator) getAccountSummary(*call) ([]node, *apiError) {
	summary := node{name: "SummaryMap"}
	for _, entry := range []struct {
		key   string
		value int
	}{{"AccessKeysPerUserQuota", s.options.KeysPerUser}, {"Users", len(s.users)}, {"UsersQuota", 5000}} {
		summary.children = append(summary.children, branch("entry", leaf("key", entry.key), leaf("value", fmt.Sprint(entry.value))))
	}
	return []node{summary}, nil
}
