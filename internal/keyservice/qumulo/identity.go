// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const findPath = "/v1/identity/find"

// sidPattern: revision, authority and at least one sub-authority, as the vendor's command-line tool has it.
var sidPattern = regexp.MustCompile(`^S-[0-9]+-[0-9]+(-[0-9]+)+$`)

// parseUser reads the notation of the vendor's command-line tool: "local:NAME", "ad:NAME", "uid:N", "sid:S-…",
// "auth_id:N", or a bare name or SID. It is stricter than the tool, so that each spelling has one meaning.
func parseUser(user string) (identity, error) {
	kind, value, prefixed := strings.Cut(user, ":")
	if !prefixed {
		return parseBare(user)
	}
	switch kind {
	case "local":
		return named("LOCAL", value)
	case "ad":
		return named("ACTIVE_DIRECTORY", value)
	case "uid":
		number, ok := parseNumber(value, 32)
		uid := uint32(number) //nolint:gosec // parsed as 32 bits
		if !ok {
			return identity{}, errors.New(`what follows "uid:" must be a number below 2^32`)
		}
		return identity{UID: &uid}, nil
	case "auth_id":
		if _, ok := parseNumber(value, 64); !ok {
			return identity{}, errors.New(`what follows "auth_id:" must be a number`)
		}
		return identity{AuthID: value}, nil
	case "sid":
		if !sidPattern.MatchString(value) {
			return identity{}, errors.New(`what follows "sid:" must look like S-1-5-21-1-2-3-1000`)
		}
		return identity{SID: value}, nil
	default:
		return identity{}, errors.New("it must be local:NAME, ad:NAME, uid:N, sid:S-…, auth_id:N or a name without a colon")
	}
}

func parseBare(user string) (identity, error) {
	if sidPattern.MatchString(user) {
		return identity{SID: user}, nil
	}
	if _, number := parseNumber(user, 64); number {
		// The versions of the tool differ in what they take it for.
		return identity{}, errors.New("a bare number can be a name or an ID: write local:N, uid:N or auth_id:N")
	}
	return named("", user)
}

func named(domain, name string) (identity, error) {
	switch {
	case name == "":
		return identity{}, errors.New("there is no name")
	case strings.TrimSpace(name) != name, strings.ContainsFunc(name, unicode.IsControl), strings.Contains(name, ":"):
		return identity{}, errors.New("the name has a colon, a control character, or a space at an end")
	}
	return identity{Domain: domain, Name: name}, nil
}

// parseNumber takes a number in its one plain spelling, without sign or leading zeros.
func parseNumber(text string, bits int) (uint64, bool) {
	number, err := strconv.ParseUint(text, 10, bits)
	return number, err == nil && strconv.FormatUint(number, 10) == text
}

// users resolves users and remembers the auth_id of each. This saves calls, and it keeps the keys of a deleted user within
// reach: the user's name no longer resolves, while its auth_id still lists its keys.
type users struct {
	rest.Memory

	client *client
}

// resolve returns the auth_id of a user that the service knows, or knew when it was first asked. It does not look up a user
// who is given by auth_id.
func (u *users) resolve(ctx context.Context, user string) (string, error) {
	find := rest.Request{
		Op: "find user", Safe: true, Subject: rest.DescribeUser(user), Method: http.MethodPost, Path: findPath,
	}
	wanted, err := parseUser(user)
	if err != nil {
		return "", find.Fail(keyservice.Invalid, err)
	}
	if wanted.AuthID != "" {
		return wanted.AuthID, nil
	}
	if authID, known := u.Recall(user); known {
		return authID, nil
	}
	find.Body = wanted
	answer, err := u.client.do(ctx, find)
	if refused, ok := rest.Refused(err); ok && unknownUser(refused) {
		return "", find.Fail(keyservice.NotFound, fmt.Errorf(
			"the service knows no such user, or one of this name was deleted before (then name it by auth_id:N): %w", refused.Reason))
	}
	if err != nil {
		return "", err
	}
	authID, err := decodeAuthID(answer.Body)
	if err != nil {
		return "", find.Fail(keyservice.Unavailable, err)
	}
	if _, ok := parseNumber(authID, 64); !ok {
		return "", find.Fail(keyservice.NotFound, errors.New("the service gives the user no auth_id"))
	}
	u.Remember(user, authID)
	return authID, nil
}
