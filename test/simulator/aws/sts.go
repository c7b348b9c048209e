// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"slices"
	"strconv"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// role is a role that the users of the account may assume. It has the permissions of the operator.
type role struct{ arn, id, name, externalID string }

// session is a role that was assumed.
type session struct {
	role          *role
	name          string
	secret, token string
	expires       time.Time
}

// AddRole creates a role and returns its ARN. Without an external ID, the role can be assumed with any or none.
func (s *Simulator) AddRole(name, externalID string) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := &role{"arn:" + s.options.Partition + ":iam::" + s.options.AccountID + ":role/" + name, "AROA" + simulator.Random(17, base32), name, externalID}
	s.roles = append(s.roles, added)
	return added.arn
}

// arn returns the ARN of a caller.
func (s *Simulator) arn(who caller) string {
	if who.user != nil {
		return "arn:" + s.options.Partition + ":iam::" + s.options.AccountID + ":user" + who.user.path + who.user.name
	}
	return "arn:" + s.options.Partition + ":sts::" + s.options.AccountID + ":assumed-role/" + who.session.role.name + "/" + who.session.name
}

// getCallerIdentity needs no permission (API reference).
func (s *Simulator) getCallerIdentity(c *call) ([]node, *apiError) {
	var id string
	if c.caller.user != nil {
		id = c.caller.user.id
	} else {
		id = c.caller.session.role.id + ":" + c.caller.session.name
	}
	return []node{leaf("Arn", s.arn(c.caller)), leaf("UserId", id), leaf("Account", s.options.AccountID)}, nil
}

// assumeRole gives the caller temporary credentials for 15 minutes to 12 hours.
func (s *Simulator) assumeRole(c *call) ([]node, *apiError) {
	arn, refused := required(c, "RoleArn")
	if refused != nil {
		return nil, refused
	}
	name, refused := required(c, "RoleSessionName")
	if refused != nil {
		return nil, refused
	}
	seconds, err := strconv.Atoi(c.form.Get("DurationSeconds"))
	if !c.form.Has("DurationSeconds") {
		seconds, err = 3600, nil
	}
	if err != nil || seconds < 900 || seconds > 43200 {
		return nil, invalid(validationError, "1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: "+
			"Member must have value between 900 and 43200", c.form.Get("DurationSeconds"))
	}
	at := slices.IndexFunc(s.roles, func(r *role) bool {
		return r.arn == arn && (r.externalID == "" || r.externalID == c.form.Get("ExternalId"))
	})
	if at < 0 {
		return nil, forbidden(accessDenied, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", s.arn(c.caller), arn)
	}
	begun := session{
		role: s.roles[at], name: name, secret: simulator.Random(40, simulator.Base64), token: simulator.Random(200, simulator.Base64),
		expires: s.Now().Add(time.Duration(seconds) * time.Second),
	}
	id := "ASIA" + simulator.Random(16, base32)
	s.sessions[id] = begun
	s.RecordToken(begun.secret)
	s.RecordToken(begun.token)
	return []node{
		branch("AssumedRoleUser", leaf("AssumedRoleId", begun.role.id+":"+name), leaf("Arn", s.arn(caller{session: begun}))),
		branch("Credentials",
			leaf("AccessKeyId", id), leaf("SecretAccessKey", begun.secret), leaf("SessionToken", begun.token), leaf("Expiration", written(begun.expires))),
	}, nil
}
