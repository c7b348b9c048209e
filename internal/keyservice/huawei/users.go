// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// maxUsers bounds the memory of resolved users; more than that are looked up again now and then.
	maxUsers = 10000
	// maxName of a user (model of the vendor's SDK).
	maxName = 64
)

// userID is an ID as the service gives it: 32 hexadecimal digits.
var userID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// users remembers the IDs of users by name, of every user that a look-up came by. One look-up is under way at a time, so
// that many who ask at once cost one list.
type users struct {
	client *client
	turn   chan struct{}

	mu  sync.Mutex
	ids map[string]string
}

func newUsers(client *client) *users {
	return &users{client: client, turn: make(chan struct{}, 1), ids: map[string]string{}}
}

// resolve returns the ID of a user; an ID is taken at its word.
func (u *users) resolve(ctx context.Context, user string) (string, error) {
	find := request{
		call: keyservice.Call{Op: "find user", Safe: true}, subject: describeUser(user), method: http.MethodGet, path: usersPath,
	}
	if userID.MatchString(user) {
		return user, nil
	}
	if err := checkName(user); err != nil {
		return "", find.fail(keyservice.Invalid, err)
	}
	if id, known := u.recall(user); known {
		return id, nil
	}
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return "", find.complete(left(ctx))
	}
	if id, known := u.recall(user); known {
		return id, nil
	}
	id, err := u.lookUp(ctx, find, user)
	if err == nil && id == "" {
		err = find.fail(keyservice.NotFound, errors.New("the account has no IAM user of this name or ID"))
	}
	return id, err
}

// lookUp reads the list of users up to the one that is wanted; "" if it is not there.
func (u *users) lookUp(ctx context.Context, find request, user string) (string, error) {
	id := ""
	err := eachPage(ctx, u.client, find, "users", func(entries []userEntry) (bool, error) {
		for _, entry := range entries {
			if !idPattern.MatchString(string(entry.ID)) {
				return false, find.fail(keyservice.Unavailable, errors.New("the service lists a user without an ID that can be used"))
			}
			u.remember(string(entry.Name), string(entry.ID))
			if string(entry.Name) == user || string(entry.ID) == user {
				id = string(entry.ID)
			}
		}
		return id == "", nil
	})
	if err != nil || id == "" {
		return "", err
	}
	u.remember(user, id) // last, so that it is what is remembered
	return id, nil
}

// checkName: a name that no user can have costs no call.
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

func (u *users) recall(user string) (string, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	id, known := u.ids[user]
	return id, known
}

func (u *users) remember(user, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for other := range u.ids {
		if len(u.ids) < maxUsers {
			break
		}
		delete(u.ids, other)
	}
	u.ids[user] = id
}

// forget makes the next request look the user up anew.
func (u *users) forget(user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.ids, user)
}

func describeUser(user string) string { return "user " + keyservice.Excerpt(user) }
