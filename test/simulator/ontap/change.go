// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/utils/ptr"

	"accesskey.dev/operator/test/simulator"
)

const (
	maxLife    = 1095 * 24 * time.Hour
	maxName    = 64
	maxComment = 256
)

var nameCharacters = regexp.MustCompile(`^[0-9A-Za-z_+=,.@-]*$`)

// body is the body of a POST or PATCH. The version and the method determine which members are allowed.
type body struct {
	Name       *string `json:"name"`
	Comment    *string `json:"comment"`
	TimeToLive *string `json:"key_time_to_live"`
	KeyID      *int    `json:"key_id"`
	AccessKey  *string `json:"access_key"`
	SecretKey  *string `json:"secret_key"`

	life               time.Duration
	regenerate, remove bool // from the query
}

// pair reports whether the caller sent its own pair, or half of one.
func (b body) pair() bool { return b.AccessKey != nil || b.SecretKey != nil }

// slot returns the slot that key_id names. The default is the first one.
func (b body) slot() int {
	return ptr.Deref(b.KeyID, 1) - 1
}

func (s *Simulator) createUser(r *http.Request) (answer, *apiError) {
	var wanted body
	if refused := decode(r, &wanted); refused != nil {
		return answer{}, refused
	}
	switch {
	case !s.server:
		return answer{}, s.store("92405773", "Object store server is not present for specified SVM. Create a object store server and retry")
	case wanted.Name == nil:
		return answer{}, invalid("Field \"name\" is required.", "name")
	case wanted.KeyID != nil:
		return answer{}, unexpected("key_id")
	}
	if refused := cmp.Or(s.checkVersion(wanted), s.checkName(*wanted.Name), s.check(&wanted, true)); refused != nil {
		return answer{}, refused
	}
	if s.options.MaxUsers > 0 && len(s.users) >= s.options.MaxUsers {
		return answer{}, s.store(codeUndocumented, "The maximum number of users of this object store server is reached.")
	}
	made := s.insert(&user{name: *wanted.Name, comment: ptr.Deref(wanted.Comment, "")})
	return s.issued(made, 0, wanted, http.StatusCreated), nil
}

func (s *Simulator) changeUser(r *http.Request) (answer, *apiError) {
	var wanted body
	if refused := decode(r, &wanted); refused != nil {
		return answer{}, refused
	}
	changed := s.find(r.PathValue("name"))
	if changed == nil {
		return answer{}, s.notFound("name")
	}
	wanted.regenerate, _ = flag(r.URL.Query(), "regenerate_keys")
	wanted.remove, _ = flag(r.URL.Query(), "delete_keys")
	if refused := cmp.Or(s.checkVersion(wanted), s.checkChange(wanted), s.check(&wanted, wanted.regenerate)); refused != nil {
		return answer{}, refused
	}
	if wanted.regenerate {
		return s.regenerate(changed, wanted.slot(), wanted)
	}
	if wanted.remove {
		if refused := s.removeKey(changed, wanted.slot()); refused != nil {
			return answer{}, refused
		}
	}
	if wanted.Comment != nil {
		changed.comment = *wanted.Comment
	}
	return answer{change: true}, nil
}

func (s *Simulator) regenerate(changed *user, slot int, wanted body) (answer, *apiError) {
	if s.options.PropertiesFail && (wanted.Comment != nil || wanted.TimeToLive != nil) {
		s.issue(changed, slot, body{}, s.options.Username)
		return answer{}, s.store("92406081", "The \"regenerate_keys\" operation succeeded, however modifying the other properties failed. "+
			"Retry the operation without \"regenerate_keys\".")
	}
	if wanted.Comment != nil {
		changed.comment = *wanted.Comment
	}
	if old := changed.keys[slot]; old != nil && wanted.TimeToLive == nil && s.options.TTLKept {
		wanted.life = old.life
	}
	return s.issued(changed, slot, wanted, http.StatusOK), nil
}

func (s *Simulator) removeKey(changed *user, slot int) *apiError {
	switch {
	case changed.name == root:
		return s.store("92406080", "Cannot delete root user keys because there exists at least one S3 SnapMirror relationship that is using these keys.")
	case changed.keys[slot] == nil && s.options.EmptyDeleteRefused:
		return s.notFound("key_id")
	}
	s.drop(changed, slot, s.options.Username)
	return nil
}

func (s *Simulator) deleteUser(r *http.Request) (answer, *apiError) {
	gone := s.find(r.PathValue("name"))
	switch {
	case gone == nil:
		return answer{}, s.notFound("name")
	case gone.name == root:
		return answer{}, s.store(codeUndocumented, "Cannot delete the root user.")
	case gone.inGroup && s.options.InGroupCode != "":
		return answer{}, s.store(s.options.InGroupCode, "The user belongs to a group.")
	}
	s.remove(gone, s.options.Username)
	return answer{change: true}, nil
}

// checkName rejects invalid names and names that are in use.
func (s *Simulator) checkName(name string) *apiError {
	switch {
	case !nameCharacters.MatchString(name):
		return s.store("92405787", "User name \""+name+"\" contains invalid characters.")
	case name == "" || len(name) > maxName:
		return s.store("92405788", "User name \""+name+"\" is not valid. User names must have between 1 and 64 characters.")
	case s.find(name) != nil:
		return &apiError{s.options.DuplicateStatus, s.options.DuplicateCode, "entry already exists", "name"}
	}
	return nil
}

// checkVersion rejects members and parameters that this version does not have.
func (s *Simulator) checkVersion(wanted body) *apiError {
	switch {
	case wanted.remove && !s.since(V9141):
		return unexpected("delete_keys")
	case wanted.TimeToLive != nil && !s.since(V9141):
		return unexpected("key_time_to_live")
	case wanted.pair() && !s.since(V9161):
		return unexpected("access_key")
	case wanted.KeyID != nil && !s.since(V9191):
		return unexpected("key_id")
	case wanted.slot() < 0 || wanted.slot() >= s.slots():
		return invalid("Field \"key_id\" must be 1 or 2.", "key_id")
	}
	return nil
}

// checkChange rejects combinations that a PATCH does not allow.
func (s *Simulator) checkChange(wanted body) *apiError {
	switch pair := wanted.pair(); {
	case wanted.Name != nil:
		return invalid("Field \"name\" cannot be set in this operation.", "name")
	case wanted.regenerate && wanted.remove:
		return s.store("92406082", "Cannot perform \"regenerate_keys\" and \"delete_keys\" operations simultaneously.")
	case wanted.remove && pair:
		return s.store("92406202", "The \"delete_keys\" operation must be performed without specifying the user keys.")
	case wanted.regenerate:
		return nil
	case wanted.KeyID != nil && !wanted.remove:
		return s.store("92406108", "\"key_id\" must be used with \"regenerate_keys\" or \"delete_keys\".")
	case wanted.TimeToLive != nil:
		return s.store("92406088", "\"key_time_to_live\" can only be modified with \"regenerate_keys\".")
	case pair:
		return invalid("Keys can only be set with \"regenerate_keys\".", "access_key")
	}
	return nil
}

// check parses the time to live and rejects invalid values. If issue is true, the request also creates a key.
func (s *Simulator) check(wanted *body, issue bool) *apiError {
	if utf8.RuneCountInString(ptr.Deref(wanted.Comment, "")) > maxComment {
		return invalid("Field \"comment\" is too long.", "comment")
	}
	life, ok := parseLife(ptr.Deref(wanted.TimeToLive, "0"))
	if !ok {
		return invalid("Field \"key_time_to_live\" is not a duration.", "key_time_to_live")
	}
	wanted.life = life
	most := s.options.MaxTTL
	switch {
	case wanted.life > maxLife:
		return s.store("92406083", "The maximum supported value for user key expiry configuration is \"1095\" days.")
	case issue && most > 0 && wanted.life > most:
		return s.store("92406196", "The specified value for the \"key_time_to_live\" field cannot be greater than the maximum limit "+
			"specified for the \"max_key_time_to_live\" field in the object store server.")
	case issue && most > 0 && wanted.life == 0:
		return s.store("92406197", "Object store user must have a non-zero value for the \"key_time_to_live\" field because the "+
			"maximum limit specified for the \"max_key_time_to_live\" field in the object store server is not zero.")
	}
	return s.checkPair(*wanted)
}

// checkPair rejects an invalid pair of the caller.
func (s *Simulator) checkPair(wanted body) *apiError {
	if !wanted.pair() {
		return nil
	}
	accessKey := ptr.Deref(wanted.AccessKey, "")
	switch {
	case accessKey == "" || ptr.Deref(wanted.SecretKey, "") == "":
		return s.store("92406201", "Missing access-key or secret-key. Either provide both of the keys or none.")
	case strings.Trim(accessKey, keyCharacters) != "":
		return s.store("92406205", "The specified access key contains invalid characters. Valid characters are 0-9 and A-Z.")
	case slices.ContainsFunc(s.LivePairs(), func(pair simulator.Pair) bool { return pair.AccessKeyID == accessKey }):
		return s.store("92406200", "An object store user with the same access-key already exists.")
	}
	return nil
}

// issued creates a pair and the response for it, which is the only response that shows a secret.
func (s *Simulator) issued(u *user, slot int, wanted body, status int) answer {
	pair, secret := s.issue(u, slot, wanted, s.options.Username)
	shown := map[string]any{"access_key": pair.AccessKeyID, "secret_key": secret}
	record := map[string]any{"name": u.name, "_links": links(s.pathOf(u))}
	if status == http.StatusOK && s.options.PairInKeys && s.slots() > 1 {
		shown["id"] = s.keyNumber(slot)
		s.showExpiry(shown, "expiry_time", u.keys[slot])
		record["keys"] = []any{shown}
	} else {
		maps.Copy(record, shown)
		s.showExpiry(record, "key_expiry_time", u.keys[slot])
	}
	return answer{
		status: status, location: s.pathOf(u), change: true,
		body: map[string]any{"num_records": 1, "records": []any{record}},
	}
}

func invalid(message, target string) *apiError {
	return &apiError{http.StatusBadRequest, codeInvalid, message, target}
}
