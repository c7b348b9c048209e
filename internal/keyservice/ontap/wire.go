// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// wireUser is a user as the service shows it. access_key is the first key, or the only one that the version knows. A GET has no
// secret_key; POST, and PATCH with regenerate_keys, answer with the pair that was just made.
type wireUser struct {
	Name      rest.Text `json:"name"`
	Comment   rest.Text `json:"comment"`
	AccessKey rest.Text `json:"access_key"`
	SecretKey rest.Text `json:"secret_key"`
	Expires   rest.Time `json:"key_expiry_time"`
	Keys      []wireKey `json:"keys"`
}

// wireKey is a member of keys[], from 9.19.1 on.
type wireKey struct {
	ID        rest.Text `json:"id"`
	AccessKey rest.Text `json:"access_key"`
	SecretKey rest.Text `json:"secret_key"`
	Expires   rest.Time `json:"expiry_time"`
}

// user puts the first key into slot 1, wherever the answer has it.
func (w wireUser) user() (*user, error) {
	if w.Name == "" {
		return nil, errors.New("the service lists a user without its name")
	}
	found := &user{name: string(w.Name), comment: string(w.Comment), keys: map[int]keyservice.Key{}}
	found.mark, found.ours = parseMark(found.comment)
	add := func(slot int, accessKey rest.Text, expires rest.Time) {
		found.keys[slot] = keyservice.Key{
			ID: keyID(found.name, slot), AccessKeyID: string(accessKey), ExpiresAt: expires.Time, OwnerUID: found.mark.uid(slot),
		}
	}
	for _, key := range w.Keys {
		if key.AccessKey == "" {
			continue // a slot without a key
		}
		slot, err := strconv.Atoi(string(key.ID))
		if err != nil || slot < 1 {
			return nil, errors.New("the service lists a key without its id")
		}
		if key.AccessKey == w.AccessKey {
			w.AccessKey = ""
		}
		add(slot, key.AccessKey, key.Expires)
	}
	if !found.has(1) && w.AccessKey != "" {
		add(1, w.AccessKey, w.Expires)
	}
	return found, nil
}

// decodePair finds the new pair, which a cluster with two keys may show in keys[].
func decodePair(body []byte, slot int) (made keyservice.Credential, ok bool) {
	var wire struct {
		wireUser

		Records []wireUser `json:"records"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return made, false
	}
	shown := wire.wireUser
	if len(wire.Records) > 0 {
		shown = wire.Records[0]
	}
	for _, key := range shown.Keys {
		if string(key.ID) == strconv.Itoa(slot) && key.SecretKey != "" {
			shown.AccessKey, shown.SecretKey, shown.Expires = key.AccessKey, key.SecretKey, key.Expires
		}
	}
	made.AccessKeyID, made.ExpiresAt, made.SecretAccessKey = string(shown.AccessKey), shown.Expires.Time, keyservice.Secret(shown.SecretKey)
	return made, shown.AccessKey != "" && shown.SecretKey != ""
}

// decodePage returns the users of one page, and the query of the next one; nil on the last. It takes only the query from
// _links.next.href, whose path must be the one that was asked.
func decodePage(body []byte, path string) (users []*user, query url.Values, err error) {
	var wire struct {
		Records *[]wireUser `json:"records"`
		Links   struct {
			Next *struct {
				Href rest.Cursor `json:"href"`
			} `json:"next"`
		} `json:"_links"`
	}
	// An object without records is not an empty list, which would make every key look lost.
	if json.Unmarshal(body, &wire) != nil || wire.Records == nil {
		return nil, nil, errNotONTAP
	}
	for _, record := range *wire.Records {
		found, err := record.user()
		if err != nil {
			return nil, nil, err
		}
		users = append(users, found)
	}
	if wire.Links.Next == nil || wire.Links.Next.Href == "" {
		return users, nil, nil
	}
	next, err := url.Parse(string(wire.Links.Next.Href))
	if err != nil || next.Scheme != "" || next.Host != "" || next.Path != path {
		return nil, nil, errors.New("the service's next page is not one of its own list, so it is not asked for")
	}
	return users, next.Query(), nil
}

// decodeProblem reads the body of an error, in which every member may be missing.
func decodeProblem(body []byte) rest.Problem {
	var wire struct {
		Error struct {
			Code    rest.Text `json:"code"`
			Message rest.Text `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return rest.Problem{}
	}
	return rest.Problem{Code: string(wire.Error.Code), Text: string(wire.Error.Message)}
}
