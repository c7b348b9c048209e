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

// users looks up the IDs of users, and remembers all that a look-up has read. One look-up is under way at a time, so that many
// callers cost one list.
type users struct {
	rest.Memory

	client *client
	turn   chan struct{}
}

func newUsers(client *client) *users { return &users{client: client, turn: make(chan struct{}, 1)} }

// resolve returns the ID of a user. It does not look up a user who is given by ID.
func (u *users) resolve(ctx context.Context, user string) (string, error) {
	find := rest.Request{Op: "find user", Safe: true, Subject: rest.DescribeUser(user), Method: http.MethodGet, Path: usersPath}
	if userID.MatchString(user) {
		return user, nil
	}
	if err := checkName(user); err != nil {
		return "", find.Fail(keyservice.Invalid, err)
	}
	if id, known := u.Recall(user); known {
		return id, nil
	}
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return "", find.Done(ctx)
	}
	if id, known := u.Recall(user); known {
		return id, nil
	}
	id, err := u.lookUp(ctx, find, user)
	if err == nil && id == "" {
		err = find.Fail(keyservice.NotFound, errors.New("the account has no IAM user of this name or ID"))
	}
	return id, err
}

// lookUp reads the list of users up to the one that is wanted; "" if it is not there.
func (u *users) lookUp(ctx context.Context, find rest.Request, user string) (string, error) {
	id := ""
	err := eachPage(ctx, u.client, find, "users", func(entries []userEntry) (bool, error) {
		for _, entry := range entries {
			if !idPattern.MatchString(string(entry.ID)) {
				return false, find.Fail(keyservice.Unavailable, errors.New("the service lists a user without an ID that can be used"))
			}
			u.Remember(string(entry.Name), string(entry.ID))
			if string(entry.Name) == user || string(entry.ID) == user {
				id = string(entry.ID)
			}
		}
		return id == "", nil
	})
	if keyservice.KindOf(err) == keyservice.NotFound { // every account has users, so this says nothing about the one
		return "", find.Fail(keyservice.Unavailable, err)
	}
	if err != nil || id == "" {
		return "", err
	}
	u.Remember(user, id) // last, so that it is what is remembered
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
