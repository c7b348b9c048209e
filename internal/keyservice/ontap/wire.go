// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"accesskey.dev/operator/internal/keyservice/rest"
)

// wireUser is a user as a GET shows it. access_key is the first key, or the only one that the version knows.
type wireUser struct {
	Name      rest.Text `json:"name"`
	Comment   rest.Text `json:"comment"`
	AccessKey rest.Text `json:"access_key"`
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
	found := &user{name: string(w.Name), comment: string(w.Comment), keys: map[int]pair{}}
	first := pair{accessKey: string(w.AccessKey), expires: w.Expires.Time}
	for _, key := range w.Keys {
		if key.AccessKey == "" {
			continue // a slot without a key
		}
		slot, err := strconv.Atoi(string(key.ID))
		if err != nil || slot < 1 {
			return nil, errors.New("the service lists a key without its id")
		}
		if string(key.AccessKey) == first.accessKey {
			first = pair{}
		}
		found.keys[slot] = pair{accessKey: string(key.AccessKey), expires: key.Expires.Time}
	}
	if _, taken := found.keys[1]; !taken && first.accessKey != "" {
		found.keys[1] = first
	}
	return found, nil
}

// issued is a user with the pair that was just made, as POST, and PATCH with regenerate_keys, answer.
type issued struct {
	AccessKey rest.Text `json:"access_key"`
	SecretKey rest.Text `json:"secret_key"`
	Expires   rest.Time `json:"key_expiry_time"`
	Keys      []wireKey `json:"keys"`
}

// decodePair finds the pair, which a cluster with two keys may show in keys[].
func decodePair(body []byte, slot int) (made pair, secret string, ok bool) {
	var wire struct {
		issued

		Records []issued `json:"records"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return pair{}, "", false
	}
	shown := wire.issued
	if len(wire.Records) > 0 {
		shown = wire.Records[0]
	}
	for _, key := range shown.Keys {
		if string(key.ID) == strconv.Itoa(slot) && key.SecretKey != "" {
			shown.AccessKey, shown.SecretKey, shown.Expires = key.AccessKey, key.SecretKey, key.Expires
		}
	}
	made = pair{accessKey: string(shown.AccessKey), expires: shown.Expires.Time}
	return made, string(shown.SecretKey), shown.AccessKey != "" && shown.SecretKey != ""
}

// userPage is one page of the users, and the query of the next one; nil on the last.
type userPage struct {
	users []*user
	next  url.Values
}

// decodePage takes only the query from _links.next.href. Its path must be the one that was asked.
func decodePage(body []byte, path string) (userPage, error) {
	var wire struct {
		Records *[]wireUser `json:"records"`
		Links   struct {
			Next *struct {
				Href rest.Text `json:"href"`
			} `json:"next"`
		} `json:"_links"`
	}
	// An object without records is not an empty list, which would make every key look lost.
	if json.Unmarshal(body, &wire) != nil || wire.Records == nil {
		return userPage{}, errNotONTAP
	}
	var page userPage
	for _, record := range *wire.Records {
		found, err := record.user()
		if err != nil {
			return userPage{}, err
		}
		page.users = append(page.users, found)
	}
	if wire.Links.Next == nil || wire.Links.Next.Href == "" {
		return page, nil
	}
	next, err := url.Parse(string(wire.Links.Next.Href))
	if err != nil || next.Scheme != "" || next.Host != "" || next.Path != path {
		return userPage{}, errors.New("the service's next page is not one of its own list, so it is not asked for")
	}
	page.next = next.Query()
	return page, nil
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
