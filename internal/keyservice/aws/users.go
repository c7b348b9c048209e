// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// userPattern is that of the model (existingUserNameType).
var userPattern = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)

var errNoName = errors.New("this is not the name of a user: give the name alone, without a path or an ARN; it has letters, digits and +=,.@_- only")

// ResolveUser implements keyservice.UserResolver: it returns the name as the service writes it. AWS, Ceph and versitygw do not tell
// names apart by case, so that two spellings are one user. SeaweedFS does, so that they are two.
func (s *Service) ResolveUser(ctx context.Context, user string) (string, error) {
	find := s.client.call("find user", "GetUser", url.Values{"UserName": {user}})
	find.Subject = rest.DescribeUser(user)
	if !userPattern.MatchString(user) {
		return "", find.Fail(keyservice.Invalid, errNoName)
	}
	if name, known := s.users.Recall(user); known {
		return name, nil
	}
	var result userResult
	_, err := s.client.query(ctx, find, &result)
	if refused, ok := missing(err); ok {
		return "", find.Fail(keyservice.NotFound, fmt.Errorf("the service knows no such user: %w", refused.Reason))
	}
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(result.Name, user) {
		return "", find.Fail(keyservice.Unavailable, errors.New("the service answered with another user"))
	}
	s.users.Remember(user, result.Name)
	return result.Name, nil
}

// noUser returns the error of a request whose user the service does not know.
func (s *Service) noUser(r rest.Request, user string, reason error) error {
	s.users.Forget(user)
	return r.Fail(keyservice.NotFound, fmt.Errorf("the service knows no such user: %w", reason))
}
