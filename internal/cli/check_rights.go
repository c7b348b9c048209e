// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// judgeCredentials says whether the service accepts the credentials.
func (c *checked) judgeCredentials() finding {
	const check = "credentials"
	switch {
	case c.signedIn:
		return finding{check, checkOK, "accepted by " + c.identity}
	case errors.Is(c.signInErr, errNotTried):
		return finding{check, checkSkipped, c.signInErr.Error()}
	default:
		return finding{check, checkFailed, c.signInErr.Error()}
	}
}

// errNotTried marks the reason for which the credentials were not sent, although nothing is known to be wrong with them.
var errNotTried = errors.New("not tried")

func (c *checked) judgeVersion() finding {
	const check = "version"
	recorded := c.service.GetStatus().Version
	switch {
	case !c.signedIn && recorded == "":
		return finding{check, checkSkipped, "not known without credentials"}
	case !c.signedIn:
		return finding{check, checkSkipped, "the operator saw " + recorded}
	case recorded != "" && recorded != c.version:
		return finding{check, checkWarning, fmt.Sprintf("%s, and the operator saw %s; it asks once an hour", c.version, recorded)}
	default:
		return finding{check, checkOK, orNone(c.version)}
	}
}

// judgeList says whether the credentials may list keys.
func (c *checked) judgeList() finding {
	const check = "list keys"
	switch {
	case !c.signedIn:
		return finding{check, checkSkipped, "needs the credentials"}
	case c.listErr != nil && keyservice.KindOf(c.listErr) == keyservice.Unauthorized:
		return finding{check, checkFailed, fmt.Sprintf("%s; give the account this right", c.listErr)}
	case c.listErr != nil:
		return finding{check, checkFailed, c.listErr.Error()}
	default:
		return finding{check, checkOK, fmt.Sprintf("%s of %s", count(len(c.keys), "key", "keys"), count(len(c.keysByUser()), "user", "users"))}
	}
}

// judgeChanges says whether the credentials may create and delete keys. The only harmless way to know is what happened before.
func (c *checked) judgeChanges() finding {
	const check = "create and delete keys"
	var created, revoked time.Time
	for i := range c.accessKeys {
		ak := &c.accessKeys[i]
		stalled := meta.FindStatusCondition(ak.Status.Conditions, v1alpha1.ConditionStalled)
		if stalled != nil && stalled.Reason == v1alpha1.ReasonUnauthorized {
			return finding{check, checkFailed, fmt.Sprintf("AccessKey %s: %s", nameOf(ak), stalled.Message)}
		}
		if reason := ak.Status.IssueReason; reason != v1alpha1.IssuedAdopted && reason != v1alpha1.IssuedImported {
			created = later(created, ak.Status.IssuedAt.Time)
		}
		for _, gone := range ak.Status.History {
			if gone.RevokeReason != v1alpha1.RevokedGone && gone.RevokeReason != v1alpha1.RevokedInPlace {
				revoked = later(revoked, gone.RevokedAt.Time)
			}
		}
	}
	switch {
	case created.IsZero():
		return finding{check, checkSkipped, "not tried, because that would change keys; the first AccessKey shows it"}
	case revoked.IsZero():
		return finding{check, checkOK, "the operator last created a key at " + stamp(created) + "; it has not revoked one yet"}
	default:
		return finding{check, checkOK, fmt.Sprintf("the operator last created a key at %s and revoked one at %s", stamp(created), stamp(revoked))}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// keysByUser returns the listed keys by their users.
func (c *checked) keysByUser() map[string][]listedKey {
	users := map[string][]listedKey{}
	for i := range c.keys {
		users[c.keys[i].user] = append(users[c.keys[i].user], c.keys[i])
	}
	return users
}

// judgeQuota reports each user with an AccessKey whose quota has no room for its next key.
func (c *checked) judgeQuota() []finding {
	const check = "quota"
	if !c.signedIn || c.listErr != nil {
		return []finding{{check, checkSkipped, "needs the list of keys"}}
	}
	limit := c.limits.KeysPerUser
	if limit <= 1 {
		return []finding{{check, checkOK, "one key per user: a rotation replaces the pair in place"}}
	}
	var full []finding
	byUser := c.keysByUser()
	for _, user := range slices.Sorted(maps.Keys(byUser)) {
		if keys := byUser[user]; len(keys) >= limit && c.needsRoom(user, keys) {
			full = append(full, finding{check, checkWarning, fmt.Sprintf(
				"%s has %d of %d keys, which leaves no room for the next one; delete one of those that no AccessKey records: %s", describeUser(user), len(keys), limit, unrecorded(keys))})
		}
	}
	if len(full) == 0 {
		return []finding{{check, checkOK, fmt.Sprintf("every user with an AccessKey has room for the next key (%d keys per user)", limit)}}
	}
	return full
}

// needsRoom reports whether an AccessKey of the user waits for its first key or has its current key among these, and none of them goes
// away by itself.
func (c *checked) needsRoom(user string, keys []listedKey) bool {
	has := func(role string) bool {
		return slices.ContainsFunc(keys, func(key listedKey) bool { return key.role == role })
	}
	waits := slices.ContainsFunc(c.accessKeys, func(ak v1alpha1.AccessKey) bool { return ak.Status.KeyID == "" && sameUser(&ak, user) })
	return (waits || has(roleCurrent)) && !has(rolePrevious) && !has(roleQuarantine)
}

// unrecorded returns the IDs of the keys that no AccessKey records.
func unrecorded(keys []listedKey) string {
	var ids []string
	for i := range keys {
		if keys[i].ownership != ownershipManaged {
			ids = append(ids, keys[i].AccessKeyID)
		}
	}
	return orNone(strings.Join(ids, ", "))
}

// describeUser names a user. IONOS has none to choose from.
func describeUser(user string) string {
	if user == "" {
		return "the user of the token"
	}
	return "user " + user
}
