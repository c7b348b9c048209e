// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// maxName of a user (model of the vendor's SDK).
const maxName = 64

// userID is an ID as the service gives it: 32 hexadecimal digits.
var userID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// ResolveUser implements keyservice.UserResolver: it returns the user's ID. It does not look up a user who is given by ID.
func (s *Service) ResolveUser(ctx context.Context, user string) (string, error) {
	find := rest.Request{Op: "find user", Safe: true, Subject: rest.DescribeUser(user), Method: http.MethodGet, Path: usersPath}
	if userID.MatchString(user) {
		return user, nil
	}
	if err := checkName(user); err != nil {
		return "", find.Fail(keyservice.Invalid, err)
	}
	if id, known := s.users.Recall(user); known {
		return id, nil
	}
	if s.turn.Acquire(ctx, 1) != nil {
		return "", find.Done(ctx)
	}
	defer s.turn.Release(1)
	if id, known := s.users.Recall(user); known {
		return id, nil
	}
	return s.findUser(ctx, find, user)
}

// findUser reads the list of users up to the one that is wanted, and remembers all that it has read.
func (s *Service) findUser(ctx context.Context, find rest.Request, user string) (string, error) {
	id := ""
	err := eachPage(ctx, s.client, find, "users", func(entries []userEntry) (bool, error) {
		for _, entry := range entries {
			if !idPattern.MatchString(string(entry.ID)) {
				return false, find.Fail(keyservice.Unavailable, errors.New("the service lists a user without an ID that can be used"))
			}
			s.users.Remember(string(entry.Name), string(entry.ID))
			if string(entry.Name) == user || string(entry.ID) == user {
				id = string(entry.ID)
			}
		}
		return id == "", nil
	})
	switch {
	case keyservice.KindOf(err) == keyservice.NotFound: // every account has users, so this says nothing about the one
		return "", find.Fail(keyservice.Unavailable, err)
	case err != nil:
		return "", err
	case id == "":
		return "", find.Fail(keyservice.NotFound, errors.New("the account has no IAM user of this name or ID"))
	}
	s.users.Remember(user, id) // last, so that it is what is remembered
	return id, nil
}

// checkName refuses a name that no user can have, without a call.
func checkName(user string) error {
	switch {
	case user == "":
		return errors.New("there is no user: give the IAM user's ID or name")
	case utf8.RuneCountInString(user) > maxName:
		return errors.New("a user's name has 64 characters at most")
	case strings.TrimSpace(user) != user, strings.ContainsFunc(user, unicode.IsControl):
		return errors.New("the name has a control character, or a space at an end")
	}
	return nil
}
