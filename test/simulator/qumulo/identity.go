// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package qumulo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"k8s.io/utils/ptr"
)

// These are the domains of identities that can own keys.
const (
	DomainLocal           = "LOCAL"
	DomainActiveDirectory = "ACTIVE_DIRECTORY"
	DomainPosixUser       = "POSIX_USER"
)

const (
	// FirstAuthID is the auth_id of the first added user. The built-in local users are 500 (admin) and 501 (guest).
	FirstAuthID = 1000
	// posixUsers is the offset of the auth_ids of NFS users. The vendor's CLI computes 3<<32 + uid.
	posixUsers = 3 << 32
)

// Identity is a user or a group.
type Identity struct {
	Domain, Name, SID string
	// UID is nil for an identity without a UID.
	UID *uint32
	// Group reports that the identity is a group, which cannot own keys.
	Group bool

	authID  uint64
	deleted bool
}

func (i Identity) owner() string { return fmt.Sprintf("auth_id:%d", i.authID) }

// identityQuery is an api_identity that a client sends. It has one of these fields, or a name with a domain.
type identityQuery struct {
	Domain *string `json:"domain"`
	AuthID *string `json:"auth_id"`
	UID    *uint32 `json:"uid"`
	GID    *uint32 `json:"gid"`
	SID    *string `json:"sid"`
	Name   *string `json:"name"`
}

func (q identityQuery) empty() bool {
	return q.AuthID == nil && q.UID == nil && q.GID == nil && q.SID == nil && q.Name == nil
}

// parseUser parses the notation of the CLI, which ?user= also accepts. The simulator does not support it without a prefix.
func parseUser(text string) (identityQuery, error) {
	kind, value, _ := strings.Cut(text, ":")
	domain := ""
	switch kind {
	case "auth_id":
		return identityQuery{AuthID: &value}, nil
	case "sid":
		return identityQuery{SID: &value}, nil
	case "uid":
		number, err := strconv.ParseUint(value, 10, 32)
		uid := uint32(number)
		return identityQuery{UID: &uid}, err
	case "local":
		domain = DomainLocal
	case "ad":
		domain = DomainActiveDirectory
	default:
		return identityQuery{}, fmt.Errorf("%q is not an identity", text)
	}
	return identityQuery{Domain: &domain, Name: &value}, nil
}

// key is the key of Simulator.identities that a query selects. It is empty for a group ID, which no identity has.
func (q identityQuery) key() string {
	switch {
	case q.AuthID != nil:
		return "auth_id:" + *q.AuthID
	case q.UID != nil:
		return fmt.Sprint("uid:", *q.UID)
	case q.SID != nil:
		return "sid:" + *q.SID
	case q.Name != nil:
		return "name:" + *q.Name
	default:
		return ""
	}
}

// find resolves an identity. The caller holds s.mu.
func (s *Simulator) find(query identityQuery) (Identity, *apiError) {
	for _, candidate := range s.identities[query.key()] {
		switch {
		case query.Name != nil && ptr.Deref(query.Domain, candidate.Domain) != candidate.Domain:
		case candidate.deleted && query.Name != nil && s.options.TombstonesForgotten:
		case candidate.deleted:
			return Identity{}, s.unknown("cred_invalid_local_user_error")
		default:
			return *candidate, nil
		}
	}
	switch {
	case query.UID != nil:
		return Identity{Domain: DomainPosixUser, UID: query.UID, authID: posixUsers + uint64(*query.UID)}, nil
	case query.SID != nil:
		return Identity{}, s.unknown("cred_invalid_sid_error")
	default:
		return Identity{}, s.unknown("cred_invalid_local_user_error")
	}
}

func (s *Simulator) unknown(class string) *apiError {
	return &apiError{s.options.UnknownStatus, class, "the identity is unknown"}
}

// ownerOf resolves ?user=. The auth_id of a deleted user still selects the keys of the user. The caller holds s.mu.
func (s *Simulator) ownerOf(user string) (string, *apiError) {
	query, err := parseUser(user)
	if err != nil {
		return "", &apiError{http.StatusBadRequest, decodeError, err.Error()}
	}
	if query.AuthID != nil && !s.options.DeletedOwnerRefused {
		return "auth_id:" + *query.AuthID, nil
	}
	identity, refused := s.find(query)
	return identity.owner(), refused
}

// full returns an identity as in the response to a POST, with every field.
func (s *Simulator) full(identity Identity) map[string]any {
	return map[string]any{
		"domain": identity.Domain, "auth_id": s.authID(identity.owner()), "name": orNull(identity.Name),
		"sid": orNull(identity.SID), "uid": identity.UID, "gid": nil,
	}
}

// sparse returns an identity as in a list, with only the auth_id.
func (s *Simulator) sparse(owner string) map[string]any {
	return map[string]any{"domain": nil, "auth_id": s.authID(owner), "name": nil, "sid": nil, "uid": nil, "gid": nil}
}

func (s *Simulator) authID(owner string) any {
	text := strings.TrimPrefix(owner, "auth_id:")
	if s.options.NumericAuthID {
		return json.Number(text)
	}
	return text
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
