// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// wireUser is a user as a GET shows it. access_key is the first key, or the only one that the version knows.
type wireUser struct {
	Name      text      `json:"name"`
	Comment   text      `json:"comment"`
	AccessKey text      `json:"access_key"`
	Expires   timestamp `json:"key_expiry_time"`
	Keys      []wireKey `json:"keys"`
}

// wireKey is a member of keys[], from 9.19.1 on.
type wireKey struct {
	ID        text      `json:"id"`
	AccessKey text      `json:"access_key"`
	SecretKey text      `json:"secret_key"`
	Expires   timestamp `json:"expiry_time"`
}

// user puts the first key in its place, wherever the answer has it.
func (w wireUser) user() (*user, error) {
	if w.Name == "" {
		return nil, errors.New("the service lists a user without its name")
	}
	found := &user{name: string(w.Name), comment: string(w.Comment), keys: map[int]pair{}}
	first := pair{accessKey: string(w.AccessKey), expires: w.Expires.Time}
	for _, key := range w.Keys {
		if key.AccessKey == "" {
			continue // a place without a key
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

// issued is a user with the pair that was just made: what POST, and PATCH with regenerate_keys, answer.
type issued struct {
	AccessKey text      `json:"access_key"`
	SecretKey text      `json:"secret_key"`
	Expires   timestamp `json:"key_expiry_time"`
	Keys      []wireKey `json:"keys"`
}

// decodePair finds the pair, which a cluster with two keys may show in keys[] instead.
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

// userPage is one page of the users, with what to ask for the next one; nil on the last.
type userPage struct {
	users []*user
	next  url.Values
}

// decodePage follows _links.next.href no further than its query: the path must be the one that was asked.
func decodePage(body []byte, path string) (userPage, error) {
	var wire struct {
		Records *[]wireUser `json:"records"`
		Links   struct {
			Next *struct {
				Href text `json:"href"`
			} `json:"next"`
		} `json:"_links"`
	}
	// An object without records is not an empty list: taken for one, it would make every key look lost.
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

// problem is the body of an error. Every member may be missing, and so may the body.
type problem struct {
	Code    text `json:"code"`
	Message text `json:"message"`
}

func decodeProblem(body []byte) problem {
	var wire struct {
		Error problem `json:"error"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return problem{}
	}
	return wire.Error
}

func (p problem) String() string {
	if p.Code == "" || p.Message == "" {
		return string(p.Code + p.Message)
	}
	return "code " + string(p.Code) + ": " + string(p.Message) // in this order, since a long text is cut
}

// text is a string that may be written as a number or null; anything else counts as absent.
type text string

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *text) UnmarshalJSON(data []byte) error {
	var (
		quoted string
		number json.Number
	)
	switch {
	case json.Unmarshal(data, &quoted) == nil:
		*t = text(quoted)
	case json.Unmarshal(data, &number) == nil:
		*t = text(number)
	}
	return nil
}

// timestamp is a time in any of the layouts of the documents: "2023-12-31 19:00:00 -0500", "2024-01-01 00:00:00+00:00",
// "2023-11-13T23:28:03+05:30", "2024-01-01T00:00:00.000+0000". What can't be read is the zero time, since it is no reason
// to lose a key.
type timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *timestamp) UnmarshalJSON(data []byte) error {
	var quoted text
	_ = quoted.UnmarshalJSON(data)
	date, clock, _ := strings.Cut(strings.Replace(string(quoted), "T", " ", 1), " ")
	plain := date + "T" + strings.ReplaceAll(clock, " ", "")
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if parsed, err := time.Parse(layout, plain); err == nil {
			t.Time = parsed
		}
	}
	return nil
}
